"""Questions that the chart answers: who, how old, the last value, the mean of a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from bedside.scenarios.chart.draft import Draft, Patient
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import lab, note
from bedside.scenarios.comparators import Amount, Moment, Same
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment
from bedside.scenarios.library import people

__all__: list[str] = []

_NEWCOMERS = 100_000
"""People who are not in the population are numbered from here."""


@category("patient_lookup")
def patient_lookup(draft: Draft) -> None:
    """One person among namesakes, and among others born on the same day."""
    patient, chance = draft.choose(), draft.chance
    apart = draft.family.tables["days_apart"]
    near = chance.below(len(apart))
    far = (near + chance.between(1, len(apart) - 1)) % len(apart)
    born = patient.life.birth
    asked = born if draft.branch == "found" else born - apart[far] * DAY
    given, family = _other_names(patient, chance)
    for place, changes in enumerate(
        (
            {"birth": born - apart[near] * DAY},
            {"birth": asked, "given": given},
            {"birth": asked, "family": family},
        )
    ):
        draft.plant(_newcomer(patient, place, **changes).resource)
    answer = patient.mrn if draft.branch == "found" else draft.family.tables["missing"]
    draft.ask("the MRN, or that there is no such patient", Same(values=(answer,)), answer)
    draft.tell(birth_date=date.fromordinal(asked // DAY).isoformat())


@category("patient_age")
def patient_age(draft: Draft) -> None:
    """The age of somebody new whose birthday is just past, still ahead, or today."""
    chance, branch = draft.chance, draft.branch
    age = 0 if branch == "infant" else chance.between(4, 96)
    birthday = date.fromordinal(
        NOW // DAY - chance.between(*draft.family.tables["days_since"][branch])
    )
    birth = birthday.replace(year=birthday.year - age).toordinal() * DAY
    draft.patient = patient = _newcomer(draft.choose(), 0, birth=birth)
    draft.plant(patient.resource)
    if age:
        at = NOW - chance.between(400, 700) * DAY
        line = f"Letter from another hospital about {patient.name}, aged {patient.life.age(at)}."
        draft.plant(note(patient, "Outside letter", [line], at))
    draft.ask("the age in whole years", Amount(value=age), age)
    draft.tell()


@category("last_magnesium")
def last_magnesium(draft: Draft) -> None:
    """The last magnesium of a day, among older ones."""
    patient, chance = draft.choose(), draft.chance
    wanted = chance.between(7, 42) / 10
    older = round(wanted + chance.pick((-0.4, -0.3, 0.3, 0.4)), 1)
    if draft.branch == "none":
        draft.plant(lab(patient, "magnesium", wanted, NOW - chance.between(25, 47) * HOUR))
        draft.ask("no result", Amount(value=-1), -1)
    else:
        at = NOW - chance.between(1, 11) * HOUR - chance.between(6, 54)
        draft.plant(lab(patient, "magnesium", older, at - chance.between(3, 12) * HOUR))
        draft.plant(lab(patient, "magnesium", wanted, at))
        draft.ask("the last magnesium", Amount(value=wanted, unit="mg/dL", tolerance=0.001), wanted)
    draft.tell()


@category("mean_glucose")
def mean_glucose(draft: Draft) -> None:
    """The mean glucose of a day; values just before it, and one that was an error, do not count."""
    patient, chance = draft.choose(lambda p: p.age >= 18), draft.chance
    begin = NOW - DAY
    values = [chance.between(78, 214) for _ in range(chance.between(3, 6))]
    if draft.branch == "none":
        values = []
    for place, value in enumerate(values):
        at = begin + place * DAY // len(values) + chance.between(8, 90)
        draft.plant(lab(patient, "glucose", value, at))
    for at in (begin - chance.between(8, 60), begin - chance.between(3, 9) * HOUR):
        draft.plant(lab(patient, "glucose", chance.between(230, 320), at))
    if draft.branch != "plain":
        wrong = lab(patient, "glucose", chance.between(380, 460), NOW - chance.between(60, 400))
        draft.plant({**wrong, "status": "entered-in-error"})
    mean = round(sum(values) / len(values), 1) if values else -1
    draft.ask("the mean glucose", Amount(value=mean, unit="mg/dL", tolerance=0.1), mean)
    draft.tell()


@category("last_glucose")
def last_glucose(draft: Draft) -> None:
    """The glucose that was taken last, which is not always the one that was charted last."""
    patient, chance = draft.choose(lambda p: p.age >= 18), draft.chance
    at = NOW - chance.between(3, 40) * HOUR - chance.below(60)
    value = chance.between(64, 298)
    older = at - chance.between(1, 9) * HOUR
    delayed = at + (90 if draft.branch == "delayed" else -20)
    last = lab(patient, "glucose", value, at)
    before = lab(patient, "glucose", value + chance.pick((-23, -9, 14, 31)), older)
    draft.plant({**last, "issued": moment(at + 20)})
    draft.plant({**before, "issued": moment(max(delayed, older + 20))})
    if draft.branch == "retracted":
        wrong = lab(patient, "glucose", value + 120, at + chance.between(30, 100))
        draft.plant({**wrong, "status": "entered-in-error"})
    draft.ask("the last glucose", Amount(value=value, unit="mg/dL", tolerance=0.001), value)
    draft.ask("its time", Moment(earliest=moment(at), latest=moment(at)), moment(at))
    draft.tell()


def _newcomer(patient: Patient, place: int, **changes: Any) -> Patient:
    """Somebody like this patient who is not in the population, with a number of their own."""
    number = _NEWCOMERS + 10 * patient.life.number + place
    return Patient(replace(patient.life, number=number, **changes))


def _other_names(patient: Patient, chance: Chance) -> tuple[str, str]:
    """Another given name and another family name."""
    stock, life = people(), patient.life
    given = stock.given_female if life.female else stock.given_male
    return (
        chance.pick([name for name in given if name != life.given]),
        chance.pick([name for name in stock.family if name != life.family]),
    )
