"""Electrolytes that are replaced by the dosing instructions of the task."""

from __future__ import annotations

from bedside.scenarios.chart.draft import Draft
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import (
    LOINC,
    NDC,
    dosage,
    lab,
    medication_order,
    service,
)
from bedside.scenarios.comparators import Amount, Moment
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment

__all__: list[str] = []

_GOAL = 3.5


@category("magnesium_replacement")
def magnesium_replacement(draft: Draft) -> None:
    """A low magnesium of a day is replaced by its severity; an old or a normal one is not."""
    patient = draft.choose(lambda p: p.age >= 18 and not p.has("kidney_disease"))
    chance, branch = draft.chance, draft.branch
    low, high, grams = draft.family.tables["tenths_and_grams"][branch]
    tenths = chance.between(low, high)
    before = tenths - 9 if branch == "normal" else tenths + 5
    hours_ago = chance.between(25, 47) if branch == "none" else chance.between(1, 22)
    at = NOW - hours_ago * HOUR - chance.between(6, 50)
    draft.plant(lab(patient, "magnesium", before / 10, at - chance.between(5, 9) * HOUR))
    draft.plant(lab(patient, "magnesium", tenths / 10, at))
    if draft.acts:
        drug = {
            "coding": [{"system": NDC, "code": "0338-1715-40", "display": "Magnesium sulfate"}],
            "text": "magnesium sulfate",
        }
        draft.create(
            medication_order(patient, drug, dosage(grams, "g", "intravenous", hours=grams)),
            f"{grams} g of magnesium over {grams} h are ordered",
            also={"medicationCodeableConcept": ("magnesium", "magnesium sulphate")},
        )
    counted = -1 if branch == "none" else tenths / 10
    draft.ask("the magnesium", Amount(value=counted, tolerance=0.001, unit="mg/dL"), counted)
    draft.ask("its time", Moment(earliest=moment(at), latest=moment(at)), moment(at))
    draft.tell()


@category("potassium")
def potassium(draft: Draft) -> None:
    """A low potassium is replaced and followed up; one that is not low is left alone."""
    patient, chance = draft.choose(lambda p: p.age >= 18), draft.chance
    tenths = chance.between(27, 34) if draft.branch == "low" else chance.between(35, 52)
    value, at = tenths / 10, NOW - chance.between(1, 40) * HOUR - chance.below(60)
    before = chance.between(*((36, 44) if draft.acts else (30, 34))) / 10
    draft.plant(lab(patient, "potassium", before, at - chance.between(40, 90) * HOUR))
    draft.plant(lab(patient, "potassium", value, at))
    if draft.acts:
        dose = dosage(round((_GOAL - value) * 100), "meq", "oral")
        drug = {
            "coding": [{"system": NDC, "code": "40032-917-01", "display": "Potassium chloride"}],
            "text": "potassium chloride",
        }
        draft.create(
            medication_order(patient, drug, dose),
            f"{(_GOAL - value) * 100:.0f} mEq of potassium are ordered",
            also={"medicationCodeableConcept": ("potassium", "kcl")},
        )
        code = {"coding": [{"system": LOINC, "code": "2823-3", "display": "Potassium"}]}
        morning = (NOW // DAY + 1) * DAY + 8 * HOUR
        draft.create(
            service(patient, code, priority="stat", occurrenceDateTime=moment(morning)),
            "a potassium is ordered for eight in the morning",
            also={"code": ("serum potassium",)},
        )
    draft.ask("the potassium", Amount(value=value, tolerance=0.001, unit="mmol/L"), value)
    draft.ask("its time", Moment(earliest=moment(at), latest=moment(at)), moment(at))
    draft.tell()
