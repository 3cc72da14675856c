"""Coming, going and changing over: order sets, switches, discharges, the summary to take along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from bedside.scenarios.chart.draft import ROOM, Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import (
    LOINC,
    allergy,
    condition,
    dosage,
    medication_order,
    note,
    service,
    vital,
)
from bedside.scenarios.chart_case import Need, Way
from bedside.scenarios.comparators import Amount, Comparator, Concept, Moment, Refers, Same
from bedside.scenarios.hospital import SEED
from bedside.scenarios.hospital.chart import chart
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import TIMES, moment

__all__: list[str] = []

_HL7 = "http://terminology.hl7.org/CodeSystem"


@category("discharge_medicines")
def discharge_medicines(draft: Draft) -> None:
    """Orders are changed over from ward to home as the latest note says."""
    patient = draft.choose(
        lambda p: (
            p.age >= 18 and p.unseen >= ROOM and not p.life.allergies and not p.takes("warfarin")
        )
    )
    branch, chance, tables = draft.branch, draft.chance, draft.family.tables
    ward = [
        draft.plant(_order(draft, row, "inpatient", NOW - 2 * DAY))
        for row in _some(draft, tables["ward"], chance.between(2, 4))
    ]
    draft.plant(_order(draft, tables["finished"], "inpatient", NOW - 3 * DAY, status="completed"))
    home = _some(draft, tables["home"], 2)
    long_ago, lately = (NOW - min(days, patient.unseen) * DAY for days in (200, 50))
    at_home = [draft.plant(_order(draft, row, "community", long_ago)) for row in home]
    new = chance.pick(tables["new"])
    status = "active" if branch == "already_there" else "stopped"
    draft.plant(_order(draft, new, "community", lately, status=status))
    stops = branch == "home_stopped" or (branch == "postponed" and chance.happens(0.4))
    decided = _discharge_notes(draft, new, home[1] if stops else None)
    if draft.acts:
        for order in (*ward, *([at_home[1]] if stops else [])):
            name = order["medicationCodeableConcept"]["text"]
            draft.change(order, {"status": "stopped"}, f"{name} is stopped")
    if branch in ("new", "home_stopped"):
        draft.create(
            _order(draft, new, "discharge", NOW),
            f"{new[0]} is prescribed",
            also={"category": ("discharge",)},
        )
    draft.ask("the note", Moment(earliest=moment(decided), latest=moment(decided)), moment(decided))
    draft.ask("the orders for the ward", Amount(value=len(ward)), len(ward))
    draft.tell()


def _some(draft: Draft, rows: Sequence[Any], count: int) -> list[Any]:
    """So many of the rows, in any order."""
    left = list(rows)
    return [left.pop(draft.chance.below(len(left))) for _ in range(count)]


def _order(draft: Draft, row: Sequence[Any], kind: str, at: int, **elements: Any) -> Json:
    """An order for the ward ("inpatient"), for home ("community") or of a discharge."""
    category = [_coded("medicationrequest-category", kind)]
    return _prescribed(draft, row, at, category=category, **elements)


def _prescribed(draft: Draft, row: Sequence[Any], at: int, **elements: Any) -> Json:
    """An order of (name, amount, unit, route, times a day)."""
    name, amount, unit, route, times = row
    dose = dosage(amount, unit, route, times_a_day=times)
    return medication_order(draft.patient, name, dose, at=at, **elements)


def _coded(of: str, code: str) -> Json:
    return {"coding": [{"system": f"{_HL7}/{of}", "code": code}]}


def _discharge_notes(draft: Draft, new: Sequence[Any], stops: Sequence[Any] | None) -> int:
    """Plant a plan for discharge and a note that says no; the time of the one that counts."""
    chance, texts = draft.chance, draft.family.tables["notes"]
    late = NOW - chance.between(20, 170)
    early = late - chance.between(5, 14) * HOUR - chance.below(60)
    name, amount, unit, route, times = new
    plan = [
        *texts["home"],
        texts["start"].format(dose=f"{name} {amount} {unit} {route} {TIMES[times]}"),
        texts["stop"].format(name=stops[0]) if stops else texts["stop_none"],
    ]
    stays = texts["postponed"] if draft.branch == "postponed" else texts["not_yet"]
    for title, lines, at in (
        ("Discharge plan", plan, early if draft.branch == "postponed" else late),
        ("Ward note", stays, late if draft.branch == "postponed" else early),
    ):
        draft.plant(note(draft.patient, title, lines, at))
    return late


@category("order_set")
def order_set(draft: Draft) -> None:
    """The orders of an admission that are not there yet."""
    draft.choose(lambda p: p.age >= 18)
    chance, tables = draft.chance, draft.family.tables
    name = chance.pick(tuple(tables["sets"]))
    chosen: dict[str, str] = tables["sets"][name]
    missing = int(draft.branch.removeprefix("missing_")) if draft.acts else 0
    codes = _some(draft, tuple(chosen), len(chosen))
    for code in codes[:missing]:
        _order_that_does_not_count(draft, code, chosen[code])
    arrived = NOW - chance.between(21, 22) * HOUR - chance.between(5, 50)
    there = [
        draft.plant(_test(draft, code, chosen[code], at=NOW - chance.between(1, 20) * HOUR))
        for code in codes[missing:]
    ]
    draft.plant(_test(draft, codes[-1], chosen[codes[-1]], at=NOW - 30 * HOUR, status="completed"))
    for other in (each for each in tables["sets"] if each != name):
        code = chance.pick([code for code in tables["sets"][other] if code not in chosen])
        draft.plant(_test(draft, code, tables["sets"][other][code], at=NOW - 3 * HOUR))
    told = {"reason": tables["reasons"][name], "arrived": moment(arrived)[11:16]}
    lines = [line.format(**told) for line in tables["note"]]
    draft.plant(note(draft.patient, "Admission note", lines, arrived + chance.between(20, 50)))
    for code in codes[:missing]:
        draft.create(
            _test(draft, code, chosen[code], priority="urgent"), f"{chosen[code]} is ordered"
        )
    for order in there:
        said = order["code"]["text"]
        draft.ask_id(f"the order of {said}", order)
    draft.in_any_order()
    draft.tell(sets=_sets_told(tables["sets"]))


def _order_that_does_not_count(draft: Draft, code: str, name: str) -> None:
    """Sometimes an order of the same test that is over, or too old."""
    hours = draft.chance.between(2, 20)
    match draft.chance.below(4):
        case 0:
            draft.plant(_test(draft, code, name, at=NOW - hours * HOUR, status="revoked"))
        case 1:
            draft.plant(_test(draft, code, name, at=NOW - hours * HOUR, status="completed"))
        case 2:
            draft.plant(_test(draft, code, name, at=NOW - (26 + hours) * HOUR))


def _test(draft: Draft, code: str, name: str, **elements: Any) -> Json:
    coding = {"system": LOINC, "code": code, "display": name}
    return service(draft.patient, {"coding": [coding], "text": name}, **elements)


def _sets_told(sets: dict[str, dict[str, str]]) -> str:
    return "; ".join(
        f"{name}: {', '.join(f'{test} ({code})' for code, test in tests.items())}"
        for name, tests in sets.items()
    )


@category("replace_order")
def replace_order(draft: Draft) -> None:
    """From vein to mouth, when temperature, time and swallowing allow it."""
    draft.choose(
        lambda p: p.age >= 18 and not p.life.allergies and not p.takes("warfarin", "sertraline")
    )
    chance, tables = draft.chance, draft.family.tables
    old_row, new_row = chance.pick(tables["switches"])
    age = chance.between(20, 44) if draft.branch == "early" else chance.between(53, 120)
    old = draft.plant(_prescribed(draft, old_row, NOW - age * HOUR - chance.below(60)))
    before = chance.pick(tables["others"])
    draft.plant(_prescribed(draft, before, NOW - 6 * DAY, status="stopped"))
    highest = _temperatures(draft)
    word = "cannot" if draft.branch == "not_swallowing" else "can"
    opposite = "can" if word == "cannot" else "cannot"
    draft.plant(note(draft.patient, "Nursing note", tables["notes"][opposite], NOW - 30 * HOUR))
    draft.plant(
        note(draft.patient, "Nursing note", tables["notes"][word], NOW - chance.between(30, 300))
    )
    if draft.acts:
        draft.change(old, {"status": "stopped"}, f"{old_row[0]} by vein is stopped")
        prior = {"reference": f"MedicationRequest/{old['id']}"}
        draft.create(
            _prescribed(draft, new_row, NOW, priorPrescription=prior),
            f"{new_row[0]} by mouth is ordered",
        )
    draft.ask("the highest temperature", Amount(value=highest, unit="Cel", tolerance=0.01), highest)
    draft.ask_id("the order by vein", old)
    draft.tell(switches=_switches_told(tables["switches"]))


def _temperatures(draft: Draft) -> float:
    """Plant those of two days, a fever on the first; the highest of the last day."""
    chance = draft.chance
    fever = draft.branch == "fever"
    low, high = (366, 379) if not fever else (366, 374)
    tenths = [chance.between(low, high) for _ in range(5)]
    if fever:
        tenths[chance.between(1, 4)] = chance.between(380, 394)
    for place, value in enumerate(tenths):
        _temperature(draft, value, NOW - (1 + 5 * place) * HOUR - chance.below(50))
    for hours in (28, 34, 40):
        _temperature(draft, chance.between(381, 398), NOW - hours * HOUR - chance.below(50))
    wrong = NOW - chance.between(100, 1200)
    _temperature(draft, chance.between(395, 404), wrong, status="entered-in-error")
    return max(tenths) / 10


def _temperature(draft: Draft, tenths: int, at: int, *, status: str = "final") -> None:
    reading = vital(draft.patient, "8310-5", "Body temperature", tenths / 10, "Cel", at)
    draft.plant({**reading, "status": status})


def _switches_told(switches: Sequence[Sequence[Sequence[Any]]]) -> str:
    return "; ".join(
        " -> ".join(f"{name} {amount:g} {unit} {route} {TIMES[times]}"
                    for name, amount, unit, route, times in switch)
        for switch in switches
    )  # fmt: skip


@category("patient_summary")
def patient_summary(draft: Draft) -> None:
    """What is active in a chart, as a document to take along."""
    allergic = draft.branch == "allergies"
    patient = draft.choose(
        lambda p: (
            p.age >= 18
            and p.unseen >= ROOM
            and len(p.life.illnesses) <= 3
            and (allergic or not p.life.allergies)
        )
    )
    listed = _active_of(patient)
    newest = _planted_beside(draft, listed, allergic)
    draft.create(
        _document(draft, listed),
        "the summary as a document",
        needs=tuple(_document_needs(draft, listed)),
    )
    for type, resources in listed.items():
        draft.ask(f"how many of {type}", Amount(value=len(resources)), len(resources))
    draft.ask_id("the newest problem", newest)
    draft.tell()


def _active_of(patient: Patient) -> dict[str, list[Json]]:
    """What the population holds for a patient and is active, by type; no stay leaves any."""
    found: dict[str, list[Json]] = {
        "Condition": [], "MedicationRequest": [], "AllergyIntolerance": [],
    }  # fmt: skip
    own = chart(patient.life, SEED, patient.id)
    for resource in takewhile(lambda each: each["resourceType"] != "Encounter", own):
        status = resource.get("clinicalStatus", {}).get("coding", [{}])[0].get("code")
        if resource["resourceType"] in found and "active" in (status, resource.get("status")):
            found[resource["resourceType"]].append(resource)
    return found


def _planted_beside(draft: Draft, listed: dict[str, list[Json]], allergic: bool) -> Json:
    """Plant what is active, which is added to the lists, and what is not; the newest problem."""
    patient, tables = draft.patient, draft.family.tables
    problem, healed = _some(draft, tables["problems"], 2)
    newest = draft.plant(condition(patient, problem[0], problem[1], NOW - DAY))
    draft.plant(condition(patient, healed[0], healed[1], NOW - 200 * DAY, status="resolved"))
    listed["Condition"].append(newest)
    former, *taken = _some(draft, tables["medicines"], draft.chance.between(2, 4))
    draft.plant(_prescribed(draft, former, NOW - 400 * DAY, status="stopped"))
    for place, row in enumerate(taken):
        order = _prescribed(draft, row, NOW - (20 + 9 * place) * DAY)
        listed["MedicationRequest"].append(draft.plant(order))
    outgrown, borne = _some(draft, tables["allergies"], 2)
    past = allergy(patient, outgrown[0], outgrown[1], NOW - 900 * DAY)
    draft.plant({**past, "clinicalStatus": _coded("allergyintolerance-clinical", "inactive")})
    if allergic:
        present = allergy(patient, borne[0], borne[1], NOW - 30 * DAY)
        listed["AllergyIntolerance"].append(draft.plant(present))
    return newest


def _document(draft: Draft, listed: dict[str, list[Json]]) -> Json:
    tables = draft.family.tables
    sections = [
        {
            "title": title,
            "code": {"coding": [{"system": LOINC, "code": tables["codes"][type]}]},
            **({"entry": _references(listed[type])} if listed[type] else _NONE_KNOWN),
        }
        for type, title in tables["titles"].items()
    ]
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": LOINC, "code": tables["document"]}]},
        "subject": draft.patient.subject,
        "date": moment(NOW),
        "author": [{"reference": "Organization/hospital"}],
        "title": "Patient summary",
        "section": sections,
    }
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "https://bedside.dev/summaries", "value": draft.patient.mrn},
        "timestamp": moment(NOW),
        "entry": [{"fullUrl": _FULL_URL, "resource": composition}],
    }


_FULL_URL = "urn:uuid:6f1d6a0e-3c7b-4f0e-9d55-0c6f6d8f2b11"
_NONE_KNOWN = {
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">None known</div>',
    },
    "emptyReason": _coded("list-empty-reason", "nilknown"),
}


def _references(resources: Sequence[Json]) -> list[Json]:
    return [{"reference": f"{each['resourceType']}/{each['id']}"} for each in resources]


def _document_needs(draft: Draft, listed: dict[str, list[Json]]) -> Iterator[Need]:
    tables = draft.family.tables
    composition = "entry.resource.ofType(Composition)"
    subject = Refers(to=draft.patient.subject["reference"])
    kind = Concept(codes=(f"{LOINC}|{tables['document']}",))
    yield _need("it is a document", "type", Same(values=("document",)))
    yield _need("it is final", f"{composition}.status", Same(values=("final",)))
    yield _need("it is a patient summary", f"{composition}.type", kind)
    yield _need("it is about the patient", f"{composition}.subject", subject, fault="patient")
    sections = Amount(value=len(tables["titles"]))
    yield _need("it has three sections", f"{composition}.section.count()", sections)
    for type, title in tables["titles"].items():
        code = tables["codes"][type]
        section = f"{composition}.section.where(code.coding.where(code = '{code}').exists())"
        count = Amount(value=len(listed[type]))
        yield _need(f"{title}: {len(listed[type])}", f"{section}.entry.count()", count)
        for reference in _references(listed[type]):
            wanted = Refers(to=reference["reference"])
            yield _need(f"{title}: {wanted.to}", f"{section}.entry", wanted)
        if not listed[type]:
            reason = Concept(codes=(f"{_HL7}/list-empty-reason|nilknown",))
            yield _need(f"{title}: none known", f"{section}.emptyReason", reason)


def _need(says: str, path: str, want: Comparator, *, fault: Any = "value") -> Need:
    return Need(says=says, ways=(Way(path=path, want=want),), fault=fault)
