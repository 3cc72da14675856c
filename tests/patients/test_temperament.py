"""Whether the temperament shows in the patient's lines alone, whatever the illness.

Learnt from every second diagnosis and tested on the others, both ways round, by code of this file:
nothing of the patient or of Bedside's own measure is imported. Each case is taken in four
temperaments by the same doctor, who asks the same questions in another order every time.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import mean, stdev

from bedside.agents.phrases import GREETING, QUESTIONS
from bedside.scenarios.case import Case
from tests.patients.test_whole_suite import SUITE, conversation

TEMPERAMENTS = ("sanguine", "melancholic", "choleric", "phlegmatic")
Features = Callable[["Talk"], Sequence[str]]


@dataclass(frozen=True)
class Talk:
    """What a patient said, and how many facts each line told."""

    temperament: str
    diagnosis: str
    lines: tuple[str, ...]
    facts: tuple[int, ...]
    unasked: float


def doctor(case: Case) -> Iterator[str]:
    yield GREETING
    questions = list(QUESTIONS.values())
    yield from random.Random(case.id).sample(questions, len(questions))
    yield "I am sorry that you have to go through this."
    yield "I would like to prescribe you something for it. Is that all right with you?"
    yield "Then let us do that. Take it twice a day for two weeks."


@cache
def talks() -> tuple[Talk, ...]:
    return tuple(map(talk, SUITE.cases))


def talk(case: Case) -> Talk:
    said = [spoke for _, spoke in conversation(case, doctor(case), int(case.id[:8], 16))]
    topics = {fact.id: fact.topic for fact in case.facts}
    unasked = [len([f for f in s.facts if topics[f] not in s.topics]) for s in said[1:]]
    return Talk(
        temperament=case.person.temperament,
        diagnosis=case.truth.diagnosis,
        lines=tuple(spoke.text for spoke in said),
        facts=tuple(len(spoke.facts) for spoke in said),
        unasked=mean(unasked),
    )


def words(one: Talk) -> Sequence[str]:
    """Words and pairs of words."""
    plain = [re.findall(r"[a-z']+", line.lower()) for line in one.lines]
    return [w for line in plain for w in (*line, *map(" ".join, pairwise(line)))]


def conduct(one: Talk) -> Sequence[str]:
    """No words: length of the lines, facts they tell and in which order, questions back."""
    lines = one.lines[1:]
    length = mean(len(line.split()) for line in lines)
    facts = mean(one.facts[1:])
    back = sum(line.count("?") for line in lines)
    spare = mean(len(re.findall(r"[.!?]+", line)) for line in lines) - facts
    told = [min(number, 5) for number in one.facts[1:6]]
    return [
        *(f"length {step}" for step in range(int(length / 2))),
        *(f"facts {step}" for step in range(int(facts * 4))),
        *(f"back {step}" for step in range(min(back, 6))),
        *(f"spare {step}" for step in range(int(max(0, spare) * 4))),
        *(f"order {place} {number}" for place, number in enumerate(told)),
    ]


def recovered(features: Features) -> float:
    """The share of talks put to their temperament, by a naive Bayes over what is there or not."""
    diagnoses = sorted({one.diagnosis for one in talks()})
    right = 0
    for half in (diagnoses[::2], diagnoses[1::2]):
        train = [one for one in talks() if one.diagnosis in half]
        counts = {t: Counter[str]() for t in TEMPERAMENTS}
        for one in train:
            counts[one.temperament].update(set(features(one)))
        each = len(train) / len(TEMPERAMENTS)
        known = set().union(*counts.values())
        for one in talks():
            if one.diagnosis not in half:
                there = set(features(one))
                right += one.temperament == max(
                    TEMPERAMENTS, key=lambda t: evidence(there, known, counts[t], each)
                )
    return right / len(talks())


def evidence(there: set[str], known: set[str], counts: Counter[str], each: float) -> float:
    chances = {feature: (counts[feature] + 0.5) / (each + 1) for feature in known}
    return sum(math.log(p if f in there else 1 - p) for f, p in chances.items())


def test_every_temperament_is_there_as_often() -> None:
    counts = Counter(one.temperament for one in talks())
    assert set(counts) == set(TEMPERAMENTS) and len(set(counts.values())) == 1


def test_the_lines_show_the_temperament() -> None:
    share = recovered(words)
    print(f"from the lines: {share:.1%}")
    assert share >= 0.9


def test_behaviour_alone_shows_the_temperament() -> None:
    share = recovered(conduct)
    print(f"from behaviour: {share:.1%}")
    assert share >= 0.75


def test_no_single_word_gives_the_temperament_away() -> None:
    """Guessing by whether one word or pair of words is there, whichever way is better."""
    total = len(talks())
    each = Counter(one.temperament for one in talks())
    counts: dict[str, Counter[str]] = {}
    for one in talks():
        for feature in set(words(one)):
            counts.setdefault(feature, Counter())[one.temperament] += 1
    best, word = max(
        ((max(n.values()) + max(each[t] - n[t] for t in TEMPERAMENTS)) / total, feature)
        for feature, n in counts.items()
    )
    print(f"best single word or pair: '{word}', {best:.1%}")
    assert best <= 0.45


def test_more_is_volunteered_the_livelier_the_temperament() -> None:
    """Facts per turn on topics that were not asked for; 95 % intervals that do not touch."""
    spans = []
    for temperament in TEMPERAMENTS:
        shares = [one.unasked for one in talks() if one.temperament == temperament]
        half = 1.96 * stdev(shares) / math.sqrt(len(shares))
        spans.append((mean(shares) - half, mean(shares) + half))
    print(
        [
            f"{name} {low:.2f} to {high:.2f}"
            for name, (low, high) in zip(TEMPERAMENTS, spans, strict=True)
        ]
    )
    assert all(low > high for (low, _), (_, high) in pairwise(spans))
