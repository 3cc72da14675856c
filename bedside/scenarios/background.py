"""Who a drawn patient is, apart from what is wrong: their life, illnesses, and what is charted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from bedside.scenarios.blueprint import Blueprint, Illness, Trap, Treatment
from bedside.scenarios.library import blueprints, people, traps
from bedside.scenarios.synthetic import TODAY

__all__ = ["SPEAKS_FROM", "Background", "Life", "draw_background", "draw_life", "remaining"]

SPEAKS_FROM = 8
"""Years from which on a patient speaks for themselves; younger ones are not drawn."""

_TRAPPED = 0.25
"""Share of patients whose chart rules a first choice of treatment out, where anything does."""
_ALLERGIC = 0.25
"""Share of the others with a charted allergy that leaves every treatment open."""
_FORGETFUL = 0.2
"""Share of what is charted, allergies and medicines, that the patient does not remember."""
_FERTILE = (15, 50)


@dataclass(frozen=True)
class Life:
    """A person.

    Attributes:
        work: how the patient says what they do.
        birth_date: gives `age` on the day of the encounter, in January.
    """

    given: str
    family: str
    sex: Literal["female", "male"]
    age: int
    occupation: str
    work: str
    birth_date: str

    @property
    def may_be_pregnant(self) -> bool:
        """Whether it makes sense to ask."""
        return self.sex == "female" and _FERTILE[0] <= self.age <= _FERTILE[1]


@dataclass(frozen=True)
class Background:
    """What is known about a patient before the encounter.

    Attributes:
        illnesses: unrelated ones, charted and told.
        trap: what is charted besides and may rule out a medicine, or None.
        remembered: the patient knows of the trap; otherwise they deny it and the chart is right.
        visits: (date, reason) of earlier visits, in order.
    """

    illnesses: tuple[Illness, ...]
    trap: Trap | None
    remembered: bool
    visits: tuple[tuple[str, str], ...]


def draw_life(blueprint: Blueprint, chance: Random) -> Life:
    """A person who may well have the diagnosis."""
    who, stock = blueprint.who, people()
    sex: Literal["female", "male"] = "female" if chance.random() < who.female else "male"
    age = chance.randint(max(SPEAKS_FROM, who.age[0]), max(SPEAKS_FROM, who.age[1]))
    work = chance.choice([w for w in stock.work if w.age[0] <= age <= w.age[1]])
    given = chance.choice(stock.given_female if sex == "female" else stock.given_male)
    family = chance.choice(stock.family)
    born = f"{int(TODAY[:4]) - age - 1}-{chance.randint(2, 12):02}-{chance.randint(1, 28):02}"
    return Life(given, family, sex, age, work.occupation, work.says, born)


def draw_background(blueprint: Blueprint, life: Life, chance: Random) -> Background:
    """What else the chart and the patient know."""
    fitting = [i for i in people().past if i.age[0] <= life.age <= i.age[1]]
    count = chance.choices((0, 1, 2), weights=(5, 4, 1))[0]
    illnesses = tuple(chance.sample(fitting, min(count, len(fitting))))
    trap = _trap(blueprint, life, chance)
    forgotten = trap is not None and trap.kind != "condition" and chance.random() < _FORGETFUL
    year = int(TODAY[:4])
    days = sorted(
        f"{year - chance.randint(1, 4)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        for _ in range(chance.randint(0, 3))
    )
    visits = tuple(zip(days, chance.sample(people().visits, len(days)), strict=True))
    return Background(illnesses, trap, not forgotten, visits)


def _trap(blueprint: Blueprint, life: Life, chance: Random) -> Trap | None:
    drawn, pick = chance.random(), chance.random()
    own = [t for t in _own_traps(blueprint.name) if t.topic != "pregnancy" or life.may_be_pregnant]
    if own and drawn < _TRAPPED:
        return own[int(pick * len(own))]
    if drawn < _TRAPPED + (1 - _TRAPPED) * _ALLERGIC:
        harmless = _harmless(blueprint.name)
        return harmless[int(pick * len(harmless))]
    return None


@cache
def _own_traps(diagnosis: str) -> tuple[Trap, ...]:
    """What rules out a first choice and leaves another."""
    blueprint = blueprints()[diagnosis]
    own = (traps()[trap.charted.lower()] for trap in blueprint.traps)
    return tuple(trap for trap in own if remaining(blueprint, trap))


@cache
def _harmless(diagnosis: str) -> tuple[Trap, ...]:
    """Allergies that leave every treatment of this diagnosis open, other diagnoses' traps among
    them, so that a charted allergy says little about the diagnosis."""
    blueprint = blueprints()[diagnosis]
    return tuple(
        trap
        for trap in traps().values()
        if trap.kind == "allergy" and remaining(blueprint, trap) == remaining(blueprint, None)
    )


def remaining(blueprint: Blueprint, trap: Trap | None) -> tuple[Treatment, ...]:
    """The treatments that neither the diagnosis nor the trap rules out, in order of preference."""
    banned = [*blueprint.forbidden.terms, *(trap.rules_out if trap else ())]
    banned += trap.classes if trap else ()
    left = (t for t in blueprint.treatments if not any(word in t.name for word in banned))
    return tuple(sorted(left, key=lambda treatment: treatment.line))
