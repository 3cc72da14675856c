"""Temperament: five traits, and the behaviour that follows from them.

The traits and every phrase are data (``data/temperaments.toml``).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bedside.scenarios.case import Temperament

__all__ = ["Behaviour", "Traits", "behaviour", "traits"]


@dataclass(frozen=True)
class Traits:
    """A temperament as five levels from 0 to 3.

    Attributes:
        symptom_description: from word by word to everything at once.
        asking_questions: from never to at every turn.
        communication_style: from short and blunt to long and winding.
        attitude_to_treatment: from doubt to trust.
        emotional_involvement: from unmoved to overwhelmed.
    """

    symptom_description: int
    asking_questions: int
    communication_style: int
    attitude_to_treatment: int
    emotional_involvement: int


@dataclass(frozen=True)
class Behaviour:
    """What the traits lead to.

    Attributes:
        open_facts: facts told to an open question.
        topic_facts: facts told to a question on a topic.
        volunteer: chance of each of two further facts that nobody asked for.
        answers: questions of one message that get an answer.
        digress: chance of a digression that says nothing.
        emote: chance of a word about feelings.
        ask_back: chance of a question back after an explanation; a third of it after an answer.
        strain: factor on everything that costs patience.
        trust: trust at the start; facts held back are told from `TRUSTING` on.
        warmth: trust won by the first word of empathy; the nth wins one nth of it.
    """

    open_facts: int
    topic_facts: int
    volunteer: float
    answers: int
    digress: float
    emote: float
    ask_back: float
    strain: float
    trust: float
    warmth: float


@cache
def _table() -> dict[str, Any]:
    text = files("bedside.patients").joinpath("data/temperaments.toml").read_text("utf-8")
    return tomllib.loads(text)["traits"]  # type: ignore[no-any-return]


@cache
def traits(temperament: Temperament) -> Traits:
    """The traits of a temperament."""
    return Traits(**_table()[temperament])


@cache
def behaviour(temperament: Temperament) -> Behaviour:
    """What a patient of this temperament does."""
    t = traits(temperament)
    heat = max(0, 2 * t.emotional_involvement - t.communication_style)
    return Behaviour(
        open_facts=1 + t.symptom_description,
        topic_facts=2 + t.symptom_description,
        volunteer=(0.05, 0.25, 0.5, 0.75)[t.symptom_description],
        answers=3 if t.communication_style >= 2 else 2,
        digress=(0.0, 0.0, 0.1, 0.3)[t.communication_style],
        emote=0.15 * t.emotional_involvement,
        ask_back=0.3 * t.asking_questions,
        strain=0.6 + 0.2 * heat,
        trust=0.1 + 0.05 * t.attitude_to_treatment,
        warmth=0.12 + 0.04 * t.emotional_involvement,
    )
