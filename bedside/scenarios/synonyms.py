"""What a clause of a record names, and the ways in which a question can ask for it.

The words are data (``data/synonyms/*.toml``); this module compiles them once per process. A
concept is an idiom of these files ("dyspnoea"), a quality of a part of the body ("pain-chest"), or
a quality alone ("pain").
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from bedside.scenarios.names import normalise
from bedside.scenarios.topics import STOP_WORDS

__all__ = [
    "concepts",
    "is_alone",
    "is_detail",
    "is_part",
    "is_quality",
    "kind_of",
    "narrower",
    "own_words",
    "part_of",
    "terms",
]

_SPECIAL = frozenset({"parts", "qualities", "wider", "stop"})
_ENDINGS = re.compile(r"(?:ness|ing|ed|(?<=\w{4})ly|e|y)$")
_SHORTEST = 2
_VOWELS = re.compile(r"[aeiouyh]")
_DOUBLE = re.compile(r"(.)\1")
_REACH = 3
"""Words that may stand between those of a phrase."""
_NEAR = 5
"""Words that may stand between a quality and its part of the body."""
_SMALL_WORDS = "a an at by for from in into is of on or out the to up when with your you"
_SMALL = frozenset(_SMALL_WORDS.split())
_SLIPS = 5
"""Letters up to which a word is taken as it stands."""
_GENERAL = re.compile(r"\b(?:problem|trouble|symptom|difficult|complaint|issue|disease|change)")
_FEW = 5
"""Words of a quality, and of a part, that make its most usual names."""
_JOINED = 8
"""Letters two words that lost the space between them have at least."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class _Words:
    """Phrases of a record, and those that ask for the same, as written."""

    said: Words
    all: Words


@dataclass(frozen=True)
class _Table:
    """Everything compiled from the data files.

    Attributes:
        idioms, parts, qualities: the words of each, by name.
        phrases: idioms by the stems of their phrases in records, under each phrase's first stem.
        by_part, by_quality: names by the stems of the words, likewise.
        details: idioms that are about a complaint rather than one.
        kind_of, part_of: names that each name is under; narrower: names under each.
        stop: words that ask for nothing by themselves.
        known: every stem in records; skeletons: the longer ones by their consonants.
        joined: phrases by their letters without spaces.
    """

    idioms: dict[str, _Words]
    parts: dict[str, _Words]
    qualities: dict[str, _Words]
    phrases: dict[str, tuple[tuple[Words, str], ...]]
    by_part: dict[str, tuple[tuple[Words, str], ...]]
    by_quality: dict[str, tuple[tuple[Words, str], ...]]
    details: frozenset[str]
    kind_of: dict[str, Words]
    part_of: dict[str, Words]
    narrower: dict[str, Words]
    stop: frozenset[str]
    known: frozenset[str]
    skeletons: dict[str, str]
    joined: dict[str, Words]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    short = _ENDINGS.sub("", word)
    short = short if len(short) > _SHORTEST else word
    return short[:-1] if len(short) > 3 and short[-1] == short[-2] else short


def stems(text: str) -> Words:
    """The words of a text, levelled so that forms and spellings of a word are equal."""
    return tuple(_stem(word) for word in normalise(text.replace("-", " ")).split())


@lru_cache(maxsize=16_384)
def concepts(text: str) -> Words:
    """The concepts a clause names, in the order of its words, details of a complaint last.

    A quality alone counts only where nothing more particular is named.
    """
    words = _recognised(stems(text))
    found = [*_matches(_table().phrases, words, _REACH), *_crossed(words)]
    kept = [one for one in found if not any(_better(other, one) for other in found)]
    covered = {at for places, _ in kept for at in places}
    if not any(name not in _table().details for _, name in kept):
        alone = _matches(_table().by_quality, words, 0)
        kept += [one for one in alone if covered.isdisjoint(one[0]) and one[1] != "trouble"]
    ordered = sorted(kept, key=lambda one: (one[1] in _table().details, min(one[0])))
    return tuple(dict.fromkeys(name for _, name in ordered))


def _better(one: tuple[frozenset[int], str], other: tuple[frozenset[int], str]) -> bool:
    """Whether a match says more than another about the same words."""
    if is_detail(one[1]):
        return False
    same = one[0] == other[0] and one[1] != other[1]
    return other[0] < one[0] or (same and other[1].startswith("trouble-"))


def is_detail(concept: str) -> bool:
    """Whether a concept is about a complaint rather than one: "sudden", "after meals"."""
    return concept in _table().details


def is_alone(concept: str) -> bool:
    """Whether a concept is a quality without a part of the body."""
    return concept in _table().qualities and concept not in _table().idioms


def is_part(word: str) -> bool:
    """Whether a word is the name of a part of the body."""
    return (_stem_of(word),) in [phrase for phrase, _ in _table().by_part.get(_stem_of(word), ())]


def is_quality(word: str) -> bool:
    """Whether a word says what is wrong with a part of the body."""
    found = _table().by_quality.get(_stem_of(word), ())
    return (_stem_of(word),) in [phrase for phrase, _ in found]


def _stem_of(word: str) -> str:
    return next(iter(stems(word)), "")


def kind_of(concept: str) -> Words:
    """The concepts of which this one is a kind: chest pain for chest pain on walking."""
    return _table().kind_of.get(concept, ())


def part_of(concept: str) -> Words:
    """The concepts that take this one in among others: bladder trouble for pain on urination."""
    return _table().part_of.get(concept, ())


def narrower(concept: str) -> Words:
    """The concepts that this one takes in; with "trouble-ear" whatever an ear can have."""
    quality, _, part = concept.partition("-")
    table = _table()
    if quality == "trouble" and part in table.parts:
        return tuple(f"{one}-{part}" for one in table.qualities if one != "trouble")
    return table.narrower.get(concept, ())


@lru_cache(maxsize=4_096)
def terms(concept: str, brief: bool = False) -> Words:
    """The words that ask for a concept, most usual first; each is a set of words in a question.

    Args:
        brief: only the general ones, as "bladder trouble", or the most usual ones.
    """
    table = _table()
    quality, _, part = concept.partition("-")
    found: list[str] = []
    if concept in table.idioms:
        phrases = table.idioms[concept].all
        if brief:
            phrases = tuple(one for one in phrases if _GENERAL.search(one)) or phrases[:_FEW]
        found += [way for phrase in phrases for way in _ways(phrase)]
    if quality in table.qualities and part in table.parts:
        most = _FEW if brief else None
        found += _crossings(table.qualities[quality].all[:most], table.parts[part].all[:most])
    elif is_alone(concept):
        found += table.qualities[concept].said
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=16_384)
def own_words(text: str) -> Words:
    """The words of a clause that could ask for it, as they stand there."""
    stop = _table().stop
    words = re.findall(r"[a-z][a-z-]+", text.lower())
    return tuple(dict.fromkeys(w for w in words if len(w) > 2 and w not in stop))


def _ways(phrase: str) -> Iterator[str]:
    """A phrase, and its words that ask for something in both orders: who listens may read a fixed
    expression in one of them and the single words in the other."""
    yield phrase
    words = [word for word in phrase.split() if word not in _SMALL]
    if not _table().stop.isdisjoint(words):
        return
    if len(words) == 2:
        yield " ".join(words)
        yield " ".join(reversed(words))
    elif len(words) > 2:
        yield " ".join(words)


def _crossings(qualities: Words, parts: Words) -> Iterator[str]:
    for part in _unlike(parts):
        for quality in _unlike(qualities):
            yield f"{part} {quality}"
            yield f"{quality} {part}"


def _unlike(words: Words) -> Words:
    """One of the words of each stem."""
    return tuple({stems(word): word for word in reversed(words)}.values())[::-1]


def _recognised(words: Words) -> Words:
    """The words, with lost spaces put back and slips of the pen mended where that is plain."""
    table = _table()
    out: list[str] = []
    for word in words:
        if word in table.known or len(word) <= _SLIPS:
            out.append(word)
        elif word in table.joined:
            out.extend(table.joined[word])
        else:
            out.append(_mended(word))
    return tuple(out)


@lru_cache(maxsize=16_384)
def _mended(word: str) -> str:
    """The word of the table that differs from this one in a vowel or a doubled letter."""
    from rapidfuzz.distance import OSA

    table = _table()
    other = table.skeletons.get(_skeleton(word), word)
    if word in table.stop or OSA.distance(_single(word), _single(other)) > 1:
        return word
    return other


def _single(word: str) -> str:
    return _DOUBLE.sub(r"\1", word)


def _skeleton(word: str) -> str:
    """The first letter and the consonants of a word: what slips in its vowels leave as it is."""
    return word[:1] + _single(_VOWELS.sub("", word[1:]))


def _matches(
    table: dict[str, tuple[tuple[Words, str], ...]], words: Words, reach: int
) -> list[tuple[frozenset[int], str]]:
    """Where the phrases of a table stand, in any order but near each other, and their names."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(words):
        places[word].append(at)
    return [
        (found, name)
        for word in places
        for phrase, name in table.get(word, ())
        for found in _places(phrase, places, reach)
    ]


def _places(phrase: Words, places: dict[str, list[int]], reach: int) -> Iterator[frozenset[int]]:
    if any(word not in places for word in phrase):
        return
    for start in places[phrase[0]]:
        found = frozenset(min(places[w], key=lambda at: abs(at - start)) for w in phrase)
        if len(found) == len(phrase) and max(found) - min(found) < len(phrase) + reach:
            yield found


def _crossed(words: Words) -> Iterator[tuple[frozenset[int], str]]:
    """Qualities with the parts of the body they stand near to."""
    parts = _matches(_table().by_part, words, 0)
    for quality_at, quality in _matches(_table().by_quality, words, 0):
        for part_at, part in parts:
            gap = min(abs(a - b) for a in quality_at for b in part_at)
            if quality_at.isdisjoint(part_at) and gap <= _NEAR:
                yield quality_at | part_at, f"{quality}-{part}"


@cache
def _table() -> _Table:
    raw: dict[str, Any] = dict(_files())
    idioms = {
        name: _words(text)
        for file, groups in raw.items()
        if file not in _SPECIAL
        for table in groups.values()
        for name, text in table.items()
    }
    parts = {name: _words(text) for name, text in raw["parts"].items()}
    qualities = {name: _words(text) for name, text in raw["qualities"].items()}
    kinds = {
        name: tuple(kind for one in _list(text) for kind in _anywhere(one, parts))
        for name, text in raw["wider"]["kinds"].items()
    }
    below = {name: _list(text) for name, text in raw["wider"]["parts"].items()}
    said = [p for group in (idioms, parts, qualities) for w in group.values() for p in w.said]
    known = frozenset(stem for phrase in said for stem in stems(phrase))
    return _Table(
        idioms,
        parts,
        qualities,
        _by_first_stem(idioms),
        _by_first_stem(parts),
        _by_first_stem(qualities),
        frozenset(raw["detail"]["detail"]),
        _turned(kinds),
        _turned(below),
        {name: kinds.get(name, ()) + below.get(name, ()) for name in kinds | below},
        STOP_WORDS.union(raw["stop"]["words"].split(), _SMALL),
        known,
        {_skeleton(word): word for word in sorted(known, key=len) if len(word) >= _SLIPS},
        {
            "".join(stems(phrase)): stems(phrase)
            for phrase in said
            if " " in phrase and len(phrase) > _JOINED
        },
    )


def _anywhere(concept: str, parts: Iterable[str]) -> Words:
    """A concept; for "rash-*" the quality of each part of the body."""
    quality, _, part = concept.partition("-")
    return tuple(f"{quality}-{one}" for one in parts) if part == "*" else (concept,)


def _turned(groups: dict[str, Words]) -> dict[str, Words]:
    """For each entry of the groups the names of those it is in."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, group in groups.items():
        for one in group:
            found[one].append(name)
    return {one: tuple(names) for one, names in found.items()}


def _files() -> Iterator[tuple[str, dict[str, Any]]]:
    folder = files("bedside.scenarios").joinpath("data/synonyms")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            yield file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))


def _words(text: str) -> _Words:
    said, _, asked = text.partition("|")
    both = tuple(phrase for phrase in _list(said) if not phrase.startswith("~"))
    return _Words(tuple(one.removeprefix("~") for one in _list(said)), both + _list(asked))


def _list(text: str) -> Words:
    return tuple(filter(None, (" ".join(one.split()) for one in text.split(","))))


def _by_first_stem(groups: dict[str, _Words]) -> dict[str, tuple[tuple[Words, str], ...]]:
    found: dict[str, dict[tuple[Words, str], None]] = defaultdict(dict)
    for name, words in groups.items():
        for phrase in words.said:
            stemmed = stems(phrase)
            if stemmed:
                found[stemmed[0]][stemmed, name] = None
    return {first: tuple(group) for first, group in found.items()}
