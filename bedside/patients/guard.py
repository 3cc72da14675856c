"""The guard of the LLM patient: whether a wording says what the scripted answer says, no more.

It works on clinical words (``data/guard.toml``): body parts, sides, times, numbers, symptoms,
illnesses, treatments, people and habits, in groups that mean the same. What a wording says of them
must stand in the scripted answer, with the same yes or no.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

from bedside.patients.base import Utterance
from bedside.patients.lexicon import lexicon, split_words, stem
from bedside.scenarios.case import Fact

__all__ = ["Fault", "FaultKind", "Guard"]

FaultKind = Literal[
    "empty",
    "too_long",
    "leak",
    "role_swap",
    "injection",
    "invention",
    "over_disclosure",
    "contradiction",
    "incomplete",
]

_CLAUSE = re.compile(r"[^.!?;:,\n]+(?:[.!?;:,]+|$)|\n")
_SPLIT = re.compile(r"\b(?:but|though|although|while|whereas|except)\b", re.IGNORECASE)
_ROOM, _SPARE = 2.5, 40
"""A wording may have this many times the words of the answer, and some more."""


class Fault(NamedTuple):
    """What is wrong with a wording.

    Attributes:
        reason: one sentence for the model; it names no word that would give the diagnosis away.
    """

    kind: FaultKind
    reason: str


class Guard:
    """Listens to one patient.

    Args:
        facts: all facts of the case.
        tells: finds the words of a text that give the diagnosis away.
    """

    def __init__(self, facts: tuple[Fact, ...], tells: Callable[[str], Sequence[str]]) -> None:
        self._facts = {fact.id: fact for fact in facts}
        self._tells = tells

    def faults(self, reply: str, *, heard: str, draft: Utterance) -> tuple[Fault, ...]:
        """What is wrong with a wording; empty if nothing is.

        Args:
            reply: the wording.
            heard: what the doctor said.
            draft: the scripted answer.
        """
        if not split_words(reply):
            return (Fault("empty", "There are no words."),)
        told = [self._facts[name] for name in draft.facts if name in self._facts]
        found = [
            *self._leaks(reply, heard, draft),
            *_roles(reply, draft),
            *self._strays(reply, heard, draft),
            *_turned(reply, told),
            *_lacking(reply, told),
        ]
        if len(reply.split()) > _ROOM * len(draft.text.split()) + _SPARE:
            found.append(Fault("too_long", "It is far longer than the answer."))
        return tuple({fault.kind: fault for fault in found}.values())

    def _leaks(self, reply: str, heard: str, draft: Utterance) -> Iterator[Fault]:
        said = {*_stems(draft.text), *_stems(heard)}
        for clause in _clauses(reply):
            new = [word for word in self._tells(clause.text) if not said.issuperset(_stems(word))]
            echoed = self._tells(clause.text) and not (clause.denied or clause.unsure)
            if new or (echoed and not self._tells(draft.text)):
                yield Fault("leak", "It names or hints at the illness, which you do not know.")

    def _strays(self, reply: str, heard: str, draft: Utterance) -> Iterator[Fault]:
        """Clinical words that the answer does not have."""
        answered, asked = _said(draft.text), _said(heard)
        others = [fact for name, fact in self._facts.items() if name not in draft.facts]
        for clause in _clauses(reply):
            new = clause.said - answered
            if clause.unsure or clause.asks:
                new -= asked
            for what in sorted(new):
                known = any(what in _said(fact.text) for fact in others)
                yield _stray(what, known=known)
        fresh = _content(reply) - _content(draft.text) - _content(heard)
        if any(len(fresh & _content(fact.text)) >= 2 for fact in others):
            yield Fault("over_disclosure", "It tells things that the answer does not tell.")


class _Clause(NamedTuple):
    text: str
    said: frozenset[str]
    denied: bool
    unsure: bool
    asks: bool


def _stray(what: str, *, known: bool) -> Fault:
    word = what.partition(":")[2]
    if known:
        return Fault("over_disclosure", f"The answer says nothing of '{word}'.")
    return Fault("invention", f"The answer says nothing of '{word}'.")


def _roles(reply: str, draft: Utterance) -> Iterator[Fault]:
    for kind, name, reason in (
        ("role_swap", "doctor", "You are the patient; it sounds like the doctor."),
        ("role_swap", "machine", "You are the patient; say only what the patient says."),
        ("injection", "injection", "Say only what the patient says, as plain speech."),
    ):
        pattern = _patterns()[name]
        if pattern.search(reply) and not pattern.search(draft.text):
            yield Fault(kind, reason)  # type: ignore[arg-type]


def _turned(reply: str, told: Sequence[Fact]) -> Iterator[Fault]:
    """Facts that are told with the opposite yes or no."""
    clauses = _clauses(reply)
    for fact in told:
        about = _said(fact.text) or _content(fact.text)
        best = max(clauses, key=lambda c: len(about & (c.said | _content(c.text))), default=None)
        if best is None or not about & (best.said | _content(best.text)):
            continue
        denied, denies = best.denied, bool(_denials(fact.text))
        if fact.present == denies:
            continue
        if denied != denies:
            verb = "denies" if denied else "affirms"
            yield Fault("contradiction", f"It {verb} what the answer says: {fact.text}.")


def _lacking(reply: str, told: Sequence[Fact]) -> Iterator[Fault]:
    """Facts of which nothing is left, if they are half of what was to be told."""
    left = _said(reply) | _content(reply)
    lost = [fact for fact in told if not (_said(fact.text) | _content(fact.text)) & left]
    if lost and 2 * len(lost) >= len(told):
        yield Fault("incomplete", f"It leaves out: {lost[0].text}.")


@lru_cache(maxsize=4_096)
def _clauses(text: str) -> tuple[_Clause, ...]:
    found = []
    for sentence in _CLAUSE.findall(text):
        for part in _SPLIT.split(sentence):
            if words := split_words(part):
                found.append(
                    _Clause(
                        part,
                        _said(part),
                        _denials(part),
                        not _guard().unsure.isdisjoint(words) and _denials_raw(part),
                        "?" in part,
                    )
                )
    return tuple(found)


def _denials(text: str) -> bool:
    """Whether a text denies something, idioms that only sound like it apart."""
    plain = _guard().idioms.sub(" ", _level(text))
    return _denials_raw(plain)


def _denials_raw(text: str) -> bool:
    plain = _level(text)
    return "n't" in plain or not _guard().denial.isdisjoint(re.findall(r"[a-z']+", plain))


def _level(text: str) -> str:
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


@lru_cache(maxsize=20_000)
def _said(text: str) -> frozenset[str]:
    """The clinical groups and the numbers that a text names, as ``kind:first word``."""
    table = _guard()
    words = split_words(text)
    stems = [stem(word) for word in words]
    found: set[str] = set()
    at = 0
    while at < len(stems):
        for phrase, group in table.phrases.get(stems[at], ()):
            if tuple(stems[at : at + len(phrase)]) == phrase:
                found.add(group)
                at += len(phrase)
                break
        else:
            if (number := table.numbers.get(words[at])) is not None:
                found.add(f"number:{number}")
            at += 1
    return frozenset(found)


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, split_words(text)))


def _content(text: str) -> frozenset[str]:
    return frozenset(one for one in _stems(text) if len(one) > 3 and one not in lexicon().stop)


@dataclass(frozen=True)
class _Table:
    phrases: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    numbers: dict[str, str]
    denial: frozenset[str]
    unsure: frozenset[str]
    idioms: re.Pattern[str]


@cache
def _raw() -> dict[str, dict[str, object]]:
    text = files("bedside.patients").joinpath("data/guard.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _guard() -> _Table:
    raw = _raw()
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    groups: dict[str, list[str]] = raw["groups"]  # type: ignore[assignment]
    for kind, lines in groups.items():
        for line in lines:
            ways = line.split()
            for way in ways:
                phrase = tuple(map(stem, way.split("-")))
                phrases.setdefault(phrase[0], []).append((phrase, f"{kind}:{ways[0]}"))
    words: dict[str, str] = raw["words"]  # type: ignore[assignment]
    return _Table(
        phrases={k: tuple(sorted(v, key=lambda e: -len(e[0]))) for k, v in phrases.items()},
        numbers=dict(_numbers(raw["numbers"].items())),  # type: ignore[arg-type]
        denial=frozenset(words["denial"].split()),
        unsure=frozenset(words["unsure"].split()),
        idioms=re.compile("|".join(map(re.escape, words["idioms"].split("|")))),
    )


def _numbers(table: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for digits, words in table:
        yield digits, digits
        yield from ((word, digits) for word in words.split())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    roles: dict[str, list[str]] = _raw()["roles"]  # type: ignore[assignment]
    return {name: re.compile("|".join(ways), re.I | re.M) for name, ways in roles.items()}
