"""Prevention: screening and vaccines by age, interval and what was done already."""

from __future__ import annotations

from typing import Any

from bedside.scenarios.chart.draft import LATEST, Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import allergy, note, service
from bedside.scenarios.comparators import Amount, Moment, Same
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment

__all__: list[str] = []

Table = dict[str, Any]

_NEVER = "never"


def _ask_day(draft: Draft, says: str, at: int | None) -> None:
    if at is None:
        draft.ask(says, Same(values=(_NEVER,)), _NEVER)
    else:
        day = moment(at)[:10]
        draft.ask(says, Moment(earliest=day, latest=day), day)


def _days_ago(days: int) -> int:
    return NOW - days * DAY + HOUR


@category("overdue_screening")
def overdue_screening(draft: Draft) -> None:
    """A screening is ordered by age, interval, and what was done or is ordered already."""
    chance = draft.chance
    table: Table = chance.pick(tuple(draft.family.tables.values()))
    low, high = table["ages"]
    outside = draft.branch == "outside"

    def fits(patient: Patient) -> bool:
        of_age = patient.age > high if outside else low <= patient.age <= high
        return of_age and (patient.life.female or not table["women"])

    patient, interval = draft.choose(fits), table["interval"]
    ago = interval + chance.between(30, 500)
    if draft.branch == "recent":
        ago = chance.between(interval // 5, interval - 30)
    last = None if draft.branch == "never" else _days_ago(ago)
    if last is not None:
        draft.plant(_examined(patient, table, table["name"], "done", last))
        earlier = last - interval // 3 * DAY
        draft.plant(_examined(patient, table, table["name"], "done", earlier))
    undone = _days_ago(chance.between(20, interval // 6))
    draft.plant(_examined(patient, table, table["name"], "undone", undone))
    similar = _days_ago(chance.between(40, interval // 4))
    draft.plant(_examined(patient, table, table["similar"], "done", similar))
    code, ordered = {"text": table["name"]}, _days_ago(chance.between(5, 40))
    status = "active" if draft.branch == "ordered" else "revoked"
    draft.plant(service(patient, code, at=ordered, status=status))
    if draft.acts:
        draft.create(
            service(patient, code, priority="routine"),
            f"'{table['name']}' is ordered",
            also={"code": table["also"]},
        )
    draft.ask("the age", Amount(value=patient.age), patient.age)
    _ask_day(draft, "the day of the last one", last)
    draft.tell(screening=table["name"], rule=table["rule"], counts=table["counts"])


def _examined(patient: Patient, table: Table, name: str, status: str, at: int) -> Json:
    """An examination as a Procedure or a DiagnosticReport."""
    return {
        "resourceType": table["type"],
        "status": table[status],
        "code": {"text": name},
        "subject": patient.subject,
        table["when"]: moment(at),
    }


@category("overdue_immunisation")
def overdue_immunisation(draft: Draft) -> None:
    """A vaccine that is due is ordered, or recorded where the nurse gives it at once."""
    chance = draft.chance
    table: Table = chance.pick(draft.family.tables["vaccines"])

    def fits(patient: Patient) -> bool:
        vaccinated = any(name == table["name"] for name, _ in patient.life.vaccines)
        return patient.age >= table["from"] and not vaccinated

    patient = draft.choose(fits)
    last = _plant_doses(draft, table)
    if draft.branch == "contraindicated" and last is not None:
        draft.plant(allergy(patient, table["name"], "Anaphylaxis", last + 2 * DAY))
        for type in ("ServiceRequest", "Immunization"):
            draft.ban(type, "the vaccine is not given in spite of the reaction")
    lot = f"{chance.pick('BDFHKM')}{chance.between(1000, 9999)}"
    way = chance.pick(tuple(draft.family.tables["actions"]))
    if draft.acts and way == "order":
        order = service(patient, {"text": table["name"]}, priority="routine")
        draft.create(order, "the vaccine is ordered", also={"code": table["also"]})
    elif draft.acts:
        draft.create(
            {**_dose(patient, table["name"], "completed", NOW), "lotNumber": lot},
            "the dose is recorded with its lot number",
            also={"vaccineCode": table["also"]},
            windows={"occurrenceDateTime": (moment(NOW), moment(LATEST))},
            ungraded=("primarySource",),
        )
    _ask_day(draft, "the day of the last dose that counts", last)
    action = draft.family.tables["actions"][way].format(vaccine=table["name"], lot=lot)
    since = moment(_days_ago(table["limit"]))[:10]
    draft.tell(vaccine=table["name"], rule=table["rule"].format(since=since), action=action)


def _plant_doses(draft: Draft, table: Table) -> int | None:
    """Chart what was given, and what was not; the moment of the last dose that counts."""
    patient, chance, limit = draft.patient, draft.chance, table["limit"]
    recent, undone = chance.between(15, limit - 15), chance.between(12, limit - 12)
    overdue = limit + chance.between(20, table["more"])
    similar = _days_ago(chance.between(20, limit - 20))
    draft.plant(_dose(patient, table["name"], "not-done", _days_ago(undone)))
    draft.plant(_dose(patient, table["similar"], "completed", similar))
    if draft.branch == "never":
        return None
    last = _days_ago(recent if draft.branch == "given" else overdue)
    draft.plant(_dose(patient, table["name"], "completed", last))
    earlier = last - (limit + chance.between(20, 200)) * DAY
    draft.plant(_dose(patient, table["name"], "completed", earlier))
    if draft.branch == "elsewhere":
        last = _days_ago(recent)
        lines = (
            f"{patient.name} showed me a vaccination card from the pharmacy.",
            f"{table['name']}: given there on {moment(last)[:10]}. No complaints since.",
        )
        draft.plant(note(patient, "Telephone note", lines, last + chance.between(2, 12) * DAY))
    return last


def _dose(patient: Patient, vaccine: str, status: str, at: int) -> Json:
    return {
        "resourceType": "Immunization",
        "status": status,
        "vaccineCode": {"text": vaccine},
        "patient": patient.subject,
        "occurrenceDateTime": moment(at) if at == NOW else moment(at)[:10],
        "primarySource": True,
    }
