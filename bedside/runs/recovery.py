"""Whether a patient's temperament can be told from their lines alone, by a simple classifier.

Trained on one half of the diagnoses and tested on the other, both ways round, so that no word of
an illness helps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np

from bedside.runs.dialogue import Dialogue
from bedside.scenarios.case import Temperament

__all__ = ["FEWEST", "Recovery", "recover"]

FEWEST = 8
"""Encounters with each temperament that are needed in each half."""

_TEMPERAMENTS: tuple[Temperament, ...] = get_args(Temperament)
_WORD = re.compile(r"[a-z']+")
_MANY_FACTS = 2
_RIDGE = 0.05


class Recovery(NamedTuple):
    """How many of the encounters were put to the right temperament.

    Attributes:
        n: encounters that were put to one.
        words: right by words and pairs of words (a Bernoulli naive Bayes).
        behaviour: right by behaviour alone: length, facts and questions of the lines (a Gaussian
            each).
        confusion: rows are the true temperaments, columns those told by the words, in the order
            sanguine, choleric, melancholic, phlegmatic.
    """

    n: int
    words: int
    behaviour: int
    confusion: tuple[tuple[int, ...], ...]


def recover(dialogues: Sequence[Dialogue]) -> Recovery | None:
    """Tell every encounter's temperament; None where there are too few of one to learn from."""
    diagnoses = sorted({dialogue.case.truth.diagnosis for dialogue in dialogues})
    first = set(diagnoses[::2])
    half = np.array([dialogue.case.truth.diagnosis in first for dialogue in dialogues])
    truth = np.array([_TEMPERAMENTS.index(d.case.person.temperament) for d in dialogues])
    if any(np.sum((half == side) & (truth == k)) < FEWEST for side in (0, 1) for k in range(4)):
        return None
    said = [_said(dialogue) for dialogue in dialogues]
    behaviour = np.array([_behaviour(dialogue) for dialogue in dialogues])
    by_words = np.empty_like(truth)
    by_behaviour = np.empty_like(truth)
    for side in (False, True):
        train, test = half == side, half != side
        by_words[test] = _by_words(said, truth, train, test)
        by_behaviour[test] = _by_behaviour(behaviour, truth, train, test)
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (truth, by_words), 1)
    return Recovery(
        n=len(truth),
        words=int(np.sum(by_words == truth)),
        behaviour=int(np.sum(by_behaviour == truth)),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
    )


def _said(dialogue: Dialogue) -> set[str]:
    found: set[str] = set()
    for line in dialogue.lines:
        words = _WORD.findall(line.said.text.lower())
        found.update(words, map(" ".join, pairwise(words)))
    return found


def _behaviour(dialogue: Dialogue) -> list[float]:
    """Mean and spread of words a line, facts a line, share of lines with many, questions, length
    of what goes beyond the facts."""
    lines = [line.said for line in dialogue.lines[1:] or dialogue.lines]
    words = np.array([len(said.text.split()) for said in lines])
    facts = np.array([len(said.facts) for said in lines])
    asked = np.array([said.text.count("?") for said in lines])
    return [
        float(np.mean(words)),
        float(np.std(words)),
        float(np.mean(facts)),
        float(np.mean(facts > _MANY_FACTS)),
        float(np.mean(asked)),
        float(np.mean(words / (facts + 1))),
    ]


def _by_words(said: list[set[str]], truth: Any, train: Any, test: Any) -> Any:
    vocabulary = sorted(set().union(*(said[i] for i in np.flatnonzero(train))))
    column = {word: number for number, word in enumerate(vocabulary)}
    table = np.zeros((len(said), len(vocabulary)), np.float32)
    for row, words in enumerate(said):
        table[row, [column[word] for word in words if word in column]] = 1
    totals = []
    for k in range(4):
        own = table[train & (truth == k)]
        chance = (own.sum(0) + 0.5) / (len(own) + 1)
        totals.append(table[test] @ np.log(chance) + (1 - table[test]) @ np.log(1 - chance))
    return np.argmax(totals, axis=0)


def _by_behaviour(table: Any, truth: Any, train: Any, test: Any) -> Any:
    scaled = (table - table[train].mean(0)) / (table[train].std(0) + 1e-9)
    totals = []
    for k in range(4):
        own = scaled[train & (truth == k)]
        spread = np.cov(own.T) + _RIDGE * np.eye(table.shape[1])
        away = scaled[test] - own.mean(0)
        distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(spread), away)
        totals.append(-distance - np.linalg.slogdet(spread)[1])
    return np.argmax(totals, axis=0)
