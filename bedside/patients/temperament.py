"""Temperament: five traits, and the behaviour that follows from them.

The traits of the four temperaments and every phrase are data (``data/temperaments.toml``); a case
may give levels of its own, and levels between two whole numbers behave in between.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from bedside.scenarios.case import Axes, Person, Temperament, Traits

__all__ = ["Behaviour", "behaviour", "traits"]


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
        frame: chance of a word that plays a symptom up or down; the fact stays as it is.
        lead: chance of a word before an answer.
        ask_back: chance of a question back after an explanation; a third of it after an answer.
        bargains: proposals that are met with doubt before one is accepted.
        strain: factor on everything that costs patience.
        trust: trust at the start; facts held back are told from `TRUSTING` on.
        warmth: trust won by the first word of empathy; the nth wins one nth of it.
        literacy: share of medical terms understood.
        recall: share of facts that come to mind.
    """

    open_facts: int
    topic_facts: int
    volunteer: float
    answers: int
    digress: float
    emote: float
    frame: float
    lead: float
    ask_back: float
    bargains: int
    strain: float
    trust: float
    warmth: float
    literacy: float
    recall: float


@cache
def _table() -> dict[str, Any]:
    text = files("bedside.patients").joinpath("data/temperaments.toml").read_text("utf-8")
    return tomllib.loads(text)["traits"]  # type: ignore[no-any-return]


@cache
def traits(temperament: Temperament) -> Traits:
    """The traits of a temperament."""
    return Traits(**_table()[temperament])


def behaviour(person: Person) -> Behaviour:
    """What this patient does."""
    return _behaviour(person.traits or traits(person.temperament), person.axes)


@lru_cache(maxsize=256)
def _behaviour(t: Traits, axes: Axes) -> Behaviour:
    heat = max(0.0, 2 * t.emotional_involvement - t.communication_style)
    words = axes.verbosity
    return Behaviour(
        open_facts=round(1 + t.symptom_description),
        topic_facts=round(2 + t.symptom_description),
        volunteer=_between(t.symptom_description, (0.04, 0.2, 0.45, 0.75)),
        answers=3 if t.communication_style >= 2 else 2,
        digress=words * _between(t.communication_style, (0.02, 0.04, 0.12, 0.35)),
        emote=words * 0.14 * t.emotional_involvement,
        frame=words * _between(t.emotional_involvement, (0.1, 0.05, 0.08, 0.2)),
        lead=words * _between(t.communication_style, (0.2, 0.25, 0.4, 0.5)),
        ask_back=_between(t.asking_questions, (0.02, 0.2, 0.45, 0.9)),
        bargains=round(_between(t.attitude_to_treatment, (2, 1, 0, 0))),
        strain=0.6 + 0.2 * heat,
        trust=0.1 + 0.05 * t.attitude_to_treatment + axes.trust,
        warmth=0.12 + 0.04 * t.emotional_involvement,
        literacy=axes.literacy,
        recall=axes.recall,
    )


def _between(level: float, values: Sequence[float]) -> float:
    """The value at a level, those of whole levels given."""
    low = min(int(level), len(values) - 2)
    return values[low] + (level - low) * (values[low + 1] - values[low])
