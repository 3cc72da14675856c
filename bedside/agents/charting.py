"""What doctors write to a chart and read from it: small FHIR R4 resources and searchset entries."""

from __future__ import annotations

from typing import Any

from bedside.core.actions import Create, FhirRequest, Search
from bedside.core.observation import Observation

__all__ = [
    "charted_names",
    "prescribe",
    "read_background",
    "record_condition",
    "request_service",
    "resources",
    "search_chart",
]

Json = dict[str, Any]
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
_BACKGROUND = {
    "AllergyIntolerance": "code",
    "Condition": "code",
    "MedicationStatement": "medicationCodeableConcept",
}
"""Types that tell what a patient brings along, and the element that names it."""
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
    return _order("MedicationRequest", "medicationCodeableConcept", patient_id, medicine)


def request_service(patient_id: str, service: str) -> Create:
    """Order a procedure, referral or review by its name."""
    return _order("ServiceRequest", "code", patient_id, service)


def _order(type: str, element: str, patient_id: str, name: str) -> Create:
    resource = {
        "resourceType": type,
        "status": "active",
        "intent": "order",
        element: {"text": name},
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    return Create(resource=resource)


def read_background(patient_id: str) -> FhirRequest:
    """Ask for what is charted that may rule a treatment out, in one request."""
    types = ",".join(_BACKGROUND)
    return FhirRequest(method="GET", path=f"Patient/{patient_id}/*?_type={types}")


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


def charted_names(resource: Json) -> list[str]:
    """What an allergy, medicine or condition is called: its text and each coding's display."""
    concept = resource.get(_BACKGROUND.get(resource["resourceType"], ""), {})
    names = [concept.get("text"), *(coding.get("display") for coding in concept.get("coding", ()))]
    return [name for name in names if name]
