"""What a message asks of this patient: the parts of a message meet the facts of a case."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, cast

from bedside.patients.lexicon import lexicon
from bedside.patients.memory import Memory
from bedside.patients.understanding import Part
from bedside.scenarios.case import Topic

__all__ = ["Request", "requests"]

Scope = Literal["open", "topic", "rest", "named", "unknown"]
_MENTIONED = 3
_WEIGHED = 2
_REMEMBERED = 1024
"""Sentences whose requests a memory keeps."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing the doctor asks for.

    Attributes:
        scope: an open question, a topic, the rest of a topic, particular things, or something
            the patient has no word for.
        topic: what it is about.
        facts: positions of the facts that answer it, in the order they are told.
        key: equal for the same question asked again.
        plain: it asks for yes or no and names nothing but what the facts are about.
    """

    scope: Scope
    topic: Topic
    facts: tuple[int, ...]
    key: tuple[str, ...]
    plain: bool = False

    @property
    def lacking(self) -> bool:
        """No fact covers it, so that the patient neither affirms nor denies it."""
        return not self.facts and self.scope not in ("open", "rest") and self.topic != "ideas"


def requests(part: Part, memory: Memory, topic: Topic | None) -> tuple[Request, ...]:
    """The requests of one sentence, in order; none if the sentence cannot be understood.

    They depend on nothing but the arguments, and the memory remembers them.

    Args:
        topic: what the conversation was about, for "anything else about that?".
    """
    key = (part, topic)
    found = memory.understood.get(key)
    if found is None:
        if len(memory.understood) >= _REMEMBERED:
            memory.understood.clear()
        found = memory.understood[key] = tuple(_requests(part, memory, topic))
    return cast("tuple[Request, ...]", found)


def _requests(part: Part, memory: Memory, topic: Topic | None) -> Iterator[Request]:
    if part.act == "more" and topic is not None:
        yield _rest(memory, topic)
    elif part.act in ("open", "more"):
        yield _open(memory, topic if part.more else "complaint", part.more)
    elif part.act == "ask":
        yield from _asked(part, memory)


def _rest(memory: Memory, topic: Topic) -> Request:
    return Request("rest", topic, memory.by_topic.get(topic, ()), ("rest", topic))


def _open(memory: Memory, first: Topic | None, more: bool) -> Request:
    told = [
        i
        for i, fact in enumerate(memory.facts)
        if fact.present and fact.disclosure in ("opening", "volunteered", "open")
    ]
    told.sort(key=lambda i: memory.facts[i].topic != first)
    return Request("open", "complaint", tuple(told), ("open", "more" if more else ""))


def _asked(part: Part, memory: Memory) -> Iterator[Request]:
    words = memory.recognise(part.words)
    terms = memory.named(words)
    topics = part.topics
    if topics:
        terms, better = _weigh(terms, part, memory)
        topics = () if better else topics
    for topic in topics:
        yield _about(topic, words, terms, memory, part.more)
    covered: set[int] = set()
    if not topics:
        for request in _named(terms, memory, part.closed):
            covered.update(request.facts)
            yield request
    if part.listed or not covered:
        for item in part.items:
            request = _item(item, memory)
            if not request.facts or covered.isdisjoint(request.facts):
                covered.update(request.facts)
                yield request
    if not topics and not part.items and not covered:
        yield from _mentioned(words, memory, part)


def _weigh(
    terms: dict[int, frozenset[str]], part: Part, memory: Memory
) -> tuple[dict[int, frozenset[str]], bool]:
    """The terms that count beside the topics of a sentence, and whether they replace the topics.

    A term that holds the very words which spoke for the topic says more than they do, and so does
    any term if a single word spoke for a topic none of whose facts is named. What the patient
    came with is only what the question is about, as in "when did the rash start?".
    """
    here = {i: term for i, term in terms.items() if memory.facts[i].topic in part.topics}
    if part.more or len(part.topics) > _WEIGHED:
        return here, False
    stop = lexicon().stop
    better = {
        i: term
        for i, term in terms.items()
        if i not in here
        and memory.facts[i].disclosure != "opening"
        and memory.facts[i].topic != "complaint"
        and (
            (len(term) > 1 and not term.isdisjoint(part.cues))
            or (part.weak and not here and not term <= stop and term.isdisjoint(part.cues))
        )
    }
    return (better, True) if better else (here, False)


def _about(
    topic: Topic,
    words: tuple[str, ...],
    terms: dict[int, frozenset[str]],
    memory: Memory,
    more: bool,
) -> Request:
    """A question on a topic; terms of some of its facts narrow it, other words order it."""
    group = memory.by_topic.get(topic, ())
    if more:
        return Request("rest", topic, group, ("rest", topic))
    named = tuple(i for i in group if i in terms)
    if named and len(named) < len(group):
        return Request("named", topic, named, _key(memory, named))
    mentioned = memory.mentioned(words)
    ordered = tuple(sorted(group, key=lambda i: -mentioned.get(i, 0)))
    return Request("topic", topic, ordered, ("topic", topic))


def _named(
    terms: dict[int, frozenset[str]], memory: Memory, closed: frozenset[str] | None
) -> Iterator[Request]:
    """Requests for the facts whose terms are in a sentence, one for each thing."""
    things: dict[str, list[int]] = {}
    for i in sorted(terms):
        things.setdefault(memory.facts[i].code or memory.facts[i].id, []).append(i)
    for group in things.values():
        facts = tuple(group)
        plain = closed is not None and all(closed <= terms[i] for i in group)
        yield Request("named", memory.facts[facts[0]].topic, facts, _key(memory, facts), plain)


def _item(item: str, memory: Memory) -> Request:
    """A request for one thing the lexicon knows, which the case may say nothing about."""
    found: Collection[int] = memory.named((item,)) or memory.mentioned((item,))
    facts = tuple(sorted(found))[:_MENTIONED]
    home = memory.facts[facts[0]].topic if facts else lexicon().homes[item]
    return Request("named", cast(Topic, home), facts, ("item", item))


def _mentioned(words: tuple[str, ...], memory: Memory, part: Part) -> Iterator[Request]:
    """A request for the facts whose texts share most with the question."""
    found = memory.mentioned(words)
    if found:
        best = max(found.values())
        facts = tuple(i for i in sorted(found) if found[i] == best)[:_MENTIONED]
        yield Request("named", memory.facts[facts[0]].topic, facts, _key(memory, facts))
    elif part.asked:
        yield Request("unknown", "associated", (), ("unknown", *sorted(set(words))))


def _key(memory: Memory, facts: tuple[int, ...]) -> tuple[str, ...]:
    return ("facts", *(memory.facts[i].id for i in facts))
