"""What is written down or asked for: a blood pressure, a referral, a test that is due."""

from __future__ import annotations

from typing import Any

from bedside.scenarios.chart.draft import LATEST, Draft, Patient
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import LOINC, SNOMED, lab, quantity, service
from bedside.scenarios.comparators import Amount, Moment
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment

__all__: list[str] = []

Json = dict[str, Any]

_HL7 = "http://terminology.hl7.org/CodeSystem"


@category("record_blood_pressure")
def record_blood_pressure(draft: Draft) -> None:
    """A blood pressure just taken is added to the chart, beside an earlier one if there is one."""
    patient, chance = draft.choose(lambda p: p.age >= 18), draft.chance
    systolic = chance.between(94, 172)
    diastolic = systolic - 32 - (systolic - 94) // 3 - chance.below(20)
    if draft.branch == "again":
        at = NOW - chance.between(1, 3) * HOUR - chance.below(60)
        up = chance.pick((-14, -9, 8, 17))
        draft.plant(_pressure(patient, systolic + up, diastolic + up // 2, at))
    draft.create(
        _pressure(patient, systolic, diastolic, NOW),
        f"a blood pressure of {systolic}/{diastolic} mmHg is recorded",
        also={"category": ("vital signs",)},
        windows={"effectiveDateTime": (moment(NOW), moment(LATEST))},
    )
    draft.tell(systolic=systolic, diastolic=diastolic)


def _pressure(patient: Patient, systolic: int, diastolic: int, at: int) -> Json:
    parts = (
        ("8480-6", "Systolic blood pressure", systolic),
        ("8462-4", "Diastolic blood pressure", diastolic),
    )
    panel = _coded(LOINC, "85354-9", "Blood pressure panel with all children optional")
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded(f"{_HL7}/observation-category", "vital-signs", "Vital Signs")],
        "code": panel,
        "subject": patient.subject,
        "effectiveDateTime": moment(at),
        "component": [
            {"code": _coded(LOINC, code, name), "valueQuantity": quantity(value, "mm[Hg]")}
            for code, name, value in parts
        ],
    }


@category("referral")
def referral(draft: Draft) -> None:
    """A referral to orthopaedic surgery whose text needs a date and a finding from the chart."""
    patient, chance = draft.choose(lambda p: 18 <= p.age < 75), draft.chance
    injury = chance.pick(draft.family.tables["injuries"])
    sides = ("left", "right")
    place = chance.below(2)
    side, joint, study = sides[place], injury["joint"], injury["study"]
    part, opposite = f"{side} {joint}", f"{sides[1 - place]} {joint}"
    first = chance.below(len(injury["findings"]))
    findings = injury["findings"][first:] + injury["findings"][:first]
    at = NOW - chance.between(4, 9) * DAY - chance.below(14 * HOUR)
    long_ago = at - chance.between(150, 900) * DAY
    draft.plant(_imaging(patient, f"{study} of the {part}", findings[1], long_ago))
    used = draft.plant(_imaging(patient, f"{study} of the {part}", findings[0], at))
    if draft.branch != "plain":
        later = at + chance.between(14, 40) * HOUR
        seen = opposite if draft.branch == "other_side" else part
        other = _imaging(patient, f"{study} of the {seen}", findings[2], later)
        draft.plant(other if draft.branch == "other_side" else {**other, "status": "preliminary"})
    event, plea = chance.pick(injury["events"]), chance.pick(draft.family.tables["pleas"])
    situation = f"acute injury of the {part} after {event}"
    draft.create(
        service(
            patient,
            _coded(SNOMED, "306181000000106", "Referral to orthopaedic surgery"),
            priority="stat",
            note=[
                {
                    "text": f"Situation: {situation}. Background: {study} of {moment(at)[:10]}. "
                    f"Assessment: {findings[0]}. Recommendation: {plea}."
                }
            ],
        ),
        "the patient is referred to orthopaedic surgery with the SBAR text",
        phrases=(situation, f"{study} of {moment(at)[:10]}", findings[0], plea),
    )
    draft.ask_id("the report that was used", used)
    draft.tell(part=part, situation=situation, study=study, plea=plea)


def _imaging(patient: Patient, title: str, finding: str, at: int) -> Json:
    """A final report of imaging, issued on the day after."""
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [_coded(f"{_HL7}/v2-0074", "RAD", "Radiology")],
        "code": {"text": title},
        "subject": patient.subject,
        "effectiveDateTime": moment(at),
        "issued": moment(at + DAY),
        "conclusion": finding,
    }


@category("stale_hba1c")
def stale_hba1c(draft: Draft) -> None:
    """The last HbA1c is told; a new one is ordered where it is more than a year old, or missing."""
    patient, chance = draft.choose(lambda p: p.age >= 18 and not p.has("diabetes")), draft.chance
    value = chance.between(48, 69) / 10
    if draft.branch == "none":
        draft.ask("no result", Amount(value=-1), -1)
    else:
        days = chance.between(*draft.family.tables["days_ago"][draft.branch])
        at = NOW - days * DAY - chance.below(HOUR)
        other = round(value + chance.pick((-0.4, -0.2, 0.3, 0.5)), 1)
        draft.plant(lab(patient, "hba1c", other, at - chance.between(90, 400) * DAY))
        draft.plant(lab(patient, "hba1c", value, at))
        day = moment(at)[:10]
        draft.ask("the last HbA1c", Amount(value=value, unit="%", tolerance=0.001), value)
        draft.ask("its day", Moment(earliest=day, latest=day), day)
    if draft.branch == "none" or chance.happens(0.5):
        wrong = lab(patient, "hba1c", round(value + 4, 1), NOW - chance.between(3, 60) * DAY)
        draft.plant({**wrong, "status": "entered-in-error"})
    if draft.acts:
        code = _coded(LOINC, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")
        draft.create(
            service(patient, code, priority="routine"),
            "a new HbA1c is ordered",
        )
    draft.tell()


def _coded(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}
