"""Validation names the element and the mend, and lets good resources through."""

from __future__ import annotations

from typing import Any

import pytest

from bedside.fhir_server.validation import validate

CONDITION = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
PATIENT = {"resourceType": "Patient"}
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/1"},
}


@pytest.mark.parametrize(
    ("resource", "code", "path", "says"),
    [
        ({**CONDITION, "foo": 1}, "structure", "foo", "its elements are: id"),
        ({**CONDITION, "fhir_comments": "x"}, "structure", "fhir_comments", "no element"),
        ({**CONDITION, "code": {}}, "value", "code", "empty object"),
        ({**CONDITION, "category": []}, "value", "category", "empty array"),
        ({**CONDITION, "note": [{"text": None}]}, "value", "note[0].text", "is null"),
        ({**CONDITION, "note": [None]}, "value", "note[0]", "is null"),
        ({**CONDITION, "code": "x"}, "structure", "code", "an object (CodeableConcept), not 'x'"),
        ({**CONDITION, "code": '{"text": "x"}'}, "structure", "code", "must be an object"),
        ({**CONDITION, "code": {"text": ""}}, "value", "code.text", "text that is not empty"),
        ({**CONDITION, "code": {"coding": {}}}, "structure", "code.coding", "in [ ]"),
        ({**CONDITION, "code": {"resourceType": "x"}}, "structure", "code.resourceType", "no el"),
        ({**CONDITION, "recordedDate": "soon"}, "value", "recordedDate", "YYYY-MM-DD"),
        ({**CONDITION, "recordedDate": "2026-02-30"}, "value", "recordedDate", "existing date"),
        ({**CONDITION, "recordedDate": 2026}, "value", "recordedDate", "not the number 2026"),
        ({**CONDITION, "onsetAge": {"value": "72"}}, "value", "onsetAge.value", "a number"),
        ({**CONDITION, "onsetString": "x", "onsetDateTime": "2020"}, "structure", "", "one only"),
        ({**CONDITION, "id": "a" * 65}, "value", "id", "1 to 64"),
        ({**CONDITION, "clinicalStatus": {"text": "active"}}, "code-invalid", "clinicalStatus",
         "condition-clinical' and one of the codes: active"),
        ({**CONDITION, "subject": {"reference": "1"}}, "value", "subject.reference", "Type/id"),
        ({**CONDITION, "subject": {"reference": "Practitioner/1"}}, "value", "subject.reference",
         "refers to a Practitioner; use one of: Patient, Group"),
        ({**CONDITION, "subject": [{"reference": "Patient/1"}]}, "structure", "subject", "bracke"),
        ({"resourceType": "Condition"}, "required", "subject", "add it"),
        ({**CONDITION, "contained": [{"resourceType": "Zzz"}]}, "structure", "contained[0]", "no"),
        ({**CONDITION, "contained": [{"resourceType": "Patient", "foo": 1}]}, "structure",
         "contained[0].foo", "no element of Patient"),
        ({**PATIENT, "active": "true"}, "value", "active", "true or false, not 'true'"),
        ({**PATIENT, "gender": "F"}, "code-invalid", "gender", "male, female, other, unknown"),
        ({**PATIENT, "name": {"family": "x"}}, "structure", "name", "is an array"),
        ({**PATIENT, "multipleBirthInteger": True}, "value", "multipleBirthInteger", "not true"),
        ({**OBSERVATION, "status": "done"}, "code-invalid", "status", "amended, corrected"),
        ({**OBSERVATION, "component": [{}]}, "value", "component[0]", "empty object"),
        ({**OBSERVATION, "valueInteger": "5"}, "value", "valueInteger", "a whole number"),
        (ORDER, "required", "", "medicationCodeableConcept, medicationReference"),
        ({**ORDER, "status": "ordered"}, "code-invalid", "status", "active, on-hold"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_mend(
    resource: dict[str, Any], code: str, path: str, says: str
) -> None:
    expression = f"{resource['resourceType']}.{path}".rstrip(".")
    issues = [issue for issue in validate(resource) if issue.expression == (expression,)]
    assert [issue.code for issue in issues] == [code]
    assert issues[0].diagnostics.startswith(expression)
    assert says in issues[0].diagnostics


def test_every_fault_is_named_at_once() -> None:
    order = {"resourceType": "MedicationRequest", "subject": {"reference": "Device/1"}}
    paths = {issue.expression[0].partition(".")[2] for issue in validate(order)}
    assert paths == {"subject.reference", "status", "intent"}


@pytest.mark.parametrize(
    "resource",
    [
        CONDITION,
        OBSERVATION,
        PATIENT,
        {**CONDITION, "subject": {"reference": "https://x.org/fhir/Patient/1"}},
        {**CONDITION, "subject": {"reference": "#p"}, "contained": [{**PATIENT, "id": "p"}]},
        {**CONDITION, "subject": {"reference": "urn:uuid:0"}},
        {**CONDITION, "subject": {"display": "somebody"}},
        {**CONDITION, "onsetDateTime": "2026-01-15T10:00:00.5+01:00"},
        {**CONDITION, "_recordedDate": {"extension": [{"url": "http://x", "valueCode": "y"}]}},
        {**CONDITION, "text": {"status": "generated", "div": "<div>x</div>"}},
        {**OBSERVATION, "status": "corrected"},
        {**OBSERVATION, "valueQuantity": {"value": 72}},
        {**OBSERVATION, "valueBoolean": False},
        {**OBSERVATION, "valueInteger": 0},
        {
            **PATIENT,
            "name": [
                {
                    "given": [None, "x"],
                    "_given": [{"extension": [{"url": "http://x", "valueCode": "y"}]}, None],
                }
            ],
        },
        {**ORDER, "medicationCodeableConcept": {"text": "x"}},
    ],
)
def test_a_good_resource_passes(resource: dict[str, Any]) -> None:
    assert validate(resource) == ()
