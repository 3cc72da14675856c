"""Doses that are worked out from kidneys, liver or weight."""

from __future__ import annotations

from math import ceil

from bedside.scenarios.chart.draft import Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.prescribing import adult, ago, forbid, order, spoken
from bedside.scenarios.chart.resources import lab, vital
from bedside.scenarios.comparators import Amount
from bedside.scenarios.hospital.lives import DAY, HOUR
from bedside.scenarios.hospital.resources import TIMES

__all__: list[str] = []

_WEIGHT = ("29463-7", "Body weight")


@category("renal_dosing")
def renal_dosing(draft: Draft) -> None:
    """A dose is chosen by the creatinine clearance, worked out from the last results."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(
        lambda p: (
            40 <= p.age <= 78
            and not p.life.allergies
            and not p.takes(*tables["avoid"])
            and len(_clearances(draft, p, row)) > 0
        )
    )
    low, high = row["limits"]
    aim = chance.pick(_clearances(draft, patient, row))
    usual, at = patient.kilograms(), ago(chance, 2, 16)
    kilograms = round(usual * chance.between(97, 103) / 100, 1)
    before = round(usual * (100 + chance.pick((-8, -7, 6, 7))) / 100, 1)
    _weigh(draft, before, "kg", at - 100 * DAY)
    _weigh(draft, kilograms, "kg", at - chance.between(1, 5) * HOUR)
    cleared = _cleared(patient, kilograms)
    creatinine = round(cleared / aim, 2)
    rising = draft.branch == "none"
    older = creatinine * (0.6 if rising else chance.pick((1.4, 1.7)))
    near = creatinine * (0.9 if rising else chance.pick((1.08, 1.12)))
    draft.plant(lab(patient, "creatinine", round(older, 2), at - chance.between(70, 120) * HOUR))
    draft.plant(lab(patient, "creatinine", round(near, 2), at - chance.between(12, 20) * HOUR))
    if chance.happens(0.4):
        micromoles = round(creatinine * tables["micromoles"])
        creatinine = micromoles / tables["micromoles"]
        result = draft.plant(lab(patient, "creatinine", micromoles, at, unit="umol/L"))
    else:
        result = draft.plant(lab(patient, "creatinine", creatinine, at))
    mistaken = lab(patient, "creatinine", round(creatinine * (0.3 if rising else 2.5), 2), at + 40)
    draft.plant({**mistaken, "status": "entered-in-error"})
    _dose(draft, row)
    clearance = cleared / creatinine
    draft.ask(
        "the clearance", Amount(value=clearance, unit="mL/min", tolerance=1), round(clearance)
    )
    draft.ask_id("the creatinine that it comes from", result)
    _tell_doses(draft, row, low=low, high=high)


def _clearances(draft: Draft, patient: Patient, row: Json) -> range:
    """The clearances of the branch, away from the limits, that a plausible creatinine gives."""
    low, high = row["limits"]
    first, last = {
        "normal": (high + 5, high + 35),
        "reduced": (low + 4, high - 4),
        "none": (low - 14, low - 4),
    }[draft.branch]
    least, most = draft.family.tables["creatinine"]
    cleared = _cleared(patient, patient.kilograms())
    return range(max(first, ceil(cleared / most)), min(last, int(cleared / least)) + 1)


def _cleared(patient: Patient, kilograms: float) -> float:
    """The creatinine clearance where the creatinine is 1 mg/dL."""
    return (140 - patient.age) * kilograms * (0.85 if patient.life.female else 1) / 72


@category("hepatic_dosing")
def hepatic_dosing(draft: Draft) -> None:
    """A dose is chosen by the worse of the last ALT and the last bilirubin."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(lambda p: adult(p, tables["avoid"]))
    worst = ("normal", "reduced", "none").index(draft.branch)
    grades = [worst, chance.below(worst + 1)]
    if chance.happens(0.5):
        grades.reverse()
    former = chance.pick([grade for grade in range(3) if grade != worst])
    alt, older_alt = (chance.between(*tables["alt"][grade]) for grade in (grades[0], former))
    tenths, older_tenths = (
        chance.between(*tables["bilirubin"][grade]) for grade in (grades[1], former)
    )
    at = ago(chance, 2, 15)
    later = at + chance.between(10, 100)
    before = at - chance.between(8, 16) * DAY - chance.below(600)
    draft.plant(lab(patient, "alt", older_alt, before))
    draft.plant(lab(patient, "bilirubin", older_tenths / 10, before + chance.between(10, 100)))
    draft.plant(lab(patient, "alt", alt, at))
    bilirubin = tenths / 10
    if chance.happens(0.4):
        micromoles = round(bilirubin * tables["micromoles"])
        draft.plant(lab(patient, "bilirubin", micromoles, later, unit="umol/L"))
        bilirubin = micromoles / tables["micromoles"]
    else:
        draft.plant(lab(patient, "bilirubin", bilirubin, later))
    _dose(draft, row)
    draft.ask("the last ALT", Amount(value=alt, unit="U/L"), alt)
    wanted = Amount(value=bilirubin, unit="mg/dL", tolerance=0.06)
    draft.ask("the last bilirubin", wanted, round(bilirubin, 1))
    _tell_doses(draft, row)


@category("paediatric_dosing")
def paediatric_dosing(draft: Draft) -> None:
    """A child's dose is worked out from the last weight, unless the last two weights disagree."""
    chance, tables = draft.chance, draft.family.tables
    lightest, heaviest = tables["kilograms"]["capped" if draft.branch == "capped" else "others"]
    draft.choose(
        lambda p: (
            1 <= p.age <= tables["oldest"]
            and lightest <= p.kilograms() <= heaviest
            and p.bears(*tables["allergens"])
        )
    )
    row, grams, unit = _weight_and_medicine(draft)
    at = ago(chance, 2, 10)
    change = chance.between(15, 30) if draft.branch == "disagreeing" else chance.between(1, 4)
    earlier = grams * (100 + change * chance.pick((-1, 1))) // 100
    before, before_unit = at - chance.between(14, 30) * HOUR, chance.pick(("kg", unit))
    for mass, shown, when in ((earlier, before_unit, before), (grams, unit, at)):
        _weigh(draft, round(mass / tables["grams"][shown], 1), shown, when)
    if draft.acts:
        dose = min(round(row["per_kg"] * grams / 1000), row["most"])
        order(draft, {**row, "dose": dose})
    else:
        forbid(draft, row)
    for place, mass in (("last", grams), ("earlier", earlier)):
        wanted = Amount(value=mass / 1000, unit="kg", tolerance=0.1)
        draft.ask(f"the {place} weight", wanted, round(mass / 1000, 1))
    often = TIMES[row["times"]]
    draft.tell(drug=row["name"], per_kg=row["per_kg"], most=row["most"], often=often)


def _weight_and_medicine(draft: Draft) -> tuple[Json, int, str]:
    """A medicine, a weight in grams that leaves no doubt about its dose, and the unit it is in."""
    chance, tables = draft.chance, draft.family.tables
    usual = round(1000 * draft.patient.kilograms())
    unit = chance.pick(("[lb_av]", "g")) if draft.branch == "other_unit" else "kg"
    capped = draft.branch == "capped"
    while True:
        row = chance.pick(tables["medicines"])
        number = round(usual * chance.between(96, 104) / 100 / tables["grams"][unit], 1)
        grams = round(number * tables["grams"][unit])
        exact = row["per_kg"] * grams / 1000
        certain = abs(exact - round(exact)) < 0.3
        fits = exact > 1.03 * row["most"] if capped else exact < 0.97 * row["most"] and certain
        if fits:
            return row, grams, unit


def _weigh(draft: Draft, value: float, unit: str, at: int) -> Json:
    return draft.plant(vital(draft.patient, *_WEIGHT, value, unit, at))


def _dose(draft: Draft, row: Json) -> None:
    """Demand the dose of the branch, or nothing."""
    if draft.acts:
        order(draft, {**row, **row[draft.branch]})
    else:
        forbid(draft, row)


def _tell_doses(draft: Draft, row: Json, **slots: object) -> None:
    normal, reduced = (spoken({**row, **row[branch]}) for branch in ("normal", "reduced"))
    draft.tell(drug=row["name"], normal=normal, reduced=reduced, **slots)
