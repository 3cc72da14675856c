"""What a message asks of this patient: the parts of a message meet the facts of a case."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, cast

from bedside.patients.lexicon import lexicon
from bedside.patients.memory import Memory
from bedside.patients.understanding import Part, in_context
from bedside.scenarios.case import Topic

__all__ = ["Request", "requests", "rules_out", "things_named"]

Scope = Literal["open", "topic", "rest", "named", "unknown"]
_MENTIONED = 3
_REMEMBERED = 1024
"""Sentences whose requests a memory keeps."""
_NAMING: frozenset[Topic] = frozenset(
    {"character", "associated", "trigger", "course", "site", "past"}
)
"""Topics under which things named one by one are each a question; relatives' illnesses are not."""
_PARTICULAR: frozenset[Topic] = frozenset({"associated", "trigger", "relief", "character"})
"""Topics on which a question for yes or no is about one thing and not about the whole topic; of the
patient's life only what has a name is: drink, but not "anything that stresses you"."""

_ASIDE: frozenset[Topic] = frozenset({"social", "work"})
"""Topics whose plain words do not draw a question to them: "has anyone at home had it?"."""
_LATER: frozenset[Topic] = frozenset(
    {"tried", "work", "social", "past", "family", "medication", "ideas", "concerns", "expectations"}
)
"""Topics that are told after the complaint itself to an open question."""


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
    """The requests of one clause, in order; none if the clause asks for nothing.

    They depend on nothing but the arguments, and the memory remembers them.

    Args:
        topic: what the conversation was about, for "anything else about that?".
    """
    key = (part, topic)
    found = memory.understood.get(key)
    if found is None:
        if len(memory.understood) >= _REMEMBERED:
            memory.understood.clear()
        found = memory.understood[key] = tuple(_requests(in_context(part, topic), memory))
    return cast("tuple[Request, ...]", found)


def _requests(part: Part, memory: Memory) -> Iterator[Request]:
    if part.act == "more" and part.topics:
        for topic in part.topics:
            yield Request("rest", topic, memory.by_topic.get(topic, ()), ("rest", topic))
    elif part.act in ("open", "more"):
        yield Request("open", "complaint", _told_freely(memory), ("open",))
    elif part.act == "ask":
        yield from _asked(part, memory)


def things_named(part: Part) -> tuple[str, ...]:
    """The things a clause asks for by name, one by one."""
    listed = part.listed and not _NAMING.isdisjoint(part.topics)
    return part.items if listed or not part.topics else ()


def _told_freely(memory: Memory) -> tuple[int, ...]:
    """What is told to an open question, the complaint itself first."""
    free = ("opening", "volunteered", "open")
    found = [i for i, fact in enumerate(memory.facts) if fact.present and fact.disclosure in free]
    return tuple(sorted(found, key=lambda i: memory.facts[i].topic in _LATER))


def rules_out(proposal: Part, memory: Memory) -> tuple[int, ...]:
    """Facts on allergies that a proposal touches, by their terms or their words."""
    words = memory.recognise(proposal.words)
    touched = {*memory.named(words), *memory.mentioned(words)}
    return tuple(
        i for i in memory.by_topic.get("allergy", ()) if i in touched and memory.facts[i].present
    )


def _asked(part: Part, memory: Memory) -> Iterator[Request]:
    words = memory.recognise(part.words)
    terms = memory.named(words)
    asked = {i for topic in part.topics for i in memory.by_topic.get(topic, ())}
    here = {i: term for i, term in terms.items() if i in asked}
    elsewhere = {
        i: term
        for i, term in terms.items()
        if i not in asked
        and memory.facts[i].topic != "complaint"
        and memory.facts[i].disclosure != "opening"
        and not term <= lexicon().stop
        and not (part.topics and memory.facts[i].topic in _ASIDE and _is_plain(term))
    }
    covered: set[int] = set()
    if part.topics and (here or not elsewhere or part.closed is None):
        for topic in part.topics:
            request = _about(topic, words, here, memory, part)
            covered.update(request.facts)
            yield request
    elif elsewhere or terms:
        for request in _named(elsewhere or terms, memory, part.closed):
            covered.update(request.facts)
            yield request
    things = things_named(part)
    if things and (part.listed or not covered):
        yield from _items(things, memory, covered)
    elif not part.topics and not covered:
        yield from _mentioned(words, memory, part)


def _is_plain(term: frozenset[str]) -> bool:
    """Whether a term names nothing that the lexicon knows as a thing."""
    return not any(word[0] == "=" for word in term)


def _about(
    topic: Topic,
    words: tuple[str, ...],
    here: dict[int, frozenset[str]],
    memory: Memory,
    part: Part,
) -> Request:
    """A question on a topic; terms of some of its facts narrow it, other words order it."""
    group = memory.by_topic.get(topic, ())
    named = tuple(i for i in group if i in here)
    if named and len(named) < len(group):
        plain = part.closed is not None and all(part.closed <= here[i] for i in named)
        return Request("named", topic, named, _key(memory, named), plain)
    mentioned = memory.mentioned(words)
    about = tuple(i for i in group if i in mentioned)
    particular = topic in _PARTICULAR or (topic == "social" and part.items)
    if particular and part.closed and not named:
        facts = tuple(sorted(about, key=lambda i: -mentioned[i]))[:_MENTIONED]
        return Request("named", topic, facts, ("particular", *sorted(part.closed)))
    ordered = tuple(sorted(group, key=lambda i: -mentioned.get(i, 0)))
    return Request("topic", topic, ordered, ("topic", topic))


def _named(
    terms: dict[int, frozenset[str]], memory: Memory, closed: frozenset[str] | None
) -> Iterator[Request]:
    """Requests for the facts whose terms are in a clause, one for each thing."""
    things: dict[str, list[int]] = {}
    for i in sorted(terms):
        things.setdefault(memory.facts[i].code or memory.facts[i].id, []).append(i)
    for group in things.values():
        facts = tuple(group)
        plain = closed is not None and all(closed <= terms[i] for i in group)
        yield Request("named", memory.facts[facts[0]].topic, facts, _key(memory, facts), plain)


def _items(things: tuple[str, ...], memory: Memory, covered: set[int]) -> Iterator[Request]:
    """Requests for the things that are named one by one, unless they were answered."""
    for item in things:
        request = _item(item, memory)
        if not request.facts or covered.isdisjoint(request.facts):
            covered.update(request.facts)
            yield request


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
