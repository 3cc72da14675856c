"""What the assessor keeps of the conversation, and the four rubric items it decides."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from bedside.agents.sheet import RubricItem
from bedside.agents.wording import content, said
from bedside.core.trace import Spoke
from bedside.scenarios.case import Case

__all__ = ["WISH_TOPICS", "Talk", "focused"]

MAX_WORDS = 60
MAX_CHARACTERS = 600
MAX_QUESTIONS = 3
TOPICS_PER_UTTERANCE = 2
MAX_PHRASES = 3
"""More courtesies than this in one utterance are recited, not meant."""

HISTORY_TOPICS = ("past", "surgery", "medication", "allergy", "family")
SYMPTOM_TOPICS = ("onset", "course", "site", "character", "severity", "associated")
CAUSE_TOPICS = ("trigger", "contact", "travel", "work", "social", "family")
TRIED_TOPICS = ("tried", "relief")
WISH_TOPICS = ("ideas", "concerns", "expectations")

_COURTESY = (
    "please", "thank you", "thanks", "good morning", "good afternoon", "good evening",
    "nice to meet you", "pleased to meet you", "welcome", "take your time", "may I",
    "would you mind", "if you don't mind", "I appreciate", "how may I help", "how can I help",
)  # fmt: skip
_EMPATHY = (
    "sorry to hear", "I'm sorry", "I am sorry", "I understand", "I can understand",
    "understandable", "understandably", "that must be", "must have been", "that sounds",
    "it sounds like", "I can imagine", "I can see", "I can hear", "I hear you", "I realise",
    "I realize", "you've been through", "you have been through", "here to help",
    "we will work through this", "we'll work through this", "thank you for telling me",
    "thank you for sharing", "glad you came", "glad you told me", "you did the right thing",
)  # fmt: skip
_CONSENT = (
    "all right with you", "alright with you", "okay with you", "ok with you", "fine with you",
    "agree with this", "agree with that", "agree to", "do you agree",
    "how do you feel about", "how would you feel about",
    "would you prefer", "do you prefer", "are you happy with", "are you happy to",
    "are you comfortable with", "would you be willing", "does that suit you", "would that suit you",
    "what would you like", "acceptable to you", "your preference", "what matters most to you",
)  # fmt: skip

_COURTESIES = tuple(sorted(map(said, _COURTESY), key=len, reverse=True))
_EMPATHIES = tuple(sorted(map(said, _EMPATHY), key=len, reverse=True))
_CONSENTS = tuple(map(said, _CONSENT))


def focused(text: str) -> bool:
    """Whether an utterance is short and asks few things, so that a patient can follow it."""
    return (
        len(text) <= MAX_CHARACTERS
        and text.count("?") <= MAX_QUESTIONS
        and len(text.split()) <= MAX_WORDS
    )


class Talk:
    """The conversation so far, folded utterance by utterance.

    Attributes:
        wishes: text of each wish the patient told, and the event that told it.
        taken_up: the wish's event and the doctor's that took it up, or asked consent after it.
    """

    def __init__(self, case: Case) -> None:
        self._wish_texts = {f.id: f.text for f in case.facts if f.topic in WISH_TOPICS}
        self._topics: dict[str, int] = {}
        self._heard: set[str] = set()
        self._utterances: list[int] = []
        self._packed: list[int] = []
        self._courteous: list[int] = []
        self._empathetic: list[int] = []
        self.wishes: dict[str, int] = {}
        self.taken_up: tuple[int, ...] = ()

    def add(self, text: str, at: int, answer: Spoke, answer_at: int) -> None:
        """Take in what the doctor said at event `at` and the patient's answer to it."""
        self._utterances.append(at)
        if focused(text):
            self._add_focused(text, at, answer, answer_at)
        else:
            self._packed.append(at)
        self.listen(answer, answer_at)

    def conclude(self, plan: str, at: int) -> None:
        """Take in the plan with which the doctor finished at event `at`."""
        if not self.taken_up:
            stems = frozenset(said(plan).split())
            told = (t for wish, t in self.wishes.items() if _takes_up(wish, stems))
            self.taken_up = next(((told_at, at) for told_at in told), ())

    def listen(self, spoke: Spoke, at: int) -> None:
        """Take in what the patient told."""
        for fact in spoke.facts:
            wish = self._wish_texts.get(fact)
            if wish is not None:
                self.wishes.setdefault(wish, at)

    def _add_focused(self, text: str, at: int, answer: Spoke, answer_at: int) -> None:
        for topic in answer.topics[:TOPICS_PER_UTTERANCE]:
            self._topics.setdefault(topic, answer_at)
        manner = _manner(text)
        if manner.words in self._heard:
            return
        self._heard.add(manner.words)
        if manner.empathy + manner.courtesy > MAX_PHRASES:
            return
        if manner.empathy or manner.courtesy:
            self._courteous.append(at)
        if manner.empathy:
            self._empathetic.append(at)
        if self.wishes and not self.taken_up:
            self.taken_up = self._taking_up(manner, at)

    def _taking_up(self, manner: _Manner, at: int) -> tuple[int, ...]:
        for wish, told_at in self.wishes.items():
            if _takes_up(wish, manner.stems):
                return told_at, at
        if manner.consent:
            return next(iter(self.wishes.values())), at
        return ()

    def met(self) -> tuple[bool, bool, bool, bool]:
        """Whether items 1.1, 1.2, 2.1 and 2.2 are met."""
        brief = len(self._packed) * 3 <= len(self._utterances)
        return (
            len(self._asked(HISTORY_TOPICS)) >= 2,
            len(self._asked(SYMPTOM_TOPICS)) >= 2
            and bool(self._asked(CAUSE_TOPICS))
            and bool(self._asked(TRIED_TOPICS)),
            brief and len(self._courteous) >= 2 and bool(self._empathetic),
            bool(self.taken_up or self._asked(WISH_TOPICS)),
        )

    def items(self) -> tuple[RubricItem, RubricItem, RubricItem, RubricItem]:
        """Items 1.1, 1.2, 2.1 and 2.2 with evidence and reason."""
        history, symptoms, empathy, wishes = self.met()
        return (
            self._history(history),
            self._symptoms(symptoms),
            self._empathy(empathy),
            self._wishes(wishes),
        )

    def _asked(self, topics: Iterable[str]) -> list[str]:
        return [topic for topic in topics if topic in self._topics]

    def _history(self, met: bool) -> RubricItem:
        asked = self._asked(HISTORY_TOPICS)
        return _item(
            "1.1",
            "asks about the medical history",
            met,
            [self._topics[topic] for topic in asked],
            f"history topics answered: {_listed(asked)} (at least 2)",
        )

    def _symptoms(self, met: bool) -> RubricItem:
        symptoms = self._asked(SYMPTOM_TOPICS)
        causes = self._asked(CAUSE_TOPICS)
        tried = self._asked(TRIED_TOPICS)
        asked = [*symptoms, *causes, *tried]
        return _item(
            "1.2",
            "asks about the symptoms, their possible causes and treatments tried",
            met,
            [self._topics[topic] for topic in asked],
            f"answered: symptoms {_listed(symptoms)} (at least 2); causes {_listed(causes)} "
            f"(at least 1); treatments tried {_listed(tried)} (at least 1)",
        )

    def _empathy(self, met: bool) -> RubricItem:
        return _item(
            "2.1",
            "is respectful, empathetic and polite without unnecessary length",
            met,
            self._courteous,
            f"{len(self._courteous)} short courteous utterances (at least 2), "
            f"{len(self._empathetic)} of them empathetic (at least 1); {len(self._packed)} of "
            f"{len(self._utterances)} utterances too long or packed (at most a third)",
        )

    def _wishes(self, met: bool) -> RubricItem:
        asked = self._asked(WISH_TOPICS)
        evidence = [self._topics[topic] for topic in asked] or self.taken_up
        if asked:
            reason = f"the patient's view was asked: {_listed(asked)}"
        elif self.taken_up:
            reason = "a wish of the patient was taken up, or consent asked after it"
        else:
            reason = "the patient's ideas, concerns, expectations or consent were not asked for"
        return _item("2.2", "respects the patient's wishes", met, evidence, reason)


def _takes_up(wish: str, stems: frozenset[str]) -> bool:
    """Whether a text of these stems takes up a wish of the patient."""
    wished = content(wish)
    return bool(wished) and 2 * len(stems.intersection(wished)) >= len(wished)


class _Manner(NamedTuple):
    """An utterance: its stems, how often it is empathetic and courteous, if it asks consent."""

    words: str
    stems: frozenset[str]
    empathy: int
    courtesy: int
    consent: bool


@lru_cache(maxsize=8192)
def _manner(text: str) -> _Manner:
    words = said(text)
    empathy, rest = _count(_EMPATHIES, words)
    courtesy, _ = _count(_COURTESIES, rest)
    consent = "?" in text and any(phrase in words for phrase in _CONSENTS)
    return _Manner(words, frozenset(words.split()), empathy, courtesy, consent)


def _count(phrases: tuple[str, ...], words: str) -> tuple[int, str]:
    """How many of the phrases, longest first, occur, and the words without them."""
    count = 0
    for phrase in phrases:
        if phrase in words:
            count += 1
            words = words.replace(phrase, " ")
    return count, words


def _listed(topics: list[str]) -> str:
    return ", ".join(topics) or "none"


def _item(item_id: str, says: str, met: bool, evidence: Iterable[int], reason: str) -> RubricItem:
    return RubricItem(item_id, says, float(met), tuple(sorted(set(evidence))), reason)
