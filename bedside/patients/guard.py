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
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_SPLIT = re.compile(
    r"\b(?:but|though|although|while|whereas|except)\b|\band (?=(?:i|it|my|the|there|they|we)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z']+")
_NOT = frozenset({"no", "not", "never", "cannot"})
_TURNS = "turns:"
"""Better and worse, day and night: denied, they may say what the answer says in other words."""
_START = 5
_FEW = 3
"""Words with content of a wording that says nearly nothing."""
_MOST = 0.75
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
            if clause.negated:
                new = frozenset(what for what in new if not what.startswith(_TURNS))
            for what in sorted(new):
                known = any(what in _said(fact.text) for fact in others)
                yield _stray(what, known=known)
        fresh = _content(reply) - _content(draft.text) - _content(heard)
        if any(len(fresh & _content(fact.text)) >= 2 for fact in others):
            yield Fault("over_disclosure", "It tells things that the answer does not tell.")


class _Clause(NamedTuple):
    text: str
    said: frozenset[str]
    negated: bool
    denied: bool
    fine: bool
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
    sentences = [_clauses(sentence) for sentence in _SENTENCE.findall(reply)]
    for fact in told:
        denies = _denies(fact.text) or (not fact.present and _is_fine(fact.text))
        about = _said(fact.text) or _content(fact.text)
        touched = [clauses for clauses in sentences if any(_shares(c, about) for c in clauses)]
        if not touched or fact.present == denies:
            continue
        near = [c for clauses in touched for c in clauses if _shares(c, about)]
        if denies and not any(c.denied or c.fine for clauses in touched for c in clauses):
            yield Fault("contradiction", f"It affirms what the answer denies: {fact.text}.")
        if not denies and (all(c.denied for c in near) or _denied_in(touched, _said(fact.text))):
            yield Fault("contradiction", f"It denies what the answer says: {fact.text}.")


def _denied_in(sentences: Sequence[tuple[_Clause, ...]], about: frozenset[str]) -> bool:
    """Whether one of the clinical things is only spoken of to deny it."""
    clauses = [clause for sentence in sentences for clause in sentence]
    return any(
        all(clause.denied for clause in naming)
        for what in about
        if (naming := [clause for clause in clauses if what in clause.said])
    )


def _shares(clause: _Clause, about: frozenset[str]) -> bool:
    return not about.isdisjoint(clause.said | _content(clause.text))


def _lacking(reply: str, told: Sequence[Fact]) -> Iterator[Fault]:
    """Facts of which no word is left, if that is most of what was to be told."""
    left = _said(reply) | _content(reply)
    about = {fact.text: _said(fact.text) | _content(fact.text) for fact in told}
    lost = [text for text, words in about.items() if len(words) > 1 and left.isdisjoint(words)]
    few = len(_content(reply)) < _FEW
    if lost and len(lost) >= _MOST * len(told) and (len(told) > 1 or few):
        yield Fault("incomplete", f"It leaves out: {lost[0]}.")


@lru_cache(maxsize=4_096)
def _clauses(text: str) -> tuple[_Clause, ...]:
    parts = (part for found in _CLAUSE.findall(text) for part in _SPLIT.split(found))
    return tuple(_clause(part) for part in parts if split_words(part))


def _clause(text: str) -> _Clause:
    return _Clause(
        text=text,
        said=_said(text),
        negated=_negates(text),
        denied=_denies(text),
        fine=_is_fine(text),
        unsure=_is_unsure(text),
        asks="?" in text,
    )


def _is_fine(text: str) -> bool:
    return not _guard().fine.isdisjoint(_WORD.findall(_level(text)))


def _denies(text: str) -> bool:
    """Whether a text denies something, idioms that only sound like it apart."""
    return _negates(_guard().idioms.sub(" ", _level(text)))


def _negates(text: str) -> bool:
    plain = _level(text)
    return "n't" in plain or not _guard().denial.isdisjoint(_WORD.findall(plain))


def _is_unsure(text: str) -> bool:
    plain = _level(text)
    words = set(_WORD.findall(plain))
    return not _guard().unsure.isdisjoint(words) and ("n't" in plain or bool(words & _NOT))


def _level(text: str) -> str:
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


@lru_cache(maxsize=20_000)
def _said(text: str) -> frozenset[str]:
    """The clinical groups and the numbers that a text names, as ``kind:first word``."""
    table = _guard()
    words = split_words(table.colour.sub(" ", _level(text)))
    found: set[str] = set()
    at = 0
    while at < len(words):
        for phrase, group in table.phrases.get(words[at], ()):
            if tuple(words[at : at + len(phrase)]) == phrase:
                found.add(group)
                at += len(phrase)
                break
        else:
            if number := table.numbers.get(words[at], words[at] if words[at].isdigit() else ""):
                found.add(f"number:{number}")
            at += 1
    return frozenset(found)


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, split_words(text)))


def _content(text: str) -> frozenset[str]:
    """The beginnings of the words of a text that carry meaning."""
    stop = lexicon().stop
    return frozenset(one[:_START] for one in _stems(text) if len(one) > 3 and one not in stop)


@dataclass(frozen=True)
class _Table:
    phrases: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    numbers: dict[str, str]
    denial: frozenset[str]
    fine: frozenset[str]
    unsure: frozenset[str]
    colour: re.Pattern[str]
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
                phrase = tuple(way.split("-"))
                phrases.setdefault(phrase[0], []).append((phrase, f"{kind}:{ways[0]}"))
    words: dict[str, list[str]] = raw["words"]  # type: ignore[assignment]
    return _Table(
        phrases={k: tuple(sorted(v, key=lambda e: -len(e[0]))) for k, v in phrases.items()},
        numbers=dict(_numbers(raw["numbers"].items())),  # type: ignore[arg-type]
        denial=frozenset(words["denial"]),
        fine=frozenset(words["fine"]),
        unsure=frozenset(words["unsure"]),
        colour=re.compile(rf"\b(?:{'|'.join(words['colour'])})\b"),
        idioms=re.compile("|".join(words["idioms"])),
    )


def _numbers(table: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for digits, words in table:
        yield digits, digits
        yield from ((word, digits) for word in words.split())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    roles: dict[str, list[str]] = _raw()["roles"]  # type: ignore[assignment]
    return {name: re.compile("|".join(ways), re.I | re.M) for name, ways in roles.items()}
