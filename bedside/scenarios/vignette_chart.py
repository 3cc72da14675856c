"""What an imported vignette puts into the chart: FHIR R4 resources that say where they are from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bedside.core.seeds import opaque_id
from bedside.scenarios.case import Person
from bedside.scenarios.names import ICD_10_CM

__all__ = ["TAG", "condition", "patient_chart"]

TAG = {"system": "https://bedside.dev/tags", "code": "third-party-vignette"}

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_SENTENCE = re.compile(
    r"[.;]\s|\b(?:no|not|none|is|are|was|were|has|had|have|denies|reports?|currently|treated|takes?"
    r"|significant|unremarkable|previous(?:ly)?|history|diagnosed|provided|patient|uncomplicated"
    r"|information|available|known|unknown|n/a)\b",
    re.I,
)

Json = dict[str, Any]


def condition(name: str, patient_id: str, code: str | None = None) -> Json:
    """A Condition resource for a diagnosis, without id."""
    concept: Json = {"text": name}
    if code:
        concept["coding"] = [{"system": ICD_10_CM, "code": code}]
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": _VERIFICATION, "code": "confirmed"}]},
        "code": concept,
        "subject": {"reference": f"Patient/{patient_id}"},
    }


def patient_chart(actor: Json, person: Person, patient_id: str) -> Iterator[Json]:
    """The Patient, then Conditions and MedicationStatements where the vignette lists them."""
    yield {
        "resourceType": "Patient",
        "id": patient_id,
        "meta": {"tag": [TAG]},
        "active": True,
        "name": [{"text": person.name}],
        "gender": person.sex,
    }
    for number, name in enumerate(_items(actor.get("Past_Medical_History"))):
        yield _stored(condition(name, patient_id), patient_id, number)
    listed = [actor.get("Current_Medications"), actor.get("Medications")]
    medicines = [name for value in listed for name in _items(value)]
    for number, name in enumerate(dict.fromkeys(medicines)):
        statement = {
            "resourceType": "MedicationStatement",
            "status": "active",
            "medicationCodeableConcept": {"text": name},
            "subject": {"reference": f"Patient/{patient_id}"},
        }
        yield _stored(statement, patient_id, number)


def _stored(resource: Json, patient_id: str, number: int) -> Json:
    kind = resource["resourceType"]
    identity = {"id": opaque_id(kind, patient_id, number), "meta": {"tag": [TAG]}}
    return {"resourceType": kind, **identity, **resource}


def _items(value: Any) -> list[str]:
    """The entries of a plain list, or of a text that is nothing but one."""
    if isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
    elif isinstance(value, str):
        texts = re.split(r",\s+(?![^()]*\))", value.strip().rstrip("."))
        if _SENTENCE.search(value.strip().rstrip(".")):
            return []
    else:
        return []
    items = [" ".join(re.sub(r"^and\s+", "", text.strip()).split()).rstrip(".") for text in texts]
    return [
        item for item in items if item and len(item.split()) <= 7 and not _SENTENCE.search(item)
    ]
