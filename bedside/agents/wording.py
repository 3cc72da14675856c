"""Words compared without a model: light stems, whole words only, and what a text denies.

A text becomes a string of stems with a space on either side of each, so that ``said(term) in
said(text)`` is a search at word boundaries.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Claims", "claims_of", "content", "said"]

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[.;!?\n]")
_SENTENCE = re.compile(r"[^.;!?\n]+")
_STOPS = frozenset(".;!?\n")
_SUFFIXES = ("ing", "ies", "ed", "es", "s", "y", "e")
_KEPT = ("ss", "us", "is")
_NEGATION_WORDS = """
no not never none neither nor without avoid avoids avoiding cannot can't don't doesn't didn't isn't
aren't wasn't hasn't haven't shouldn't deny denies denied denying stop stopped stopping discontinue
withhold refrain lack lacks absent absence instead rather against
"""
_ASSERTION_WORDS = """
but however start starting give given take taking use using prescribe prescribed begin has have had
reports is are with shows
"""
_EMPTY_WORDS = """
a about after again all also am an and any are as at be because been before being both but by can
cannot can't could did do does doesn't doing don't down else ever every feel feels felt few for from
get gets getting go goes going gone got had has hasn't have haven't having he her hers him his how i
i'd i'll i'm i've if in into is isn't it it's its just kind know last like little lot made make
makes many may me might mine more most much must my myself never no none nor not now of off often on
once one only or other our out over own patient quite rather really reports same she should since so
some somehow something sometimes still such than that that's the their them then there these they
thing things think this those though three through till to too two under until up upon us very was
wasn't way we well were what when where which while who why will with without would yes yet you your
hope hoping want wants wanted worried worry worries afraid wonder wondering maybe perhaps doctor
please
"""
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_ASSERTIONS = frozenset(_ASSERTION_WORDS.split())
_STOPWORDS = frozenset(_EMPTY_WORDS.split())
_REACH = 5
"""Words after a negation that it denies, unless the sentence ends before, or a verb other than the
negated one ("do not give") begins something new."""


class Claims(NamedTuple):
    """What a text says.

    Attributes:
        words: all stems.
        affirmed: the stems it affirms; a bar stands for each that it denies.
        denied: the stems it denies; a bar stands for each that it affirms.
        stems: all stems, and of them those affirmed and those denied, as sets.
    """

    words: str
    affirmed: str
    denied: str
    stems: tuple[frozenset[str], frozenset[str], frozenset[str]]

    def asserts(self, term: str) -> bool:
        """Whether the text names this term without denying it. A term that is a negation itself,
        such as "stop smoking", is looked for in all words."""
        return said(term) in (self.words if _negative(term) else self.affirmed)

    def repeats(self, text: str) -> bool:
        """Whether half of the content of a sentence of another text is here: what that affirms
        among what this affirms, and what it denies among what this denies."""
        _, affirms, denies = self.stems
        return any(
            2 * (len(affirmed & affirms) + len(denied & denies)) >= len(affirmed) + len(denied)
            for affirmed, denied in _sentences(text)
        )


@lru_cache(maxsize=8192)
def said(text: str) -> str:
    """The stems of a text in order, each with a space on either side."""
    return _joined([_stem(word) for word in _tokens(text) if word not in _STOPS])


@lru_cache(maxsize=8192)
def content(text: str) -> tuple[str, ...]:
    """The distinct stems that carry the meaning of a text, in order."""
    words = (
        _stem(word)
        for word in _tokens(text)
        if len(word) > 2 and word.isalpha() and word not in _STOPWORDS
    )
    return tuple(dict.fromkeys(words))


@lru_cache(maxsize=8192)
def claims_of(text: str) -> Claims:
    """Tell what a text affirms from what it denies."""
    words: list[str] = []
    affirmed: list[str] = []
    denied: list[str] = []
    reach = 0
    for token in _tokens(text):
        if token in _STOPS:
            reach = 0
            continue
        if token in _ASSERTIONS and reach < _REACH:
            reach = 0
        stem = _stem(token)
        words.append(stem)
        if token in _NEGATIONS:
            reach = _REACH
            affirmed.append("|")
            denied.append("|")
        elif reach:
            reach -= 1
            affirmed.append("|")
            denied.append(stem)
        else:
            affirmed.append(stem)
            denied.append("|")
    sets = frozenset(words), frozenset(affirmed), frozenset(denied)
    return Claims(_joined(words), _joined(affirmed), _joined(denied), sets)


@lru_cache(maxsize=1024)
def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower().replace("\u2019", "'"))


@lru_cache(maxsize=8192)
def _sentences(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """The content that each sentence affirms and denies, without sentences that have none."""
    sentences = []
    for sentence in _SENTENCE.findall(text):
        claims = claims_of(sentence)
        _, affirms, denies = claims.stems
        affirmed = affirms.intersection(content(sentence))
        denied = denies.intersection(content(sentence))
        if affirmed or denied:
            sentences.append((affirmed, denied))
    return tuple(sentences)


def _joined(stems: list[str]) -> str:
    return f" {' '.join(stems)} "


@lru_cache(maxsize=1024)
def _negative(term: str) -> bool:
    return not _NEGATIONS.isdisjoint(_tokens(term))


@lru_cache(maxsize=32768)
def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    if word.endswith(_KEPT):
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix)
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls"
    return word[:-1] if doubled else word
