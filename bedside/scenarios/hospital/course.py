"""What is measured, and when: series of values shifted by illnesses, medicines and stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bedside.scenarios.hospital.draws import SIGMA, Chance, halved
from bedside.scenarios.hospital.lives import DAY, HOUR, Admission, Life
from bedside.scenarios.hospital.tables import (
    Setting,
    analytes,
    conditions,
    medicines,
    panels,
    value_at,
)

__all__ = ["Body", "Values", "intensity"]

_OWN, _CHANGING = 600, 800
"""Weights of what is a person's own and of what changes, in thousandths; their squares make one."""
_ALIKE, _APART = 850, 527
_FOLLOWS = {
    "diastolic": "systolic",
    "haematocrit": "haemoglobin",
    "cholesterol": "ldl",
    "urea_nitrogen": "creatinine",
    "ast": "alt",
}
"""What goes largely with another of the same panel."""
_HOURLY = (900, 436)
_DAILY = (920, 392)
"""Shares of the last number and of chance in the next."""
_TYPICAL = (-1500, -900, -400, 0, 400, 900, 1500)

Values = dict[str, int]
"""Values by analyte, in units of the last digit."""


class _Effect(NamedTuple):
    start: int
    end: int
    shift: dict[str, int]
    factor: dict[str, int]
    admission: Admission | None


class Body:
    """A person's measurements.

    Args:
        life: whose.
        seed: of the population.
    """

    def __init__(self, life: Life, seed: int) -> None:
        self._life = life
        self._chance = Chance(seed, "body", life.number)
        self._own = _alike({name: self._chance.normal() for name in analytes()})
        effects = tuple(_effects(life))
        self._effects = {
            name: tuple(e for e in effects if name in e.shift or name in e.factor)
            for name in analytes()
        }

    def at_visit(self, at: int, panel: str) -> Values:
        """What a panel gives outside hospital."""
        now = _alike({name: self._chance.normal() for name in panels()[panel]})
        found = {name: self._value(name, at, "out", now[name]) for name in now}
        if "hba1c" in found:
            found["hba1c"] = self._long_sugar(at)
        return found

    def in_hospital(
        self, panel: str, times: Sequence[int], admission: Admission, *, hourly: bool
    ) -> Iterator[tuple[int, Values]]:
        """What a panel gives at each of these times of a stay, one after the other."""
        kept, fresh = _HOURLY if hourly else _DAILY
        now = _alike({name: self._chance.normal() for name in panels()[panel]})
        for at in times:
            setting: Setting = "icu" if at < admission.icu_until else "ward"
            yield at, {name: self._value(name, at, setting, now[name]) for name in now}
            noise = _alike({name: self._chance.normal() for name in now})
            now = {name: (kept * now[name] + fresh * noise[name]) // SIGMA for name in now}

    def _value(self, name: str, at: int, setting: Setting, changing: int) -> int:
        hidden = (_OWN * self._own[name] + _CHANGING * changing) // SIGMA
        factor = 1000
        for effect in self._effects[name]:
            if not effect.start <= at < effect.end:
                continue
            share = 1000 if effect.admission is None else intensity(effect.admission, at)
            hidden += effect.shift.get(name, 0) * share // 1000
            if name in effect.factor:
                factor = factor * (1000 + (effect.factor[name] - 1000) * share // 1000) // 1000
        value = value_at(name, setting, self._life.band(at), hidden) * factor // 1000
        return min(value, 100) if name == "oxygen_saturation" else value

    def _long_sugar(self, at: int) -> int:
        """HbA1c in tenths of a percent: (mean glucose in mg/dL + 46.7) / 28.7, the relation found
        by the A1c-Derived Average Glucose study (unchecked: common knowledge)."""
        mean = sum(self._value("glucose", at, "out", z) for z in _TYPICAL) * 10 // len(_TYPICAL)
        return (mean + 467) * 10 // 287 + self._chance.normal() // SIGMA


def intensity(admission: Admission, at: int) -> int:
    """How ill somebody is at a time of a stay, in thousandths of the usual at its worst."""
    turn = admission.treated + admission.stay.turn * HOUR
    if at <= turn:
        return admission.severity
    return halved(admission.severity, at - turn, admission.stay.half_life * HOUR)


def _effects(life: Life) -> Iterator[_Effect]:
    forever = 10**12
    for illness in life.illnesses:
        yield _Effect(illness.since, forever, conditions()[illness.name].shift, {}, None)
    for taken in life.taken:
        medicine = medicines()[taken.name]
        end = forever if taken.end is None else taken.end + DAY
        wait = 2 * HOUR if taken.admission is not None else DAY
        if medicine.shift or medicine.factor:
            yield _Effect(taken.start + wait, end, medicine.shift, medicine.factor, None)
    for admission in life.admissions:
        stay, end = admission.stay, admission.discharge + 60 * DAY
        yield _Effect(admission.arrival, end, stay.shift, stay.factor, admission)


def _alike(drawn: dict[str, int]) -> dict[str, int]:
    """The numbers, those that follow another moved towards it."""
    return {
        name: (_ALIKE * drawn[_FOLLOWS[name]] + _APART * number) // SIGMA
        if _FOLLOWS.get(name) in drawn
        else number
        for name, number in drawn.items()
    }
