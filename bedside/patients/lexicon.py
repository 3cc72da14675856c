"""The words a patient knows: stems, concepts, and the patterns of questions.

The words are data (``data/lexicon.toml``); this module compiles them once per process.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import Any

__all__ = [
    "Lexicon",
    "Pattern",
    "closest",
    "conceive",
    "lexicon",
    "match",
    "meanings",
    "mended",
    "split_words",
    "stem",
]

_WORD = re.compile(r"[a-z0-9]+")
_CONTRACTED = re.compile(r"n't\b|'(?:s|re|m|ve|d|ll)\b")
_ENDINGS = (("ness", ""), ("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))
_WHOLE = frozenset({"hives"})
"""Words whose stem would be that of another word."""
_GAP = 4
_SWAPPED, _LENGTHENED, _SUBSTITUTED = 4, 6, 7


@dataclass(frozen=True, slots=True)
class Pattern:
    """Stems that follow each other with at most three words between, and what they mean."""

    stems: tuple[str, ...]
    first: bool
    meaning: str


Table = dict[str, dict[str, tuple[Pattern, ...]]]
"""Patterns by their first stem and their second, which is empty for patterns of one stem."""


@dataclass(frozen=True)
class Lexicon:
    """Everything compiled from the data file.

    Attributes:
        topics: patterns of questions on a topic, by their first two stems.
        acts: patterns of what else a sentence can do, likewise.
        phrases: the ways to name a concept, by their first stem, longest first.
        homes: concept -> the topic it belongs to.
        stop: stems that ask nothing by themselves.
        asks: words that begin a question.
        fillers: words skipped at the beginning of a sentence.
        jargon: stems of medical terms that not every patient knows.
        known: every stem of the data file, in alphabetical order.
    """

    topics: Table
    acts: Table
    phrases: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    homes: dict[str, str]
    stop: frozenset[str]
    asks: frozenset[str]
    fillers: frozenset[str]
    jargon: frozenset[str]
    known: dict[str, None]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A lowercase word without its most common English endings."""
    if len(word) <= 3 or word in _WHOLE:
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] in "ey" else word


def split_words(text: str) -> list[str]:
    """The lowercase words of a text; contractions lose their ending."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _WORD.findall(_CONTRACTED.sub(" ", text) if "'" in text else text)


def conceive(stems: Sequence[str]) -> tuple[str, ...]:
    """Replace the stems that name a concept by the concept, written ``=name``."""
    phrases = lexicon().phrases
    out: list[str] = []
    at, end = 0, len(stems)
    while at < end:
        for phrase, concept in phrases.get(stems[at], ()):
            if len(phrase) == 1 or tuple(stems[at : at + len(phrase)]) == phrase:
                out.append(concept)
                at += len(phrase)
                break
        else:
            out.append(stems[at])
            at += 1
    return tuple(out)


def match(table: Table, stems: Sequence[str]) -> list[tuple[tuple[int, ...], Pattern]]:
    """Patterns found in the stems, with their positions; of overlapping ones the longest."""
    found = list(_found(table, stems))
    found.sort(key=lambda item: (-len(item[0]), item[0][-1] - item[0][0], item[0]))
    taken: set[int] = set()
    kept = []
    for places, pattern in found:
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append((places, pattern))
    kept.sort(key=lambda item: item[0])
    return kept


def meanings(table: Table, stems: Sequence[str]) -> set[str]:
    """What any pattern found in the stems means."""
    return {pattern.meaning for _, pattern in _found(table, stems)}


def _found(table: Table, stems: Sequence[str]) -> Iterator[tuple[tuple[int, ...], Pattern]]:
    for at, one in enumerate(stems):
        group = table.get(one)
        if group is None:
            continue
        for pattern in group.get("", ()):
            if at == 0 or not pattern.first:
                yield (at,), pattern
        for then, two in enumerate(stems[at + 1 : at + 1 + _GAP], start=at + 1):
            for pattern in group.get(two, ()):
                if (at == 0 or not pattern.first) and (
                    rest := _places(pattern.stems[2:], stems, then)
                ):
                    yield (at, *rest), pattern


def _places(wanted: tuple[str, ...], stems: Sequence[str], last: int) -> tuple[int, ...]:
    """Positions of the last stem found and of the wanted ones after it; empty if one is missing."""
    places = [last]
    for one in wanted:
        for at in range(places[-1] + 1, min(places[-1] + 1 + _GAP, len(stems))):
            if stems[at] == one:
                places.append(at)
                break
        else:
            return ()
    return tuple(places)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known stem one slip of the keyboard away from this one, if there is one.

    The shorter the word, the less is mended: from four letters two swapped neighbours, from six a
    letter too many or too few, from seven a wrong letter.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    if len(word) < _SWAPPED:
        return None
    best = process.extractOne(word, list(known), scorer=OSA.distance, score_cutoff=1)
    if best is None:
        return None
    candidate = str(best[0])
    if sorted(candidate) == sorted(word):
        return candidate
    needed = _SUBSTITUTED if len(candidate) == len(word) else _LENGTHENED
    return candidate if max(len(candidate), len(word)) >= needed else None


@lru_cache(maxsize=20_000)
def mended(word: str) -> str:
    """The stem of a word, its typing slip mended if that gives a word of the lexicon."""
    plain = stem(word)
    words = lexicon()
    if plain in words.known or word.isdigit():
        return plain
    return closest(plain, words.known) or plain


@cache
def lexicon() -> Lexicon:
    """The compiled lexicon."""
    raw = tomllib.loads(files("bedside.patients").joinpath("data/lexicon.toml").read_text("utf-8"))
    words = {name: frozenset(text.split()) for name, text in raw["words"].items()}
    topics, acts = _patterns(raw["topics"]), _patterns(raw["acts"])
    phrases, homes = _concepts(raw["concepts"])
    known = {stem(word) for group in words.values() for word in group}
    for table in (topics, acts):
        groups = (group for by_second in table.values() for group in by_second.values())
        known.update(one for group in groups for pattern in group for one in pattern.stems)
    known.update(one for group in phrases.values() for phrase, _ in group for one in phrase)
    return Lexicon(
        topics=topics,
        acts=acts,
        phrases=phrases,
        homes=homes,
        stop=frozenset(map(stem, words["stop"])),
        asks=words["asks"],
        fillers=words["fillers"],
        jargon=frozenset(map(stem, words["jargon"])),
        known=dict.fromkeys(sorted(known)),
    )


def _patterns(raw: dict[str, list[str]]) -> Table:
    table: dict[str, dict[str, dict[Pattern, None]]] = {}
    for meaning, lines in raw.items():
        for line in lines:
            choices = [part.split("|") for part in line.removeprefix("^").split()]
            for words in product(*choices):
                stems = tuple(map(stem, words))
                second = stems[1] if len(stems) > 1 else ""
                group = table.setdefault(stems[0], {}).setdefault(second, {})
                group[Pattern(stems, line.startswith("^"), meaning)] = None
    return {
        first: {second: tuple(group) for second, group in by_second.items()}
        for first, by_second in table.items()
    }


def _concepts(raw: dict[str, dict[str, list[str]]]) -> tuple[dict[str, Any], dict[str, str]]:
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    homes: dict[str, str] = {}
    for home, group in raw.items():
        for name, ways in group.items():
            homes[f"={name}"] = home
            for way in ways:
                phrase = tuple(map(stem, way.split()))
                table.setdefault(phrase[0], []).append((phrase, f"={name}"))
    ordered = {
        first: tuple(sorted(group, key=lambda entry: -len(entry[0])))
        for first, group in table.items()
    }
    return ordered, homes
