"""The chart of one life: every resource, in the order in which it came to be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from bedside.scenarios.hospital.course import Body
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, HOUR, Admission, Life, Taken, Visit
from bedside.scenarios.hospital.notes import admission_note, clinic_note, discharge_summary
from bedside.scenarios.hospital.resources import Writer, reference
from bedside.scenarios.hospital.tables import conditions, medicines

__all__ = ["Figure", "chart", "figure"]

Json = dict[str, Any]

_LABS = {"icu": (6, 8), "ward": (24, 24)}
"""Hours between laboratory rounds: at least and at most."""
_ROUNDS = {
    "icu": ("metabolic", "electrolytes", "blood_count", "critical", "clotting", "inflammation"),
    "ward": ("metabolic", "blood_count", "inflammation"),
}
_SELDOM = ("liver", "cardiac")
"""Taken on every third round in intensive care."""
_OPEN = 0.04
"""Share of panels ordered at a visit that were never taken."""
_HEIGHTS = (
    (0, 50, 3.5), (1, 76, 9.8), (2, 87, 12.3), (4, 102, 16.5), (6, 115, 20.7), (8, 128, 25.8),
    (10, 138, 32.0), (12, 149, 40.5), (14, 161, 50.0), (16, 169, 60.0), (18, 171, 68.0),
)  # fmt: skip
"""Age, usual height in cm and weight in kg (unchecked: common knowledge)."""


class Figure(NamedTuple):
    """How tall and heavy somebody is."""

    centimetres: int
    kilograms: float


def figure(life: Life, seed: int, at: int) -> Figure:
    """Height and weight at a moment, as they would be charted at a visit."""
    return _figure(life, _build(Chance(seed, "chart", life.number)), at)


def chart(life: Life, seed: int, patient: str) -> Iterator[Json]:
    """The resources of a life."""
    write, body = Writer(life, patient), Body(life, seed)
    chance = Chance(seed, "chart", life.number)
    build = _build(chance)
    yield write.patient()
    for illness in life.illnesses:
        yield write.condition(illness)
    for allergy in life.allergies:
        yield write.allergy(*allergy)
    for vaccine, at in life.vaccines:
        yield write.vaccination(vaccine, at)
    for taken in life.taken:
        if taken.admission is None:
            yield write.order(taken, None, conditions()[taken.reason].display)
    for visit in life.visits:
        yield from _visit(life, visit, write, body, chance, build)
    for place, admission in enumerate(life.admissions):
        own = [taken for taken in life.taken if taken.admission == place]
        yield from _admission(life, admission, own, write, body, chance)


def _visit(
    life: Life, visit: Visit, write: Writer, body: Body, chance: Chance, build: tuple[int, int]
) -> Iterator[Json]:
    encounter = write.visit(visit.at)
    yield encounter
    where = reference(encounter)
    vitals = body.at_visit(visit.at, "vitals")
    for name in ("heart_rate", "respiratory_rate", "temperature", "oxygen_saturation"):
        yield write.measured(name, vitals[name], visit.at + 5, where)
    yield write.pressure(vitals["systolic"], vitals["diastolic"], visit.at + 5, where)
    size = _figure(life, build, visit.at)
    yield write.size("8302-2", "Body height", size.centimetres, "cm", visit.at + 5, where)
    yield write.size("29463-7", "Body weight", size.kilograms, "kg", visit.at + 5, where)
    for panel in visit.panels:
        done = not chance.happens(_OPEN)
        order = write.laboratory_order(panel, visit.at + 15, where, done=done)
        yield order
        if done:
            values = body.at_visit(visit.at, panel)
            yield from _reported(panel, values, visit.at + 25, order, write, where)
    text = clinic_note(life, visit.at, vitals)
    yield write.note("Clinic note", text, visit.at + 30, where)


def _build(chance: Chance) -> tuple[int, int]:
    """How tall and how heavy somebody is, in thousandths of the usual: the first two draws."""
    wide, tall = 1000 + chance.normal() // 8, 1000 + chance.normal() // 25
    return tall, wide


def _figure(life: Life, build: tuple[int, int], at: int) -> Figure:
    """Of children as they grow, of adults as they are."""
    months = (at - life.birth) // DAY * 12 // 365
    (low, short, light), (high, long, heavy) = _around(months)
    share = 0 if high == low else (months - 12 * low) * 1000 // (12 * (high - low))
    height = short + (long - short) * share // 1000
    grams = round(1000 * light) + (round(1000 * heavy) - round(1000 * light)) * share // 1000
    if life.female:
        grown = min(max(months - 12 * 13, 0), 60)
        height, grams = height - 10 * grown // 60, grams - 8000 * grown // 60
    grams += 9000 * min(max(months - 12 * 25, 0), 180) // 180
    return Figure(height * build[0] // 1000, grams * build[1] // 1000 // 100 / 10)


def _around(months: int) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
    for low, high in pairwise(_HEIGHTS):
        if months < 12 * high[0]:
            return low, high
    return _HEIGHTS[-1], _HEIGHTS[-1]


def _admission(
    life: Life, admission: Admission, own: list[Taken], write: Writer, body: Body, chance: Chance
) -> Iterator[Json]:
    encounter = write.admission(admission)
    yield encounter
    where = reference(encounter)
    yield write.diagnosis(admission, where)
    if admission.stay.procedure:
        yield write.procedure(admission, where)
    for taken in own:
        order = write.order(taken, where, admission.stay.display)
        yield order
        yield from _doses(taken, order["id"], write, where)
    hours = range(admission.arrival, admission.discharge, HOUR)
    for at, vitals in body.in_hospital("vitals", hours, admission, hourly=True):
        for name in ("heart_rate", "respiratory_rate", "temperature", "oxygen_saturation"):
            yield write.measured(name, vitals[name], at, where)
        yield write.pressure(vitals["systolic"], vitals["diastolic"], at, where)
    yield from _rounds(admission, write, body, chance, where)
    text = admission_note(life, admission)
    yield write.note("Admission note", text, admission.treated, where)
    text = discharge_summary(life, admission, own)
    yield write.note("Discharge summary", text, admission.discharge - HOUR, where)


def _doses(taken: Taken, order: str, write: Writer, where: Json) -> Iterator[Json]:
    assert taken.end is not None
    every = 24 * HOUR // medicines()[taken.name].times_a_day
    for at in range(taken.start + 20, taken.end, every):
        yield write.given(taken, at, order, where)


def _rounds(
    admission: Admission, write: Writer, body: Body, chance: Chance, where: Json
) -> Iterator[Json]:
    taken: dict[str, list[int]] = {}
    at, round = admission.arrival + 30, 0
    while at < admission.discharge:
        setting = "icu" if at < admission.icu_until else "ward"
        seldom = _SELDOM if setting == "icu" and round % 3 == 0 else ()
        for panel in (*_ROUNDS[setting], *seldom):
            taken.setdefault(panel, []).append(at)
        at, round = at + chance.between(*_LABS[setting]) * HOUR, round + 1
    for panel, times in taken.items():
        for at, values in body.in_hospital(panel, times, admission, hourly=False):
            order = write.laboratory_order(panel, at - 20, where, done=True)
            yield order
            yield from _reported(panel, values, at, order, write, where)


def _reported(
    panel: str, values: dict[str, int], at: int, order: Json, write: Writer, where: Json
) -> Iterator[Json]:
    results, based_on = [], reference(order)
    for name, value in values.items():
        result = write.measured(name, value, at, where, based_on)
        results.append(result["id"])
        yield result
    yield write.report(panel, at, results, where, based_on)
