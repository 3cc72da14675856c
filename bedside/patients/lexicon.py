"""The words a patient knows: stems, and the concepts that phrases name.

The words are data (``data/lexicon.toml``); this module compiles them once per process.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from bedside.scenarios.case import Topic

__all__ = ["Lexicon", "closest", "conceive", "lexicon", "mended", "split_words", "stem"]

_WORD = re.compile(r"[a-z0-9]+")
_CONTRACTED = re.compile(r"n't\b|'(?:s|re|m|ve|d|ll)\b")
_ENDINGS = (("ness", ""), ("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))
_WHOLE = frozenset({"fits", "hives"})
"""Words whose stem would be that of another word."""
_SWAPPED, _LENGTHENED, _SUBSTITUTED = 4, 6, 7

Phrases = dict[str, tuple[tuple[tuple[str, ...], str], ...]]


@dataclass(frozen=True)
class Lexicon:
    """Everything compiled from the data file.

    Attributes:
        phrases: the ways to name a concept, by their first stem, longest first.
        homes: concept -> the topic it belongs to.
        stop: stems that ask nothing by themselves.
        asks: words that begin a question.
        fillers: words skipped at the beginning of a sentence.
        frames: words that begin a question for yes or no.
        bare: words that mean little without the question before.
        limits: words with which a plain yes or no would say something else.
        cues: topic -> stems of a fact's text by which it also answers to the topic.
        jargon: stems of medical terms that not every patient knows.
        known: every stem of the data file, in alphabetical order.
    """

    phrases: Phrases
    homes: dict[str, str]
    stop: frozenset[str]
    asks: frozenset[str]
    fillers: frozenset[str]
    frames: frozenset[str]
    bare: frozenset[str]
    limits: frozenset[str]
    cues: dict[Topic, frozenset[str]]
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
    phrases, homes = _concepts(raw["concepts"])
    known = {stem(word) for group in words.values() for word in group}
    known.update(one for group in phrases.values() for phrase, _ in group for one in phrase)
    return Lexicon(
        phrases=phrases,
        homes=homes,
        stop=frozenset(map(stem, words["stop"])),
        asks=words["asks"],
        fillers=words["fillers"],
        frames=words["frames"],
        bare=words["bare"],
        limits=words["limits"],
        cues={topic: frozenset(map(stem, text.split())) for topic, text in raw["cues"].items()},
        jargon=frozenset(map(stem, words["jargon"])),
        known=dict.fromkeys(sorted(known)),
    )


def _concepts(raw: dict[str, dict[str, list[str]]]) -> tuple[Phrases, dict[str, str]]:
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
