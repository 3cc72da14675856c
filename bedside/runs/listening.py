"""What is wrong with a line of the patient, told from the case and the talk alone.

Neither patient nor guard is asked: a component is not the judge of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from bedside.runs.dialogue import Dialogue, Line
from bedside.scenarios.case import Case, Fact, Person
from bedside.scenarios.leaks import leaks

__all__ = ["Heard", "Listener"]

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_SENTENCE = re.compile(r"[^.!?;]+")
_ENDING = re.compile(r"(?:ings?|edly|ed|ers?|e?s|y|ly|e)$")
_DENIAL = re.compile(r"\b(?:no|not|never|none|nothing|nobody|neither|nor|without|cannot)\b|n't\b")
_YES = re.compile(r"^(?:oh |well |um )*(?:yes|yeah|yep|right)\b")
_NO = re.compile(r"^(?:oh |well |um )*(?:no|nope)\b[.,!]")
_SHARED = 0.6
"""Share of a fact's words in a sentence from which on the sentence tells the fact."""


class Heard(NamedTuple):
    """What is wrong with one line; empty where nothing is.

    Attributes:
        leaks: words that give the diagnosis away and that the doctor did not just say.
        inventions: clinical words that stand neither in the facts nor in what the doctor said.
        contradictions: ids of facts that are told with the opposite yes or no.
        unlisted: other words from neither, which are no known filler: for a scripted patient none.
    """

    leaks: tuple[str, ...]
    inventions: tuple[str, ...]
    contradictions: tuple[str, ...]
    unlisted: tuple[str, ...]


class Listener:
    """Listens to the patients of a set of cases.

    Args:
        cases: the words of their facts, fillers apart, are the clinical words there are.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._clinical = {root for case in cases for root in _of_facts(case.facts)} - _fillers()

    def listen(self, dialogue: Dialogue) -> Iterator[Heard]:
        """What is wrong with each line, in order."""
        case = dialogue.case
        known = _fillers() | _of_facts(case.facts) | _of_person(case.person)
        for line in dialogue.lines:
            known |= _roots(line.heard)
            yield self._judge(line, case, known)

    def _judge(self, line: Line, case: Case, known: frozenset[str]) -> Heard:
        text = line.said.text
        strange = [w for w in _words(text) if _root(w) not in known and w not in known]
        inventions = tuple(word for word in strange if self._is_clinical(word))
        return Heard(
            leaks=_leaks(line, case),
            inventions=inventions,
            contradictions=tuple(_contradicted(line, case)),
            unlisted=tuple(word for word in strange if word not in inventions),
        )

    def _is_clinical(self, word: str) -> bool:
        return word.isdigit() or _root(word) in self._clinical


def _leaks(line: Line, case: Case) -> tuple[str, ...]:
    echoed = set(_words(line.heard)) if not _YES.search(line.said.text.lower()) else set()
    found = leaks(line.said.text, case.truth)
    return tuple(hit for hit in found if not set(_words(hit)) <= echoed)


def _contradicted(line: Line, case: Case) -> Iterator[str]:
    text = line.said.text.lower()
    told = [fact for fact in case.facts if fact.id in line.said.facts]
    sides = {fact.present for fact in told}
    if (_YES.search(text) and sides == {False}) or (_NO.search(text) and sides == {True}):
        yield from (fact.id for fact in told)
    for fact in told:
        words = fact.text.lower().rstrip(".!?")
        if words not in text and _is_turned(words, text):
            yield fact.id


def _is_turned(fact: str, text: str) -> bool:
    """Whether the sentence that tells a fact denies what the fact affirms, or the reverse."""
    wanted = _roots(fact) - _fillers()
    if not wanted:
        return False
    sentences = _SENTENCE.findall(text)
    best = max(sentences, key=lambda sentence: len(wanted & _roots(sentence)), default="")
    if len(wanted & _roots(best)) < _SHARED * len(wanted):
        return False
    return bool(_DENIAL.search(fact)) != bool(_DENIAL.search(best))


def _of_facts(facts: Iterable[Fact]) -> set[str]:
    return {root for fact in facts for root in _roots(fact.text)}


def _of_person(person: Person) -> set[str]:
    return set(_roots(f"{person.name} {person.age:g} {person.sex} {person.occupation} my child"))


@cache
def _fillers() -> frozenset[str]:
    lines = files("bedside.runs").joinpath("data/fillers.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(words | set(map(_root, words)))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


@lru_cache(maxsize=50_000)
def _roots(text: str) -> frozenset[str]:
    return frozenset(map(_root, _words(text)))


@lru_cache(maxsize=50_000)
def _root(word: str) -> str:
    """The word without a common ending, so that "itchy" and "itching" are one."""
    root = _ENDING.sub("", word)
    return root if len(root) > 2 else word
