"""Plain words for a consultation: one question a topic, courtesy, and neutral plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bedside.scenarios.case import Topic

__all__ = ["COURTESIES", "GREETING", "NEUTRAL_PLAN", "QUESTIONS", "ask", "kindly", "pairs"]

GREETING = (
    "Hello, I am the doctor looking after you today. Thank you for coming in. "
    "Please tell me in your own words what brings you here."
)

QUESTIONS: Mapping[Topic, str] = {
    "complaint": "Can you tell me more about the problem?",
    "onset": "When did it start?",
    "course": "How has it changed since then?",
    "site": "Where exactly is it?",
    "character": "What does it feel like?",
    "severity": "How bad is it?",
    "associated": "Have you noticed any other symptoms?",
    "trigger": "What makes it worse?",
    "relief": "What makes it better?",
    "tried": "What have you tried for it so far?",
    "past": "Have you had any illnesses in the past?",
    "surgery": "Have you ever had an operation?",
    "medication": "Do you take any medicines?",
    "allergy": "Do you have any allergies?",
    "family": "Does anyone in your family have something similar?",
    "social": "Do you smoke or drink alcohol?",
    "work": "What work do you do?",
    "travel": "Have you travelled anywhere recently?",
    "contact": "Has anyone around you been ill?",
    "pregnancy": "Could you be pregnant?",
    "ideas": "What do you think might be causing it?",
    "concerns": "What worries you most about it?",
    "expectations": "What are you hoping we can do for you today?",
    "identity": "Could you tell me your name and your age?",
}
"""One question a topic, in the order of a consultation."""

COURTESIES: tuple[str, ...] = (
    "Thank you, that helps me.",
    "I'm sorry to hear that.",
    "I see, thank you.",
    "That must be hard for you.",
    "Thank you for telling me.",
)

NEUTRAL_PLAN = (
    "Basic blood tests, symptomatic treatment, and a follow-up visit in one week, "
    "sooner if anything gets worse."
)


def ask(*topics: Topic) -> str:
    """The questions on these topics in one turn; a patient can follow two or three."""
    return " ".join(QUESTIONS[topic] for topic in topics)


def pairs(topics: Iterable[Topic]) -> list[tuple[Topic, ...]]:
    """The topics two by two, in order."""
    listed = tuple(topics)
    return [listed[start : start + 2] for start in range(0, len(listed), 2)]


def kindly(question: str, number: int) -> str:
    """Question `number`, counted from 0; after a word of courtesy every other time."""
    turn, plain = divmod(number, 2)
    return question if plain else f"{COURTESIES[turn % len(COURTESIES)]} {question}"
