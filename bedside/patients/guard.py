"""The guard of the LLM patient: whether a wording says what the scripted answer says, no more.

What a wording says of clinical things must stand in the scripted answer, with the same yes or no.
How a text is read: :mod:`bedside.patients.guard_words`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from bedside.patients.base import Utterance
from bedside.patients.guard_words import (
    SENTENCE,
    Clause,
    ceases,
    clauses,
    content,
    denies,
    is_fine,
    patterns,
    related,
    said,
    sentences,
    spans,
    stems,
)
from bedside.patients.lexicon import split_words
from bedside.scenarios.case import Fact

__all__ = ["Fault", "FaultKind", "Guard"]

FaultKind = Literal[
    "empty",
    "too_long",
    "leak",
    "role_swap",
    "injection",
    "invention",
    "over_disclosure",
    "contradiction",
    "incomplete",
]

_TURNS = "turns:"
"""Better and worse, day and night: denied, they may say what the answer says in other words."""
_FEW = 3
"""Words with content of a wording that says nearly nothing."""
_MOST = 0.75
_SENTENCE_LONG = 4
"""Words from which on a sentence of the doctor's is not said again by chance."""
_ROOM, _SPARE = 2.5, 40
"""A wording may have this many times the words of the answer, and some more."""


class Fault(NamedTuple):
    """What is wrong with a wording.

    Attributes:
        reason: one sentence for the model; it names no word that would give the diagnosis away.
    """

    kind: FaultKind
    reason: str


class Guard:
    """Listens to one patient.

    Args:
        facts: all facts of the case.
        tells: finds the words of a text that give the diagnosis away.
    """

    def __init__(self, facts: tuple[Fact, ...], tells: Callable[[str], Sequence[str]]) -> None:
        self._facts = {fact.id: fact for fact in facts}
        self._tells = tells
        complaints = [said(fact.text) for fact in facts if fact.topic == "complaint"]
        self._complaint = frozenset[str]().union(*complaints)

    def faults(self, reply: str, *, heard: str, draft: Utterance) -> tuple[Fault, ...]:
        """What is wrong with a wording; empty if nothing is.

        Args:
            reply: the wording.
            heard: what the doctor said.
            draft: the scripted answer.
        """
        if not split_words(reply):
            return (Fault("empty", "There are no words."),)
        told = [self._facts[name] for name in draft.facts if name in self._facts]
        found = [
            *self._leaks(reply, heard, draft),
            *_roles(reply, draft),
            *_echoes(reply, heard, draft),
            *self._strays(reply, heard, draft),
            *_turned(reply, draft, told),
            *(_lacking(reply, told) if told else _stance(reply, draft)),
        ]
        if len(reply.split()) > _ROOM * len(draft.text.split()) + _SPARE:
            found.append(Fault("too_long", "It is far longer than the answer."))
        return tuple({fault.kind: fault for fault in found}.values())

    def _leaks(self, reply: str, heard: str, draft: Utterance) -> Iterator[Fault]:
        known = {*stems(draft.text), *stems(heard)}
        for clause in clauses(reply):
            new = [word for word in self._tells(clause.text) if not known.issuperset(stems(word))]
            echoed = self._tells(clause.text) and not (clause.denied or clause.unsure)
            if new or (echoed and not self._tells(draft.text)):
                yield Fault("leak", "It names or hints at the illness, which you do not know.")

    def _strays(self, reply: str, heard: str, draft: Utterance) -> Iterator[Fault]:
        """Clinical words that the answer does not have."""
        answered, asked = related(said(draft.text)) | self._complaint, said(heard)
        others = [fact for name, fact in self._facts.items() if name not in draft.facts]
        for clause in clauses(reply):
            new = clause.said - answered
            if clause.unsure or clause.asks:
                new -= asked
            if clause.negated:
                new = frozenset(what for what in new if not what.startswith(_TURNS))
            for what in sorted(new):
                known = any(what in said(fact.text) for fact in others)
                yield _stray(what, known=known)
        fresh = content(reply) - content(draft.text) - content(heard)
        if any(len(fresh & content(fact.text)) >= 2 for fact in others):
            yield Fault("over_disclosure", "It tells things that the answer does not tell.")


def _stray(what: str, *, known: bool) -> Fault:
    word = what.partition(":")[2]
    if known:
        return Fault("over_disclosure", f"The answer says nothing of '{word}'.")
    return Fault("invention", f"The answer says nothing of '{word}'.")


def _roles(reply: str, draft: Utterance) -> Iterator[Fault]:
    for kind, name, reason in (
        ("role_swap", "doctor", "You are the patient; it sounds like the doctor."),
        ("role_swap", "machine", "You are the patient; say only what the patient says."),
        ("injection", "injection", "Say only what the patient says, as plain speech."),
    ):
        pattern = patterns()[name]
        if pattern.search(reply) and not pattern.search(draft.text):
            yield Fault(kind, reason)  # type: ignore[arg-type]


def _echoes(reply: str, heard: str, draft: Utterance) -> Iterator[Fault]:
    """A whole sentence of the doctor's, said by the patient."""
    own = {" ".join(split_words(clause)) for clause in SENTENCE.findall(draft.text)}
    heard_before = {" ".join(split_words(clause)) for clause in SENTENCE.findall(heard)} - own
    for line in SENTENCE.findall(reply):
        words = split_words(line)
        if len(words) >= _SENTENCE_LONG and " ".join(words) in heard_before:
            yield Fault("role_swap", "You are the patient; you say what the doctor said.")


def _turned(reply: str, draft: Utterance, told: Sequence[Fact]) -> Iterator[Fault]:
    """Facts that are told with the opposite yes or no, or another unit of time."""
    spoken = sentences(reply)
    for fact in told:
        denied = denies(fact.text) or (not fact.present and is_fine(fact.text))
        about = said(fact.text) or content(fact.text)
        touched = [sentence for sentence in spoken if any(_shares(c, about) for c in sentence)]
        if not touched or fact.present == denied:
            continue
        near = [c for sentence in touched for c in sentence if _shares(c, about)]
        if denied and not any(c.denied or c.fine for sentence in touched for c in sentence):
            yield Fault("contradiction", f"It affirms what the answer denies: {fact.text}.")
        if not (denied or ceases(fact.text)) and (
            all(c.denied for c in near) or _denied_in(touched, said(fact.text))
        ):
            yield Fault("contradiction", f"It denies what the answer says: {fact.text}.")
    yes = patterns()["yes"]
    absent = bool(told) and not any(fact.present for fact in told)
    if absent and yes.search(reply) and not yes.search(draft.text):
        yield Fault("contradiction", "It says yes where the answer denies.")
    for number, unit in spans(reply) - spans(draft.text):
        if any(number == other for other, _ in spans(draft.text)):
            yield Fault("contradiction", f"The answer does not say {number} {unit}s.")


def _denied_in(touched: Sequence[tuple[Clause, ...]], about: frozenset[str]) -> bool:
    """Whether one of the clinical things is only spoken of to deny it."""
    every = [clause for sentence in touched for clause in sentence]
    return any(
        all(clause.denied for clause in naming)
        for what in about
        if (naming := [clause for clause in every if what in clause.said])
    )


def _shares(clause: Clause, about: frozenset[str]) -> bool:
    return not about.isdisjoint(clause.said | content(clause.text))


def _lacking(reply: str, told: Sequence[Fact]) -> Iterator[Fault]:
    """Facts of which no word is left, if that is most of what was to be told."""
    left = said(reply) | content(reply)
    about = {fact.text: said(fact.text) | content(fact.text) for fact in told}
    lost = [text for text, words in about.items() if len(words) > 1 and left.isdisjoint(words)]
    few = len(content(reply)) < _FEW
    if lost and len(lost) >= _MOST * len(told) and (len(told) > 1 or few):
        yield Fault("incomplete", f"It leaves out: {lost[0]}.")


def _stance(reply: str, draft: Utterance) -> Iterator[Fault]:
    """An answer that tells no fact, but knows nothing or agrees."""
    unknown, refusing = patterns()["unknown"], patterns()["refusing"]
    if unknown.search(draft.text):
        if not unknown.search(reply):
            yield Fault("incomplete", "The answer is that you do not know.")
    elif refusing.search(reply) and not refusing.search(draft.text):
        yield Fault("contradiction", "The answer does not refuse.")
