"""How the guard reads a text: clauses, what each names of the clinical groups, its yes or no.

The words are data (``data/guard.toml``): body parts, sides, times, numbers, symptoms, illnesses,
treatments, people and habits, in groups that mean the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from bedside.patients.lexicon import lexicon, split_words, stem

__all__ = [
    "SENTENCE", "Clause", "ceases", "clauses", "content", "denies", "is_fine", "patterns",
    "related", "said", "sentences", "spans", "stems",
]  # fmt: skip

_CLAUSE = re.compile(r"[^.!?;:,\n]+(?:[.!?;:,]+|$)|\n")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
"""A sentence of a text, with its marks."""
_SPLIT = re.compile(
    r"\b(?:but|though|although|while|whereas|except)\b|\band (?=(?:i|it|my|the|there|they|we)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z']+")
_OWN = re.compile(r"'s\b")
_NOT = frozenset({"no", "not", "never", "cannot"})
_START = 5
_SPAN = re.compile(r"\b(\w+)(?: or so| whole| long| good)?[ -](day|week|month|year)s?\b")


class Clause(NamedTuple):
    """A piece of a sentence.

    Attributes:
        said: the groups and numbers it names, as ``kind:first word``.
        negated: it has a word of denial.
        denied: it has one that is not part of an idiom.
        fine: it calls something fine or clear.
        unsure: it says that something is not known.
        asks: it asks.
    """

    text: str
    said: frozenset[str]
    negated: bool
    denied: bool
    fine: bool
    unsure: bool
    asks: bool


@lru_cache(maxsize=4_096)
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of a text, in order."""
    parts = (part for found in _CLAUSE.findall(text) for part in _SPLIT.split(found))
    return tuple(_clause(part) for part in parts if split_words(part))


def sentences(text: str) -> list[tuple[Clause, ...]]:
    """The clauses of a text, sentence by sentence."""
    return [clauses(sentence) for sentence in SENTENCE.findall(text)]


def _clause(text: str) -> Clause:
    return Clause(
        text=text,
        said=said(text),
        negated=_negates(text),
        denied=denies(text),
        fine=is_fine(text),
        unsure=_is_unsure(text),
        asks="?" in text,
    )


def is_fine(text: str) -> bool:
    """Whether a text calls something fine."""
    return not _table().fine.isdisjoint(_words(_table().colour.sub(" ", _level(text))))


def denies(text: str) -> bool:
    """Whether a text denies something, idioms that only sound like it apart."""
    return _negates(_table().idioms.sub(" ", _level(text)))


def ceases(text: str) -> bool:
    """Whether a text says that something is no more, which may be put as a denial."""
    return not _table().ceasing.isdisjoint(_words(_level(text)))


def _negates(text: str) -> bool:
    plain = _level(text)
    return "n't" in plain or not _table().denial.isdisjoint(_words(plain))


def _is_unsure(text: str) -> bool:
    plain = _level(text)
    words = _words(plain)
    return not _table().unsure.isdisjoint(words) and ("n't" in plain or bool(words & _NOT))


def _level(text: str) -> str:
    return text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_OWN.sub(" ", text)))


@lru_cache(maxsize=20_000)
def said(text: str) -> frozenset[str]:
    """The groups and the numbers that a text names, as ``kind:first word``."""
    table = _table()
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
            if number := _number(words[at]):
                found.add(f"number:{number}")
            at += 1
    return frozenset(found)


def related(what: frozenset[str]) -> frozenset[str]:
    """What is named together with what it implies: who names a toenail may speak of a toe."""
    implied = _table().implies
    return what.union(*(implied.get(one, ()) for one in what))


@lru_cache(maxsize=20_000)
def spans(text: str) -> frozenset[tuple[str, str]]:
    """The lengths of time in a text, as number and unit."""
    found = _SPAN.findall(_level(text))
    return frozenset((number, unit) for word, unit in found if (number := _number(word)))


def _number(word: str) -> str:
    return _table().numbers.get(word, word if word.isdigit() else "")


@lru_cache(maxsize=20_000)
def stems(text: str) -> frozenset[str]:
    """The stems of the words of a text."""
    return frozenset(map(stem, split_words(text)))


def content(text: str) -> frozenset[str]:
    """The beginnings of the words of a text that carry meaning."""
    stop = lexicon().stop
    return frozenset(one[:_START] for one in stems(text) if len(one) > 3 and one not in stop)


_Phrases = dict[str, tuple[tuple[tuple[str, ...], str], ...]]


@dataclass(frozen=True)
class _Table:
    phrases: _Phrases
    implies: dict[str, frozenset[str]]
    numbers: dict[str, str]
    denial: frozenset[str]
    fine: frozenset[str]
    unsure: frozenset[str]
    ceasing: frozenset[str]
    colour: re.Pattern[str]
    idioms: re.Pattern[str]


@cache
def _raw() -> dict[str, dict[str, Any]]:
    text = files("bedside.patients").joinpath("data/guard.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _table() -> _Table:
    raw = _raw()
    names = dict(_named(raw["groups"]))
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for way, group in names.items():
        phrases.setdefault(way[0], []).append((way, group))
    words: dict[str, list[str]] = raw["words"]
    return _Table(
        phrases={k: tuple(sorted(v, key=lambda e: -len(e[0]))) for k, v in phrases.items()},
        implies={
            names[_way(one)]: frozenset(names[_way(other)] for other in others.split())
            for one, others in raw["implies"].items()
        },
        numbers=dict(_numbers(raw["numbers"].items())),
        denial=frozenset(words["denial"]),
        fine=frozenset(words["fine"]),
        unsure=frozenset(words["unsure"]),
        ceasing=frozenset(words["ceasing"]),
        colour=re.compile(rf"\b(?:{'|'.join(words['colour'])})\b"),
        idioms=re.compile("|".join(words["idioms"])),
    )


def _named(groups: dict[str, list[str]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each way to name a group, and the group."""
    for kind, lines in groups.items():
        for line in lines:
            ways = line.split()
            yield from ((_way(way), f"{kind}:{ways[0]}") for way in ways)


def _way(text: str) -> tuple[str, ...]:
    return tuple(text.split("-"))


def _numbers(table: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for digits, words in table:
        yield digits, digits
        yield from ((word, digits) for word in words.split())


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Ways of speaking, by what they show: another role, obedience, not knowing, refusing, yes."""
    ways: dict[str, list[str]] = _raw()["roles"] | _raw()["stances"]
    return {name: re.compile("|".join(each), re.I | re.M) for name, each in ways.items()}
