"""What a patient can recall: the facts of one case, found by topic and by the words of a question.

A memory is built once per tuple of facts and shared by every encounter with the case.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache

from bedside.patients.lexicon import closest, conceive, lexicon, split_words, stem
from bedside.scenarios.case import Fact, Topic

__all__ = ["Memory", "memory"]

_OPENING_SHARE = 4


class Memory:
    """An index over the facts of a case; facts are named by their position.

    Attributes:
        facts: the facts.
        opening: positions told in the opening words: a quarter of the facts at most, one at least.
        by_topic: positions of each topic's facts, or where there is none of those whose words
            answer to it: those more readily told first, denials last.
        understood: what earlier sentences asked for, kept by those who work it out.
    """

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        self.facts = facts
        opening = [i for i, fact in enumerate(facts) if fact.disclosure == "opening"]
        self.opening = tuple(opening[: max(1, len(facts) // _OPENING_SHARE)])
        by_topic: dict[Topic, list[int]] = {}
        self._terms: dict[str, list[tuple[frozenset[str], int]]] = {}
        self._words: dict[str, list[int]] = {}
        for i, fact in enumerate(facts):
            by_topic.setdefault(fact.topic, []).append(i)
            for term in fact.terms:
                self._index_term(_tokens(term), i)
            for word in _content(fact.text):
                self._words.setdefault(word, []).append(i)
        for topic, cues in lexicon().cues.items():
            if topic not in by_topic and (other := self._with(cues)):
                by_topic[topic] = other
        self.by_topic = {
            topic: tuple(sorted(group, key=lambda i: (not facts[i].present, i)))
            for topic, group in by_topic.items()
        }
        self._mended: dict[str, str | None] = {}
        self.understood: dict[Hashable, object] = {}

    def _with(self, cues: frozenset[str]) -> list[int]:
        """Facts whose text has one of these stems."""
        texts = (frozenset(map(stem, split_words(fact.text))) for fact in self.facts)
        return [i for i, text in enumerate(texts) if not text.isdisjoint(cues)]

    def _index_term(self, tokens: tuple[str, ...], position: int) -> None:
        if tokens:
            self._terms.setdefault(tokens[0], []).append((frozenset(tokens), position))

    def recognise(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words of a question, slips of the keyboard mended by words of the facts."""
        return tuple(self._mend(word) for word in words)

    def _mend(self, word: str) -> str:
        if word[0] == "=" or word in self._words or word in self._terms or word in lexicon().known:
            return word
        if word not in self._mended:
            self._mended[word] = closest(word, self._words)
        return self._mended[word] or word

    def named(self, words: Sequence[str]) -> dict[int, frozenset[str]]:
        """Facts one of whose terms is in the words -> the longest such term.

        Of several facts with the same term, those that say it come before those that only mean it.
        """
        present = frozenset(words)
        found: dict[int, frozenset[str]] = {}
        for word in dict.fromkeys(words):
            for term, position in self._terms.get(word, ()):
                if term <= present and len(term) > len(found.get(position, ())):
                    found[position] = term
        said = {term for i, term in found.items() if self._says(i, term)}
        return {i: t for i, t in found.items() if t not in said or self._says(i, t)}

    def _says(self, position: int, term: frozenset[str]) -> bool:
        return any(position in self._words.get(word, ()) for word in term)

    def mentioned(self, words: Iterable[str]) -> dict[int, int]:
        """Facts whose text shares words that carry meaning -> how many."""
        found: dict[int, int] = {}
        for word in dict.fromkeys(words):
            for position in self._words.get(word, ()):
                found[position] = found.get(position, 0) + 1
        return found


@lru_cache(maxsize=20_000)
def _tokens(text: str) -> tuple[str, ...]:
    return conceive([stem(word) for word in split_words(text)])


@lru_cache(maxsize=20_000)
def _content(text: str) -> tuple[str, ...]:
    stop = lexicon().stop
    return tuple(dict.fromkeys(t for t in _tokens(text) if len(t) > 2 and t not in stop))


class _Same:
    """A key that is equal to itself only, as hashing every fact would cost more than it saves."""

    __slots__ = ("facts",)

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        self.facts = facts

    def __hash__(self) -> int:
        return id(self.facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.facts is self.facts


@lru_cache(maxsize=4096)
def _memory(key: _Same) -> Memory:
    return Memory(key.facts)


def memory(facts: tuple[Fact, ...]) -> Memory:
    """The memory of these facts, shared by all patients of the case."""
    return _memory(_Same(facts))
