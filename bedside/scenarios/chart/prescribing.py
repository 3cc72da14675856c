"""Orders that depend on allergies, other medicines or a pregnancy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from bedside.scenarios.chart.draft import ROOM, Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import (
    LOINC,
    allergy,
    condition,
    dosage,
    medication_order,
)
from bedside.scenarios.chart_case import Need, Way
from bedside.scenarios.comparators import Amount, Concept
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import TIMES, moment
from bedside.scenarios.hospital.tables import medicines

__all__ = ["adult", "ago", "forbid", "order", "some", "spoken"]

T = TypeVar("T")

_PREGNANCY = ("Z33.1", "Pregnant state, incidental")
_FRAIL = ("asthma", "heart_failure", "kidney_disease")
"""Illnesses with which some of the medicines would be unwise, whatever the house rule says."""
_MOST = 400
"""Days before now at which planted entries begin."""
_TERM = 280
"""Days of a pregnancy."""


@category("allergy_conflict")
def allergy_conflict(draft: Draft) -> None:
    """A medicine is ordered, or its alternative, or none, by the allergies that count."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(
        lambda p: adult(p, tables["avoid"]) and not p.life.allergies and p.unseen >= ROOM
    )
    own, spare = row["members"], row["spare_members"]
    charted = {
        "conflict": [(own, True), (spare, False)],
        "cleared": [(own, False), (tables["unrelated"], True)],
        "unrelated": [(tables["unrelated"], True), (tables["pollens"], True)],
        "both": [(own, True), (spare, True), (tables["unrelated"], True)],
    }[draft.branch]
    dates = _dates(draft, len(charted))
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
    draft.ask_id("the entry that decides", entry)
    _tell(draft, row, group=row["group"], spare_group=row["spare_group"])


@category("drug_interaction")
def drug_interaction(draft: Draft) -> None:
    """A medicine is ordered, or its alternative, or none, by what else is taken now."""
    chance, tables = draft.chance, draft.family.tables
    row = chance.pick(tables["medicines"])
    patient = draft.choose(
        lambda p: adult(p, tables["avoid"]) and not _took(p, row["partners"]) and p.unseen >= ROOM
    )
    one, other = some(chance, row["partners"], 2)
    active = draft.branch != "clear"
    charted = [
        (one, active),
        (other, False),
        (chance.pick(row["spare_partners"]), draft.branch == "both"),
        (chance.pick(row["harmless"]), True),
    ]
    orders = []
    for (name, taken), at in zip(charted, _dates(draft, len(charted)), strict=True):
        amount, times = tables["doses"][name]
        dose = dosage(amount, "mg", "oral", times_a_day=times)
        status = "active" if taken else chance.pick(("stopped", "completed", "cancelled"))
        orders.append(draft.plant(medication_order(patient, name, dose, at=at, status=status)))
    _decide(draft, row, ruled_out=active, spare_too=draft.branch == "both")
    newest = max(orders[:2], key=lambda each: each["authoredOn"])
    draft.ask_id("the order that decides", orders[0] if active else newest)
    _tell(
        draft,
        row,
        partners=" or ".join(row["partners"]),
        spare_partners=" or ".join(row["spare_partners"]),
    )


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
            and p.bears(*tables["allergens"])
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
    draft.ask_id("the record that decides", decides)
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


def _decide(draft: Draft, row: Json, *, ruled_out: bool, spare_too: bool) -> None:
    """Demand the medicine, its alternative where it is ruled out, or neither."""
    if not ruled_out:
        order(draft, row["drug"])
        return
    forbid(draft, row["drug"])
    if spare_too:
        forbid(draft, row["spare"])
    else:
        order(draft, row["spare"])


def order(draft: Draft, medicine: Json) -> None:
    """Demand an order of a medicine with its `name`, `dose` in mg and `times` a day."""
    dose = dosage(medicine["dose"], "mg", "oral", times_a_day=medicine["times"])
    draft.create(
        medication_order(draft.patient, {"text": medicine["name"]}, dose),
        f"{spoken(medicine)} is ordered",
        also={"medicationCodeableConcept": medicine.get("also", ())},
    )


def forbid(draft: Draft, medicine: Json) -> None:
    """Demand that a medicine is not ordered."""
    says = f"{medicine['name']} is not ordered"
    names = Concept(names=(medicine["name"], *medicine.get("also", ())))
    need = Need(says="it is this medicine", ways=(Way(path="medication", want=names),))
    draft.ban("MedicationRequest", says, need)


def _tell(draft: Draft, row: Json, **slots: str) -> None:
    drug, spare = row["drug"], row["spare"]
    draft.tell(
        drug=drug["name"],
        order=spoken(drug),
        spare=spare["name"],
        spare_order=spoken(spare),
        **slots,
    )


def spoken(medicine: Json) -> str:
    """A medicine with its `name`, `dose` in mg and `times` a day, in words."""
    often = TIMES[medicine["times"]]
    return f"{medicine['name']} {medicine['dose']:g} mg by mouth {often}"


def adult(patient: Patient, avoided: Sequence[str]) -> bool:
    """Whether it is an adult without frailty who takes none of these medicines."""
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


def _dates(draft: Draft, count: int) -> list[int]:
    """Moments of different days since the last visit, in no order."""
    chance, apart = draft.chance, min(draft.patient.unseen, _MOST) // count
    moments = [NOW - (apart * place + chance.between(2, apart)) * DAY for place in range(count)]
    return some(chance, moments, count)


def some(chance: Chance, choices: Sequence[T], count: int) -> list[T]:
    """Different ones of the choices, in no order."""
    left = list(choices)
    return [left.pop(chance.below(len(left))) for _ in range(count)]
