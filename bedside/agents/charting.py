"""What doctors write to a chart and read from it: small FHIR R4 resources and searchset entries."""

from __future__ import annotations

from typing import Any

from bedside.core.actions import Create, Search
from bedside.core.observation import Observation

__all__ = ["concept_texts", "prescribe", "record_condition", "resources", "search_chart"]

Json = dict[str, Any]
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
CLINICAL_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def record_condition(patient_id: str, name: str, code: str | None = None) -> Create:
    """Record a diagnosis as an active Condition, coded in ICD-10-CM where a code is given."""
    concept: Json = {"text": name}
    if code:
        concept["coding"] = [{"system": ICD_10_CM, "code": code, "display": name}]
    resource = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": CLINICAL_STATUS, "code": "active"}]},
        "code": concept,
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    return Create(resource=resource)


def prescribe(patient_id: str, medicine: str) -> Create:
    """Order a medicine by its name."""
    resource = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": medicine},
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    return Create(resource=resource)


def search_chart(resource_type: str, patient_id: str) -> Search:
    """Search one type of resource of one patient."""
    return Search(resource_type=resource_type, params={"patient": patient_id})


def resources(observation: Observation) -> list[Json]:
    """The resources in a chart reply: of a searchset its entries, otherwise none."""
    if observation.kind != "chart" or not isinstance(observation.data, dict):
        return []
    body = observation.data.get("body")
    entries = body.get("entry", []) if isinstance(body, dict) else []
    return [entry["resource"] for entry in entries if "resource" in entry]


def concept_texts(resource: Json, element: str = "code") -> list[str]:
    """The names a resource gives its concept: the text and each coding's display."""
    concept = resource.get(element, {})
    names = [concept.get("text"), *(coding.get("display") for coding in concept.get("coding", ()))]
    return [name for name in names if name]
