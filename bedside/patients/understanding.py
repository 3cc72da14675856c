"""What a doctor's words are for: sentences become clauses, and clauses ask or do something.

A trained classifier tells what a clause is about, the lexicon which things it names. Nothing here
knows a case, so the parts are cached by sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast, get_args

from bedside.patients.classifier import Guess, classifier
from bedside.patients.lexicon import conceive, lexicon, mended, split_words, stem
from bedside.scenarios.case import Topic

__all__ = ["Act", "Part", "in_context", "jargon", "understand"]

Act = Literal[
    "ask",
    "open",
    "more",
    "repeat",
    "invite",
    "consent",
    "smalltalk",
    "thanks",
    "empathy",
    "advise",
    "diagnosis",
    "unclear",
]

_TOPICS: frozenset[str] = frozenset(get_args(Topic))
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_JOINT = re.compile(
    r"\s*[,:;]\s*(?:(?:and|or|but|then|so)\s+)*|\s+(?:and|or|but|then)\s+", re.IGNORECASE
)
_TAG = re.compile(
    r"\b(?:is|are|was|were|do|does|did|have|has|had|would|will|can|could)(?:n't| not)? "
    r"(?:it|you|he|she|they|there|that)\s*\?|\b(?:right|correct|yes|yeah|no|hmm)\s*\?",
    re.IGNORECASE,
)
_UNSURE = 0.3
"""Below this a clause is taken for nothing in particular."""
_SURE = 0.6
"""From this on a clause of a sentence stands for itself."""
_SURER = 0.9
"""The same where the clause could not begin a sentence: "or previous operations"."""
_TWICE = 0.3
"""From this on the second guess about a clause that joins things counts too."""
_ITEM = 3
"""Words of one thing in a bare list, at most."""
_FRAGMENT = 7
"""Words of a question that may lean on the one before, at most."""
_LEANS = "lean"
"""The label of what cannot be understood by itself."""
_REQUESTS: frozenset[Act] = frozenset({"open", "more", "repeat", "invite", "consent", "diagnosis"})
_LEANING: frozenset[Act] = frozenset({"ask", "open", "unclear"})
_PROPOSALS: frozenset[Act] = frozenset({"advise", "consent"})
_REMARKS: frozenset[Act] = frozenset({"smalltalk", "thanks", "empathy", "advise", "repeat"})
_STANDING: frozenset[Topic] = frozenset(
    {"complaint", "onset", "course", "site", "character", "severity"}
)
"""Topics of the problem itself: after these, a bare "since when?" is about the problem again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One clause of the doctor.

    Attributes:
        act: what the clause does.
        topics: what it asks about; empty if that cannot be told.
        items: concepts it names, in order.
        words: every stem and concept in a question or proposal; what was mended also as it was
            spelled.
        listed: it asks for several things in a row.
        fragment: it is so short and bare that it may lean on the question before.
        leans: its words say that it leans on the question before: "what kind?", "and at night?".
        asked: it has the form of a question.
        faint: it has not, and what it is for is a weak guess.
        closed: what stands in a question for yes or no, except the words that say nothing by
            themselves, but with those that limit it ("only"); None for other questions.
    """

    act: Act
    topics: tuple[Topic, ...] = ()
    items: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    listed: bool = False
    fragment: bool = False
    leans: bool = False
    asked: bool = False
    faint: bool = False
    closed: frozenset[str] | None = None


def jargon(text: str) -> tuple[str, ...]:
    """The medical terms in a text that not every patient knows, as stems, in order."""
    return tuple(one for one in map(stem, split_words(text)) if one in lexicon().jargon)


@lru_cache(maxsize=4_096)
def understand(text: str) -> tuple[Part, ...]:
    """The parts of a message, in order; empty if it has no words."""
    parts: list[Part] = []
    for sentence in _SENTENCE.findall(text):
        for part in _parts(sentence):
            if not (parts and _belongs(part, parts[-1])):
                parts.append(part)
    return tuple(parts)


def _belongs(part: Part, before: Part) -> bool:
    """Whether a sentence only goes with the one before: "I'd give you a cream. Is that fine?"."""
    if before.act in _PROPOSALS and part.act in ("open", "unclear"):
        return True
    return part.faint and before.act in _REMARKS


def in_context(part: Part, topic: Topic | None) -> Part:
    """The part as it is meant after a question on a topic: "how many?" after "do you smoke?"."""
    if topic is None:
        return part
    if part.act == "more":
        return replace(part, topics=(topic,))
    if part.leans and topic != "complaint":
        return replace(part, act="ask", topics=(topic,))
    leans = part.fragment and part.act in _LEANING and part.topics != ("site",)
    if leans and topic != "complaint" and (topic not in _STANDING or not part.topics):
        return replace(part, act="ask", topics=(topic,))
    return part


@lru_cache(maxsize=16_384)
def _parts(sentence: str) -> tuple[Part, ...]:
    """The parts of one sentence: "when did it start, and how bad is it?" asks twice."""
    whole = _part(sentence)
    if whole is None:
        return ()
    clauses = _clauses(sentence)
    if len(clauses) < 2:
        return (whole,)
    mark = "?" if "?" in sentence else "."
    found: dict[tuple[str, tuple[Topic, ...]], Part] = {}
    for number, clause in enumerate(clauses):
        stands = number == 0 or _begins(clause, lexicon().asks)
        part = _part(clause.rstrip("?.!,; ") + mark, sure=_SURE if stands else _SURER)
        if part is not None and (part.topics or part.act in _REQUESTS):
            found.setdefault((part.act, part.topics), part)
    return tuple(found.values()) if len(found) > 1 else (whole,)


def _clauses(sentence: str) -> list[str]:
    """A sentence cut at its joints; pieces too short to stand alone stay, unless all are."""
    pieces = [piece for piece in _JOINT.split(sentence) if split_words(piece)]
    bare = all(len(piece.split()) <= _ITEM for piece in pieces)
    if bare and not _begins(pieces[0], lexicon().frames):
        return pieces
    clauses: list[str] = []
    for piece in pieces:
        leans = len(piece.split()) < _ITEM and not _begins(piece, lexicon().asks)
        if clauses and leans:
            clauses[-1] = f"{clauses[-1]}, {piece}"
        else:
            clauses.append(piece)
    return clauses


def _begins(piece: str, words: frozenset[str]) -> bool:
    bare = _bare(split_words(piece))
    return bool(bare) and bare[0] in words


def _bare(words: list[str]) -> list[str]:
    """The words without the fillers they begin with."""
    start = 0
    while start < len(words) - 1 and words[start] in lexicon().fillers:
        start += 1
    return words[start:]


def _part(text: str, sure: float = _UNSURE) -> Part | None:
    words = _bare(split_words(text))
    if not words:
        return None
    known = lexicon()
    asked = "?" in text or words[0] in known.asks
    guess = classifier().guess(text)
    leans = guess.label == _LEANS
    if leans:
        guess = Guess(guess.second, guess.doubt, "", 0.0)
    fragment = len(words) <= _FRAGMENT and known.bare.issuperset(words)
    stems = tuple(map(mended, words))
    tokens = conceive(stems)
    if guess.surety >= sure and guess.label not in _TOPICS:
        everything = guess.label == "more" and not fragment
        act = "open" if everything else cast(Act, guess.label)
        proposed = tokens if act in _PROPOSALS else ()
        return Part(act, words=proposed, fragment=fragment, leans=leans)
    tag = _TAG.search(text)
    listed = "," in _TAG.sub("", text).rstrip(" ,") or "or" in words or "and" in words
    likely = (guess.label, guess.second) if listed and guess.doubt >= _TWICE else (guess.label,)
    topics = tuple(cast(Topic, one) for one in likely if one in _TOPICS)
    if guess.surety < sure and len(topics) < 2:
        topics = ()
    items = tuple(dict.fromkeys(token for token in tokens if token in known.homes))
    content = frozenset(tokens).difference(known.stop)
    limited = content and known.limits.intersection(words)
    if not topics and not items and not (asked and content):
        return Part("unclear", fragment=fragment, leans=leans, faint=not asked)
    return Part(
        "ask",
        topics,
        items,
        tokens + stems + tuple(one for one in map(stem, words) if one not in stems),
        listed=listed,
        fragment=fragment,
        leans=leans,
        asked=asked,
        faint=not asked and guess.surety < _SURE,
        closed=content.union(limited) if words[0] in known.frames or tag else None,
    )
