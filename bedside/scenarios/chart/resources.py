"""What tasks plant in a chart and what they have ordered, as FHIR R4 resources without ids."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from bedside.scenarios.chart.draft import Patient
from bedside.scenarios.hospital.lives import NOW
from bedside.scenarios.hospital.resources import medicine, moment, practitioner
from bedside.scenarios.hospital.tables import analytes

__all__ = [
    "LOINC", "NDC", "RXNORM", "SNOMED", "allergy", "condition", "dosage", "lab", "medication_order",
    "note", "quantity", "service", "vital",
]  # fmt: skip

Json = dict[str, Any]

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
SNOMED = "http://snomed.info/sct"
_HL7 = "http://terminology.hl7.org/CodeSystem"
_UCUM = "http://unitsofmeasure.org"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_SPELT = {
    "[iU]": "units",
    "ug": "mcg",
    "meq": "mEq",
    "mm[Hg]": "mmHg",
    "Cel": "degrees C",
    "[lb_av]": "lb",
}


def quantity(value: float, unit: str) -> Json:
    """An amount; `unit` is its UCUM code."""
    number = int(value) if float(value).is_integer() else value
    return {"value": number, "unit": _SPELT.get(unit, unit), "system": _UCUM, "code": unit}


def lab(patient: Patient, name: str, value: float, at: int, *, unit: str = "") -> Json:
    """A result or vital sign; `name` as in analytes.toml, `value` in its unit, `at` in minutes."""
    known = analytes()[name]
    vital = known.panel == "vitals"
    kind = ("vital-signs", "Vital Signs") if vital else ("laboratory", "Laboratory")
    low, high = known.interval(patient.life.band(at), patient.life.female)
    coding = {"system": LOINC, "code": known.loinc, "display": known.display}
    own = unit or known.unit
    ranges = {"low": quantity(low, own), "high": quantity(high, own)}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_concept(f"{_HL7}/observation-category", *kind)],
        "code": {"coding": [coding], "text": known.display},
        "subject": patient.subject,
        "effectiveDateTime": moment(at),
        "valueQuantity": quantity(value, own),
        **({} if unit else {"referenceRange": [ranges]}),
    }


def vital(patient: Patient, code: str, display: str, value: float, unit: str, at: int) -> Json:
    """A vital sign, height or weight, by its LOINC code."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_concept(f"{_HL7}/observation-category", "vital-signs", "Vital Signs")],
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display},
        "subject": patient.subject,
        "effectiveDateTime": moment(at),
        "valueQuantity": quantity(value, unit),
    }


def dosage(
    amount: float,
    unit: str,
    route: str,
    *,
    times_a_day: int = 0,
    hours: float = 0,
    as_needed: bool = False,
) -> Json:
    """A dose as ordered; `hours` is how long an infusion runs."""
    rate = {"rateQuantity": quantity(round(amount / hours, 6), f"{unit}/h")} if hours else {}
    often = {"timing": {"repeat": {"frequency": times_a_day, "period": 1, "periodUnit": "d"}}}
    return {
        **(often if times_a_day else {}),
        **({"asNeededBoolean": True} if as_needed else {}),
        "route": {"text": route},
        "doseAndRate": [{"doseQuantity": quantity(amount, unit), **rate}],
    }


def medication_order(
    patient: Patient,
    name: str | Json,
    dose: Json,
    *,
    at: int = NOW,
    status: str = "active",
    **elements: Any,
) -> Json:
    """A medicine as ordered; `name` as in medicines.toml, any other name, or a CodeableConcept."""
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": name if isinstance(name, dict) else _medicine(name),
        "subject": patient.subject,
        "authoredOn": moment(at),
        "dosageInstruction": [dose],
        **elements,
    }


def _medicine(name: str) -> Json:
    try:
        return medicine(name)
    except KeyError:
        return {"text": name}


def service(
    patient: Patient, code: Json, *, at: int = NOW, status: str = "active", **elements: Any
) -> Json:
    """An order of a test, procedure or referral; `code` is a CodeableConcept."""
    return {
        "resourceType": "ServiceRequest",
        "status": status,
        "intent": "order",
        "code": code,
        "subject": patient.subject,
        "authoredOn": moment(at),
        **elements,
    }


def condition(
    patient: Patient, code: str, display: str, at: int, *, status: str = "active"
) -> Json:
    """A problem on the list, by its ICD-10-CM code."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": _concept(f"{_HL7}/condition-clinical", status),
        "verificationStatus": _concept(f"{_HL7}/condition-ver-status", "confirmed"),
        "category": [_concept(f"{_HL7}/condition-category", "problem-list-item")],
        "code": _concept(_ICD, code, display),
        "subject": patient.subject,
        "recordedDate": moment(at)[:10],
    }


def allergy(patient: Patient, substance: str, reaction: str, at: int) -> Json:
    """What the patient does not bear."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": _concept(f"{_HL7}/allergyintolerance-clinical", "active"),
        "verificationStatus": _concept(f"{_HL7}/allergyintolerance-verification", "confirmed"),
        "code": {"text": substance},
        "patient": patient.subject,
        "recordedDate": moment(at)[:10],
        "reaction": [{"manifestation": [{"text": reaction}]}],
    }


def note(patient: Patient, title: str, lines: Sequence[str], at: int) -> Json:
    """A note, as plain text in an attachment."""
    data = base64.b64encode("\n".join(lines).encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": title},
        "subject": patient.subject,
        "date": moment(at),
        "author": [practitioner(patient.life.number)],
        "content": [{"attachment": {"contentType": "text/plain", "data": data, "title": title}}],
    }


def _concept(system: str, code: str, text: str = "") -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": text}], "text": text} if text else {"coding": [coding]}
