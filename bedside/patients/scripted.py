"""The scripted patient: understands free text, tells facts and nothing else, needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bedside.core.flow import Flow
from bedside.core.seeds import rng
from bedside.patients.base import Utterance
from bedside.patients.memory import memory
from bedside.patients.rapport import MANY, TRUSTING, Rapport
from bedside.patients.requests import Request, requests, rules_out
from bedside.patients.temperament import behaviour
from bedside.patients.understanding import Part, jargon, understand
from bedside.patients.wording import COMPANION, Voice, sentence
from bedside.scenarios.case import Fact, Person, Topic

__all__ = ["ScriptedPatient"]

_REST = 12
_OWN_VIEW: frozenset[Topic] = frozenset({"ideas", "concerns", "expectations"})
_SAID_YES, _SAID_NO = "Yes.", "No."
_OUTRIGHT = 0.5
"""Chance of a plain yes or no before the fact that answers a plain question."""


class ScriptedPatient:
    """A patient that answers from its facts alone, the same way for the same seed and words.

    Args:
        person: who the patient is; the temperament decides how much and how it talks.
        facts: what the patient can tell. The truth of the case is not among the arguments.
        seed: the patient's share of the encounter's randomness.
    """

    kind = "scripted-1"

    def __init__(self, person: Person, facts: tuple[Fact, ...], seed: int) -> None:
        self._companion = person.companion
        self._memory = memory(facts)
        self._behaviour = behaviour(person)
        self._seed = seed
        self._random = rng(seed, "patient")
        self._voice = Voice(person.temperament, self._random)
        self._rapport = Rapport(self._behaviour)
        self._told: dict[int, None] = {}
        self._asked: dict[tuple[str, ...], int] = {}
        self._topic: Topic | None = None
        self._proposals = 0
        self._last = Utterance("")

    def open(self) -> Flow[Utterance]:
        """As :meth:`opening`, as a flow that never asks for anything."""
        return self.opening()
        yield

    def hear(self, text: str) -> Flow[Utterance]:
        """As :meth:`reply`, as a flow that never asks for anything."""
        return self.reply(text)
        yield

    def opening(self) -> Utterance:
        """The patient's first words: a greeting and the opening facts."""
        facts = self._memory.opening
        self._topic = "complaint"
        return self._utter([self._voice.say("opening"), *self._tell(facts)], facts, ())

    def reply(self, text: str) -> Utterance:
        """The patient's answer to what the doctor said; after it left, its last words again."""
        if self._last.leaves:
            return self._last
        parts = understand(text)
        acts: set[str] = {part.act for part in parts}
        lines = self._moved() if "empathy" in acts else []
        warned = [i for part in parts for i in self._warned(part)]
        asked = self._requests(parts)
        if asked and self._puzzled(text):
            return self._utter([*lines, self._voice.say("unclear")], (), ())
        if warned:
            lines += self._tell(warned)
        if asked:
            return self._answer(asked, lines, warned, kindly="empathy" in acts)
        self._rapport.rested()
        if warned:
            return self._utter(lines, tuple(warned), ("allergy",))
        if "repeat" in acts:
            return self._again()
        return self._react(acts, lines)

    def _requests(self, parts: tuple[Part, ...]) -> list[Request]:
        found: dict[tuple[str, ...], Request] = {}
        for part in parts:
            for request in requests(part, self._memory, self._topic):
                found.setdefault(request.key, request)
        return list(found.values())

    def _puzzled(self, text: str) -> bool:
        """Whether a medical term is in the way, for a patient who does not know all of them."""
        known = self._behaviour.literacy
        return known < 1 and any(
            rng(self._seed, "term", word).random() >= known for word in jargon(text)
        )

    def _warned(self, part: Part) -> Iterator[int]:
        """Allergies that come to mind at what the doctor would give."""
        if part.act in ("advise", "consent"):
            yield from filter(self._recalls, rules_out(part, self._memory))

    def _answer(
        self, asked: list[Request], lines: list[str], warned: list[int], *, kindly: bool
    ) -> Utterance:
        stuffed = len(asked) > MANY
        heard = asked[: self._behaviour.answers if stuffed else MANY]
        self._rapport.asked(len(asked), kindly=kindly)
        facts = list(warned)
        topics: dict[Topic, None] = dict.fromkeys(["allergy"] if warned else [])
        lacking = False
        for request in heard:
            told, said = self._fulfil(request)
            lacking |= request.lacking or self._has_slipped(request, told)
            facts += told
            lines += said
            if request.scope != "unknown":
                topics[request.topic] = None
                self._topic = request.topic
        if lacking:
            lines.append(self._voice.say("rest_unknown" if facts else "unknown"))
        if stuffed:
            self._rapport.lose("too_many")
            lines.append(self._voice.say("too_many"))
        elif facts:
            more = self._volunteer()
            facts += more
            lines += [self._voice.say("also"), *self._tell(more)] if more else []
            lines += self._colour()
        return self._utter(lines, tuple(dict.fromkeys(facts)), tuple(topics))

    def _fulfil(self, request: Request) -> tuple[list[int], list[str]]:
        """The facts told for one request, and the lines."""
        times = self._asked.get(request.key, 0)
        self._asked[request.key] = times + 1
        known = [i for i in request.facts if self._recalls(i)]
        may = [i for i in known if self._tells(i)]
        fresh = [i for i in may if i not in self._told]
        if fresh:
            told = fresh[: self._amount(request)]
            lead = self._outright(request, told) or self._voice.perhaps(
                "lead", self._behaviour.lead
            )
            return told, [lead, *self._tell(told)]
        if may and request.scope in ("topic", "named"):
            return self._retell(request, may, times)
        if len(may) < len(known) and request.scope != "open":
            return [], [self._voice.say("withheld")]
        if times > (0 if request.lacking else 1):
            self._rapport.lose("again_asked")
        if request.scope == "open":
            return [], [self._voice.say("all_told")]
        if may or request.scope == "rest":
            return [], [self._voice.say("done")]
        return [], [self._voice.say("not_mine")] if request.topic == "ideas" else []

    def _retell(self, request: Request, may: list[int], times: int) -> tuple[list[int], list[str]]:
        """Say again what was told; who asks the same question again is told so."""
        told = may[: self._amount(request)]
        lead = self._outright(request, told) or self._voice.say("again")
        lines = [lead, *self._tell(told)]
        if times:
            self._rapport.lose("again_asked")
            lines.append(self._voice.say("done" if times == 1 else "again_asked"))
        return told, lines

    def _outright(self, request: Request, told: Sequence[int]) -> str:
        """Yes or no, where the question is plain and the facts agree; otherwise nothing."""
        facts = [self._memory.facts[i] for i in told]
        if not request.plain or len({fact.present for fact in facts}) != 1:
            return ""
        if self._random.random() >= _OUTRIGHT or facts[0].text.lower().startswith(("no", "yes")):
            return ""
        return _SAID_YES if facts[0].present else _SAID_NO

    def _tells(self, position: int) -> bool:
        fact = self._memory.facts[position]
        if fact.disclosure == "trust":
            return self._rapport.trust >= TRUSTING or fact.topic in _OWN_VIEW
        return True

    def _recalls(self, position: int) -> bool:
        """Whether a fact comes to mind, the same way throughout the encounter."""
        recall = self._behaviour.recall
        if recall >= 1 or position in self._told:
            return True
        return rng(self._seed, "recall", position).random() < recall

    def _has_slipped(self, request: Request, told: Sequence[int]) -> bool:
        """Whether nothing was told because nothing came to mind."""
        asked = request.scope in ("topic", "named") and not told
        return asked and bool(request.facts) and not any(map(self._recalls, request.facts))

    def _amount(self, request: Request) -> int:
        if request.scope == "open":
            return self._behaviour.open_facts
        return _REST if request.scope == "rest" else self._behaviour.topic_facts

    def _volunteer(self) -> list[int]:
        """Further facts that nobody asked for: those meant to be volunteered first."""
        chance = self._behaviour.volunteer
        wanted = (self._random.random() < chance) + (self._random.random() < chance)
        if not wanted:
            return []
        facts = self._memory.facts
        left = [
            i
            for i, fact in enumerate(facts)
            if i not in self._told
            and fact.present
            and fact.disclosure in ("volunteered", "open")
            and self._recalls(i)
        ]
        left.sort(key=lambda i: facts[i].disclosure == "open")
        return left[:wanted]

    def _colour(self) -> list[str]:
        behaviour = self._behaviour
        return [
            self._voice.perhaps("framing", behaviour.frame),
            self._voice.perhaps("emotion", behaviour.emote),
            self._voice.perhaps("digression", behaviour.digress),
            self._voice.perhaps("ask_back", behaviour.ask_back / 3),
        ]

    def _tell(self, positions: Sequence[int]) -> list[str]:
        """The facts as sentences, and remembered as told."""
        self._told.update(dict.fromkeys(positions))
        lines = [sentence(self._memory.facts[i].text) for i in positions]
        return [COMPANION, *lines] if self._companion and lines else lines

    def _moved(self) -> list[str]:
        self._rapport.comforted()
        return [self._voice.say("empathy")] if self._rapport.kind_words <= MANY else []

    def _react(self, acts: set[str], lines: list[str]) -> Utterance:
        """The answer to a message that asks for nothing the patient could tell."""
        if "diagnosis" in acts:
            lines.append(self._voice.say("not_mine"))
        elif "advise" in acts or "consent" in acts:
            lines += self._consider()
        elif "invite" in acts:
            curious = self._random.random() < self._behaviour.ask_back
            lines.append(self._voice.say("ask_back" if curious else "no_questions"))
        elif "smalltalk" in acts:
            lines.append(self._voice.say("greeting"))
        elif not lines and "thanks" in acts:
            lines.append(self._voice.say("thanks"))
        elif not lines and not acts & {"empathy"}:
            self._rapport.lose("unclear")
            lines.append(self._voice.say("unclear"))
        return self._utter(lines or [self._voice.say("thanks")], (), ())

    def _consider(self) -> list[str]:
        """What is said to a proposal: doubt first, for those who bargain, then consent."""
        doubtful = self._proposals < self._behaviour.bargains
        self._proposals += 1
        said = self._voice.say("doubt" if doubtful else "advice")
        return [said, self._voice.perhaps("ask_back", self._behaviour.ask_back)]

    def _again(self) -> Utterance:
        last = self._last
        return Utterance(last.text, last.facts, (), round(self._rapport.mood, 3))

    def _utter(
        self, lines: list[str], facts: tuple[int, ...], topics: tuple[Topic, ...]
    ) -> Utterance:
        ids = tuple(self._memory.facts[i].id for i in facts)
        mood = max(0.0, round(self._rapport.mood, 3))
        if mood == 0.0:
            lines = [*lines, self._voice.say("goodbye")]
        text = " ".join(filter(None, lines))
        self._last = Utterance(text, ids, topics, mood, leaves=mood == 0.0)
        return self._last
