"""Orders that depend on allergies, other medicines, kidneys, liver, pregnancy or weight."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from bedside.scenarios.chart.draft import Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import (
    LOINC,
    allergy,
    condition,
    dosage,
    lab,
    medication_order,
    vital,
)
from bedside.scenarios.chart_case import Need, Way
from bedside.scenarios.comparators import Amount, Concept, Refers
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment
from bedside.scenarios.hospital.tables import medicines

__all__ = ["ago", "ask_id", "some", "spoken"]

T = TypeVar("T")

_TIMES = ("", "once a day", "twice a day", "three times a day", "four times a day")
_WEIGHT = ("29463-7", "Body weight")
_PREGNANCY = ("Z33.1", "Pregnant state, incidental")
_FRAIL = ("asthma", "heart_failure", "kidney_disease")
"""Illnesses with which some of the medicines would be unwise, whatever the house rule says."""
_TERM = 280
"""Days of a pregnancy."""


@category("allergy_conflict")
def allergy_conflict(draft: Draft) -> None:
    """A medicine is ordered, or its alternative, or none, by the allergies that count."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(lambda p: _adult(p, tables["avoid"]) and not p.life.allergies)
    own, spare = row["members"], row["spare_members"]
    charted = {
        "conflict": [(own, True), (spare, False)],
        "cleared": [(own, False), (tables["unrelated"], True)],
        "unrelated": [(tables["unrelated"], True), (tables["pollens"], True)],
        "both": [(own, True), (spare, True), (tables["unrelated"], True)],
    }[draft.branch]
    dates = _dates(chance, len(charted))
    entries = []
    for (substances, counts), at in zip(charted, dates, strict=True):
        reaction = chance.pick(tables["reactions"])
        entry = allergy(patient, chance.pick(substances), reaction, at)
        clinical, verified = chance.pick(tables["counting" if counts else "not_counting"])
        status = {
            "clinicalStatus": _recoded(entry["clinicalStatus"], clinical),
            "verificationStatus": _recoded(entry["verificationStatus"], verified),
        }
        entries.append(draft.plant({**entry, **status}))
    ruled_out = draft.branch in ("conflict", "both")
    _decide(draft, row, ruled_out=ruled_out, spare_too=draft.branch == "both")
    entry = entries[0] if ruled_out else max(entries, key=lambda each: each["recordedDate"])
    ask_id(draft, "the entry that decides", entry)
    _tell(draft, row, group=row["group"], spare_group=row["spare_group"])


@category("drug_interaction")
def drug_interaction(draft: Draft) -> None:
    """A medicine is ordered, or its alternative, or none, by what else is taken now."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(lambda p: _adult(p, tables["avoid"]) and not _took(p, row["partners"]))
    one, other = some(chance, row["partners"], 2)
    active = draft.branch != "clear"
    charted = [
        (one, active),
        (other, False),
        (chance.pick(row["spare_partners"]), draft.branch == "both"),
        (chance.pick(row["harmless"]), True),
    ]
    orders = []
    for (name, taken), at in zip(charted, _dates(chance, len(charted)), strict=True):
        amount, times = tables["doses"][name]
        dose = dosage(amount, "mg", "oral", times_a_day=times)
        status = "active" if taken else chance.pick(("stopped", "completed", "cancelled"))
        orders.append(draft.plant(medication_order(patient, name, dose, at=at, status=status)))
    _decide(draft, row, ruled_out=active, spare_too=draft.branch == "both")
    newest = max(orders[:2], key=lambda order: order["authoredOn"])
    ask_id(draft, "the order that decides", orders[0] if active else newest)
    _tell(
        draft,
        row,
        partners=" or ".join(row["partners"]),
        spare_partners=" or ".join(row["spare_partners"]),
    )


@category("renal_dosing")
def renal_dosing(draft: Draft) -> None:
    """A dose is chosen by the creatinine clearance, worked out from the last results."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(
        lambda p: 40 <= p.age <= 78 and not p.life.allergies and not p.takes(*tables["avoid"])
    )
    low, high = row["limits"]
    aim = chance.between(*{
        "normal": (high + 5, high + 35),
        "reduced": (low + 4, high - 4),
        "none": (low - 14, low - 4),
    }[draft.branch])  # fmt: skip
    kilograms = chance.between(58, 94)
    at = ago(chance, 2, 16)
    _weigh(draft, kilograms + chance.pick((-7, -6, 6, 7)), "kg", at - 100 * DAY)
    _weigh(draft, kilograms, "kg", at - chance.between(1, 5) * HOUR)
    cleared = (140 - patient.age) * kilograms * (0.85 if patient.life.female else 1) / 72
    creatinine = round(cleared / aim, 2)
    older = creatinine * (0.4 if draft.branch == "none" else chance.pick((1.8, 2.4)))
    draft.plant(lab(patient, "creatinine", round(older, 2), at - chance.between(14, 26) * HOUR))
    if chance.happens(0.4):
        micromoles = round(creatinine * tables["micromoles"])
        creatinine = micromoles / tables["micromoles"]
        result = draft.plant(lab(patient, "creatinine", micromoles, at, unit="umol/L"))
    else:
        result = draft.plant(lab(patient, "creatinine", creatinine, at))
    mistaken = lab(patient, "creatinine", round(older * 1.1, 2), at + 40)
    draft.plant({**mistaken, "status": "entered-in-error"})
    _dose(draft, row)
    clearance = cleared / creatinine
    draft.ask(
        "the clearance", Amount(value=clearance, unit="mL/min", tolerance=1), round(clearance)
    )
    ask_id(draft, "the creatinine that it comes from", result)
    _tell_doses(draft, row, low=low, high=high)


@category("hepatic_dosing")
def hepatic_dosing(draft: Draft) -> None:
    """A dose is chosen by the worse of the last two liver values."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(lambda p: _adult(p, tables["avoid"]))
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
    draft.plant(lab(patient, "alt", older_alt, at - chance.between(12, 28) * HOUR))
    draft.plant(lab(patient, "bilirubin", older_tenths / 10, at - chance.between(12, 28) * HOUR))
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


@category("pregnancy_dosing")
def pregnancy_dosing(draft: Draft) -> None:
    """A medicine is ordered, or its alternative, or none, by a pregnancy and its weeks."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(
        lambda p: (
            p.life.female
            and 22 <= p.age <= 45
            and not p.takes(*tables["avoid"])
            and not {name for name, _, _ in p.life.allergies} & set(tables["allergens"])
        )
    )
    pregnant = draft.branch != "not_pregnant"
    days = 7 * chance.between(*tables["weeks"].get(draft.branch, (0, 0))) + chance.between(1, 5)
    on_list = pregnant and chance.happens(0.5)
    if not on_list:
        _plant_past_pregnancy(draft)
    began, at = NOW - days * DAY, ago(chance, 2, 40)
    if pregnant:
        due = began + _TERM * DAY
        draft.plant(_delivery_date(patient, due, began + 40 * DAY if on_list else at + 20))
    if on_list:
        draft.plant(_pregnancy_test(patient, "Negative", began - chance.between(20, 300) * DAY))
        problem = condition(patient, *_PREGNANCY, began + 41 * DAY)
        decides = draft.plant({**problem, "onsetDateTime": moment(began)[:10]})
    else:
        result = "Positive" if pregnant else "Negative"
        decides = draft.plant(_pregnancy_test(patient, result, at))
    _decide(draft, row, ruled_out=pregnant, spare_too=draft.branch == "early")
    ask_id(draft, "the record that decides", decides)
    weeks = days // 7 if pregnant else -1
    draft.ask("the completed weeks", Amount(value=weeks, unit="wk"), weeks)
    _tell(draft, row)


def _plant_past_pregnancy(draft: Draft) -> None:
    """One that is over: its problem is resolved, its test and its delivery date are old."""
    chance, patient = draft.chance, draft.patient
    over = NOW - chance.between(400, 900) * DAY
    began = over - _TERM * DAY
    problem = condition(patient, *_PREGNANCY, began + 50 * DAY, status="resolved")
    ends = {"onsetDateTime": moment(began)[:10], "abatementDateTime": moment(over)[:10]}
    draft.plant({**problem, **ends})
    draft.plant(_pregnancy_test(patient, "Positive", began + 40 * DAY))
    draft.plant(_delivery_date(patient, over + 3 * DAY, began + 80 * DAY))


def _pregnancy_test(patient: Patient, result: str, at: int) -> Json:
    display = "Choriogonadotropin (pregnancy test) [Presence] in Urine"
    return _finding(patient, "2106-3", display, at, valueCodeableConcept={"text": result})


def _delivery_date(patient: Patient, due: int, at: int) -> Json:
    day = moment(due)[:10]
    return _finding(patient, "11778-8", "Delivery date Estimated", at, valueDateTime=day)


def _finding(patient: Patient, code: str, display: str, at: int, **value: object) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display},
        "subject": patient.subject,
        "effectiveDateTime": moment(at),
        **value,
    }


@category("paediatric_dosing")
def paediatric_dosing(draft: Draft) -> None:
    """A child's dose is worked out from the last weight, unless the last two weights disagree."""
    chance, tables = draft.chance, draft.family.tables
    youngest = tables["capped_from"] if draft.branch == "capped" else 1
    draft.choose(
        lambda p: (
            youngest <= p.age < len(tables["weights"])
            and not {name for name, _, _ in p.life.allergies} & set(tables["allergens"])
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
        _order(draft, {**row, "dose": dose})
    else:
        _forbid(draft, row)
    for place, mass in (("last", grams), ("earlier", earlier)):
        wanted = Amount(value=mass / 1000, unit="kg", tolerance=0.1)
        draft.ask(f"the {place} weight", wanted, round(mass / 1000, 1))
    often = _TIMES[row["times"]]
    draft.tell(drug=row["name"], per_kg=row["per_kg"], most=row["most"], often=often)


def _weight_and_medicine(draft: Draft) -> tuple[Json, int, str]:
    """A medicine, a weight in grams that leaves no doubt about its dose, and the unit it is in."""
    chance, tables = draft.chance, draft.family.tables
    usual = round(1000 * tables["weights"][draft.patient.age])
    unit = chance.pick(("[lb_av]", "g")) if draft.branch == "other_unit" else "kg"
    capped = draft.branch == "capped"
    while True:
        row = chance.pick(tables["medicines"])
        number = round(usual * chance.between(92, 108) / 100 / tables["grams"][unit], 1)
        grams = round(number * tables["grams"][unit])
        exact = row["per_kg"] * grams / 1000
        certain = abs(exact - round(exact)) < 0.3
        fits = exact > 1.03 * row["most"] if capped else exact < 0.97 * row["most"] and certain
        if fits:
            return row, grams, unit


def _weigh(draft: Draft, value: float, unit: str, at: int) -> Json:
    return draft.plant(vital(draft.patient, *_WEIGHT, value, unit, at))


def _decide(draft: Draft, row: Json, *, ruled_out: bool, spare_too: bool) -> None:
    """Demand the medicine, its alternative where it is ruled out, or neither."""
    if not ruled_out:
        _order(draft, row["drug"])
        return
    _forbid(draft, row["drug"])
    if spare_too:
        _forbid(draft, row["spare"])
    else:
        _order(draft, row["spare"])


def _dose(draft: Draft, row: Json) -> None:
    """Demand the dose of the branch, or nothing."""
    if draft.acts:
        _order(draft, {**row, **row[draft.branch]})
    else:
        _forbid(draft, row)


def _order(draft: Draft, medicine: Json) -> None:
    dose = dosage(medicine["dose"], "mg", "oral", times_a_day=medicine["times"])
    draft.create(
        medication_order(draft.patient, {"text": medicine["name"]}, dose),
        f"{spoken(medicine)} is ordered",
        also={"medicationCodeableConcept": medicine.get("also", ())},
    )


def _forbid(draft: Draft, medicine: Json) -> None:
    says = f"{medicine['name']} is not ordered"
    names = Concept(names=(medicine["name"], *medicine.get("also", ())))
    need = Need(says="it is this medicine", ways=(Way(path="medication", want=names),))
    draft.ban("MedicationRequest", says, need)


def ask_id(draft: Draft, says: str, planted: Json) -> None:
    """Demand the id of a planted resource in the answer."""
    to = f"{planted['resourceType']}/{planted['id']}"
    draft.ask(says, Refers(to=to), planted["id"])


def _tell(draft: Draft, row: Json, **slots: str) -> None:
    drug, spare = row["drug"], row["spare"]
    draft.tell(
        drug=drug["name"],
        order=spoken(drug),
        spare=spare["name"],
        spare_order=spoken(spare),
        **slots,
    )


def _tell_doses(draft: Draft, row: Json, **slots: object) -> None:
    normal, reduced = (spoken({**row, **row[branch]}) for branch in ("normal", "reduced"))
    draft.tell(drug=row["name"], normal=normal, reduced=reduced, **slots)


def spoken(medicine: Json) -> str:
    """A medicine with its `name`, `dose` in mg and `times` a day, in words."""
    often = _TIMES[medicine["times"]]
    return f"{medicine['name']} {medicine['dose']:g} mg by mouth {often}"


def _adult(patient: Patient, avoided: Sequence[str]) -> bool:
    fit = 18 <= patient.age <= 85 and not patient.has(*_FRAIL)
    return fit and not patient.takes(*avoided)


def _took(patient: Patient, names: Collection[str]) -> bool:
    """Whether a medicine that goes by one of these names was ever ordered."""
    return any(medicines()[taken.name].name in names for taken in patient.life.taken)


def _recoded(concept: Json, code: str) -> Json:
    return {"coding": [{**concept["coding"][0], "code": code}]}


def ago(chance: Chance, low: int, high: int) -> int:
    """A moment so many hours ago."""
    return NOW - chance.between(low, high) * HOUR - chance.below(60)


def _dates(chance: Chance, count: int) -> list[int]:
    """Moments of different days of the last years, in no order."""
    moments = [NOW - (100 * place + chance.between(3, 90)) * DAY for place in range(count)]
    return some(chance, moments, count)


def some(chance: Chance, choices: Sequence[T], count: int) -> list[T]:
    """Different ones of the choices, in no order."""
    left = list(choices)
    return [left.pop(chance.below(len(left))) for _ in range(count)]
