"""What a doctor's words ask for: sentences become parts that name topics and things.

Nothing here knows a case, so the parts are cached by sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast

from bedside.patients.lexicon import conceive, lexicon, match, meanings, mended, split_words, stem
from bedside.scenarios.case import Topic

__all__ = ["Act", "Part", "jargon", "understand"]

Act = Literal[
    "ask",
    "open",
    "more",
    "repeat",
    "invite",
    "consent",
    "greet",
    "thanks",
    "empathy",
    "advise",
    "told",
    "unclear",
]

_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;\n]*")
_CLAUSE = re.compile(
    r"(?:,\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+)"
    r"(?=(?:when|how|where|what|whether|why|who|do|does|did|is|are|have|has)\b)",
    re.IGNORECASE,
)
_FRAMES = frozenset(
    stem(word)
    for word in ("do", "does", "did", "have", "has", "had", "any", "is", "are", "was", "were")
)
_POINTS = frozenset({"that", "this", "it", "those", "these", "them"})
_STATES = frozenset({"i", "you", "it", "this", "that", "we", "your", "the", "my"})
_QUALIFIED: frozenset[str] = frozenset({"associated", "past"})
_TERSE = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of the doctor.

    Attributes:
        act: what the sentence does.
        topics: topics it asks about, in order.
        items: concepts it asks for one by one, in order.
        words: every stem and concept in it; what was mended also as it was spelled.
        cues: the stems by which the topics were recognised.
        weak: single words alone spoke for the topics.
        listed: it asks for several things in a row.
        more: it asks for the rest of its topic, or of the last one.
        asked: it has the form of a question.
        closed: what stands in a question that begins like one for yes or no, except the words
            that say nothing by themselves; None for other questions.
    """

    act: Act
    topics: tuple[Topic, ...] = ()
    items: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    cues: frozenset[str] = frozenset()
    weak: bool = False
    listed: bool = False
    more: bool = False
    asked: bool = False
    closed: frozenset[str] | None = None


@lru_cache(maxsize=4_096)
def understand(text: str) -> tuple[Part, ...]:
    """The parts of a message, in order; empty if it has no words."""
    return tuple(part for found in _SENTENCE.findall(text) for part in _clauses(found))


@lru_cache(maxsize=16_384)
def _clauses(found: str) -> tuple[Part, ...]:
    """The parts of one sentence: "when did it start, and how bad is it?" asks twice."""
    whole = _part(found)
    if whole is None:
        return ()
    pieces = _CLAUSE.split(found)
    parts = [
        part
        for piece in (pieces if len(pieces) > 1 else ())
        if (part := _part(piece)) and (part.topics or part.items)
    ]
    return tuple(parts) if len(parts) > 1 else (whole,)


def jargon(text: str) -> tuple[str, ...]:
    """The medical terms in a text that not every patient knows, as stems, in order."""
    return tuple(one for one in map(stem, split_words(text)) if one in lexicon().jargon)


def _part(sentence: str) -> Part | None:
    words = split_words(sentence)
    known = lexicon()
    start = 0
    while start < len(words) - 1 and words[start] in known.fillers:
        start += 1
    words = words[start:]
    if not words:
        return None
    stems = tuple(map(mended, words))
    acts = meanings(known.acts, stems)
    asked = "?" in sentence or "ask" in acts or stems[0] in _asks() or words[0] in known.asks
    terse = len(words) <= _TERSE and words[0] not in _STATES
    tokens = conceive(stems)
    spelled = tuple(one for one in map(stem, words) if one not in stems)
    if asked or (terse and not acts & {"greet", "thanks", "empathy", "advise"}):
        part = _question(stems, tokens, acts)
        listed = "," in sentence or "or" in stems or "and" in stems
        closed = frozenset(tokens).difference(known.stop) if stems[0] in _FRAMES else None
        return replace(
            part, words=tokens + stems + spelled, listed=listed, asked=asked, closed=closed
        )
    return _statement(stems, tokens, acts)


@lru_cache(maxsize=1)
def _asks() -> frozenset[str]:
    return frozenset(map(mended, lexicon().asks))


def _statement(stems: tuple[str, ...], tokens: tuple[str, ...], acts: set[str]) -> Part:
    for act in ("repeat", "empathy", "greet", "advise", "thanks"):
        if act in acts:
            return Part(cast(Act, act))
    if acts & {"open", "more"} and stems[0] not in _STATES:
        return Part("open")
    known = lexicon()
    sense = any(token in known.homes or token in known.known for token in tokens)
    return Part("told" if sense else "unclear")


def _question(stems: tuple[str, ...], tokens: tuple[str, ...], acts: set[str]) -> Part:
    for act in ("repeat", "invite", "consent"):
        if act in acts:
            return Part(cast(Act, act))
    part = _asked_for(stems, tokens)
    more = "more" in acts
    if part.topics or part.items:
        return replace(part, more=more)
    if more and not _POINTS.isdisjoint(stems):
        return Part("more", more=True)
    content = [token for token in tokens if token not in lexicon().stop]
    if acts & {"open", "more"} and (not content or "open" in acts):
        return Part("open", more=more)
    for act in ("empathy", "greet", "thanks"):
        if act in acts:
            return Part(cast(Act, act))
    framed = bool(content) and not _FRAMES.isdisjoint(stems)
    return Part("ask" if framed else "unclear")


def _asked_for(stems: tuple[str, ...], tokens: tuple[str, ...]) -> Part:
    known = lexicon()
    found = [pattern for _, pattern in match(known.topics, stems)]
    topics = list(dict.fromkeys(pattern.meaning for pattern in found))
    items = list(dict.fromkeys(token for token in tokens if token in known.homes))
    if items and "associated" in topics:
        topics.remove("associated")
    if "complaint" in topics and (items or len(topics) > 1):
        topics.remove("complaint")
    if topics:
        items = [item for item in items if known.homes[item] not in {*_QUALIFIED, *topics}]
    return Part(
        "ask",
        cast("tuple[Topic, ...]", tuple(topics)),
        tuple(items),
        cues=frozenset(one for pattern in found for one in pattern.stems),
        weak=all(len(pattern.stems) == 1 for pattern in found),
    )
