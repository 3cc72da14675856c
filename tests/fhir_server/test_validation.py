"""Validation names the element and the mend, and lets good resources through."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import decode
from bedside.fhir_server.policy import Policy
from bedside.fhir_server.validation import repair, validate
from bedside.fhir_server.validation.invariants import INVARIANTS, NOT_ENFORCED
from tests.fhir_server.charts import chart

CONDITION = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
PATIENT = {"resourceType": "Patient"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/1"},
}


CORE = "http://hl7.org/fhir/StructureDefinition/"
PERSON = {**PATIENT, "id": "x"}
UNKNOWN = {"extension": [{"url": f"{CORE}data-absent-reason", "valueCode": "unknown"}]}


def parameters(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(listed)}


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
        ({**CONDITION, "onsetString": "x", "onsetDateTime": "2020"}, "structure", "onsetDateTime",
         "may not stand beside onsetString: one only of onset[x]"),
        ({**CONDITION, "id": "a" * 65}, "value", "id", "1 to 64"),
        ({**CONDITION, "clinicalStatus": {"text": "active"}}, "code-invalid", "clinicalStatus",
         "condition-clinical' and one of: active"),
        ({**CONDITION, "subject": {"reference": "1"}}, "value", "subject.reference", "Type/id"),
        ({**CONDITION, "subject": {"reference": "Practitioner/1"}}, "value", "subject.reference",
         "refers to a Practitioner; use one of: Patient, Group"),
        ({**CONDITION, "subject": [{"reference": "Patient/1"}]}, "structure", "subject", "bracke"),
        ({"resourceType": "Condition"}, "required", "subject", "add it"),
        ({**CONDITION, "contained": [{"resourceType": "Zzz"}]}, "structure", "contained[0]", "no"),
        ({**CONDITION, "contained": [{"resourceType": "Patient", "foo": 1}]}, "structure",
         "contained[0].foo", "no element of Patient"),
        ({**PATIENT, "active": "true"}, "value", "active", "true or false, without quotes"),
        ({**PATIENT, "gender": "F"}, "code-invalid", "gender", "use one of: female, male"),
        ({**PATIENT, "name": {"family": "x"}}, "structure", "name", "must be an array"),
        ({**PATIENT, "multipleBirthInteger": True}, "value", "multipleBirthInteger", "not true"),
        ({**OBSERVATION, "status": "done"}, "code-invalid", "status", "of: amended, cancelled"),
        ({**OBSERVATION, "component": [{}]}, "value", "component[0]", "empty object"),
        ({**OBSERVATION, "valueInteger": "5"}, "value", "valueInteger", "a whole number"),
        (ORDER, "required", "medication[x]", "medicationCodeableConcept, medicationRef"),
        ({**CONDITION, "condition": 1}, "structure", "condition", "did you mean"),
        ({**CONDITION, "text": {"status": "generated", "div": "<p>x</p>"}}, "structure",
         "text.div", "must be a <div>"),
        ({**CONDITION, "text": {"status": "generated", "div": "<div"}}, "structure",
         "text.div", "is no XHTML"),
        ({**CONDITION, "text": {"status": "generated", "div": DIV.replace("x<", "<script/><")}},
         "structure", "text.div", "may not hold a <script>"),
        ({**CONDITION, "text": {"status": "generated", "div": DIV.replace(">x", " onclick='x'>x")}},
         "structure", "text.div", "event attributes"),
        ({**CONDITION, "text": {"status": "generated", "div": "<!DOCTYPE a>" + DIV}}, "structure",
         "text.div", "document type"),
        ({**CONDITION, "subject": {"reference": "#p"}}, "not-found", "subject.reference",
         "no contained resource has that id"),
        ({**CONDITION, "subject": {"reference": "Foo/1"}}, "value", "subject.reference",
         "no resource type"),
        ({**CONDITION, "abatementDateTime": "2020"}, "invariant", "", "breaks con-4"),
        ({**CONDITION, "onsetPeriod": {"start": "2021", "end": "2020"}}, "invariant",
         "onsetPeriod", "breaks per-1"),
        ({**CONDITION, "onsetAge": {"value": 3}}, "invariant", "onsetAge", "breaks age-1"),
        ({**CONDITION, "extension": [{"url": "http://x"}]}, "invariant", "extension[0]", "ext-1"),
        ({**OBSERVATION, "valueQuantity": {"value": 1, "code": "kg"}}, "invariant",
         "valueQuantity", "breaks qty-3"),
        ({**OBSERVATION, "valueString": "x", "dataAbsentReason": {"text": "y"}}, "invariant", "",
         "breaks obs-6"),
        ({**OBSERVATION, "effectiveDateTime": "2025-03-01T10:00"}, "value", "effectiveDateTime",
         "with seconds and zone"),
        ({**OBSERVATION, "valueQuantity": {"value": 1, "comparator": "~"}}, "code-invalid",
         "valueQuantity.comparator", "use one of: <"),
        ({**PATIENT, "_birthDate": "x"}, "structure", "_birthDate", "must be an object"),
        ({**PATIENT, "name": [{"given": ["x", None]}]}, "value", "name[0].given[1]", "is null"),
        ({**ORDER, "status": "ordered"}, "code-invalid", "status", "use one of: active, cancelled"),
        ({**PATIENT, "deceasedBoolean": True, "_deceasedDateTime": UNKNOWN}, "structure",
         "_deceasedDateTime", "may not stand beside deceasedBoolean: one only of deceased[x]"),
        ({**PATIENT, "name": [{"given": [None, "x"], "_given": [UNKNOWN]}]}, "structure",
         "name[0]._given", "has 1 items, given 2; fill the shorter with null"),
        ({**PATIENT, "name": [{"given": ["x"], "_given": [None, UNKNOWN]}]}, "structure",
         "name[0]._given", "fill the shorter with null"),
        ({**PATIENT, "name": [{"given": [None, ""], "_given": [UNKNOWN, None]}]}, "value",
         "name[0].given[1]", "text that is not empty"),
        ({**PATIENT, "managingOrganization": {"reference": "#x"}, "contained": [PERSON]}, "value",
         "managingOrganization.reference", "refers to a Patient; use one of: Organization"),
        ({**PATIENT, "managingOrganization": {"reference": "#"}}, "value",
         "managingOrganization.reference", "refers to a Patient"),
        ({**PATIENT, "managingOrganization": {"reference": "Patient?name=x"}}, "value",
         "managingOrganization.reference", "refers to a Patient"),
        ({**PATIENT, "managingOrganization": {"reference": "Organization/1", "type": "Patient"}},
         "value", "managingOrganization.type", "but the reference leads to a Organization"),
        ({**PATIENT, "managingOrganization": {"reference": "urn:uuid:0", "type": "Patient"}},
         "value", "managingOrganization.type", "use one of: Organization"),
        ({**PATIENT, "managingOrganization": {"display": "x", "type": f"{CORE}Patient"}},
         "value", "managingOrganization.type", "use one of: Organization"),
        ({**CONDITION, "subject": {"reference": "#x"}, "contained": [PERSON, PERSON]}, "value",
         "contained[1].id", "is 'x', as another contained resource's"),
        ({**OBSERVATION, "valueRange": {"low": {"value": 1, "comparator": "<"}}}, "invariant",
         "valueRange.low", "breaks sqty-1"),
        ({**OBSERVATION, "referenceRange": [{"low": {"value": 1, "comparator": "<"}}]},
         "invariant", "referenceRange[0].low", "breaks sqty-1"),
        ({**OBSERVATION, "dataAbsentReason": {"text": "x"}, "_valueString": UNKNOWN}, "invariant",
         "", "breaks obs-6"),
        (parameters({"name": "a"}), "invariant", "parameter[0]", "breaks inv-1"),
        (parameters({"name": "a", "valueString": "x", "resource": PATIENT}), "invariant",
         "parameter[0]", "breaks inv-1"),
        (parameters({"name": "a", "part": [{"name": "b"}]}), "invariant", "parameter[0].part[0]",
         "breaks inv-1"),
        (parameters({"name": "a", "resource": {**CONDITION, "subject": {"reference": "#p"}}}),
         "not-found", "parameter[0].resource.subject.reference", "no contained resource"),
        ({"resourceType": "Task", "status": "ready", "intent": "order", "authoredOn": "2026-02-01",
          "lastModified": "2026-01-01"}, "invariant", "", "breaks inv-1"),
        ({"resourceType": "CareTeam", "participant": [{"member": {"reference": "Patient/1"},
          "onBehalfOf": {"reference": "Organization/1"}}]}, "invariant", "participant[0]",
         "breaks ctm-1"),
        ({"resourceType": "StructureDefinition", "url": "http://x", "name": "X", "status": "draft",
          "kind": "resource", "abstract": False, "type": "Patient"}, "invariant", "",
         "breaks sdf-6"),
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


@pytest.mark.parametrize("number", ["1e400", "-1e999999999", "1e-999999999", "1" * 400])
def test_a_number_is_one_that_can_be_reckoned_with(number: str) -> None:
    place = decode(b'{"resourceType":"Location","position":{"latitude":%b}}' % number.encode())
    faults = [issue for issue in validate(place) if "latitude" in issue.expression[0]]
    assert [issue.code for issue in faults] == ["value"]
    age = {"value": number, "code": "a", "system": "http://unitsofmeasure.org"}
    repaired, notes = repair({**PATIENT, "multipleBirthInteger": number, "foo": age})
    assert repaired["multipleBirthInteger"] == number and len(notes) == 1


def test_a_rule_that_cannot_be_reckoned_says_nothing() -> None:
    count = {"value": Decimal("1e100"), "code": "1", "system": "http://unitsofmeasure.org"}
    assert validate({**PATIENT, "extension": [{"url": "http://x", "valueCount": count}]}) == ()


def test_every_fault_is_named_at_once() -> None:
    order = {"resourceType": "MedicationRequest", "subject": {"reference": "Device/1"}}
    paths = {issue.expression[0].partition(".")[2] for issue in validate(order)}
    assert paths == {"subject.reference", "status", "intent", "medication[x]"}


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
        {**CONDITION, "text": {"status": "generated", "div": DIV}},
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
        {**PATIENT, "deceasedBoolean": True, "_deceasedBoolean": UNKNOWN},
        {**PATIENT, "extension": [{"url": "http://x", "_valueString": UNKNOWN}]},
        {**OBSERVATION, "valueQuantity": {"value": 1, "comparator": "<"}},
        {**CONDITION, "subject": {"reference": "Patient/1", "type": f"{CORE}Patient"}},
        {**CONDITION, "subject": {"reference": "urn:uuid:0", "type": "http://x.org/Model"}},
        {**CONDITION, "subject": {"identifier": {"value": "1"}, "type": "Patient"}},
        {**CONDITION, "subject": {"reference": "Patient?identifier=1"}},
        parameters({"name": "a", "_valueString": UNKNOWN}),
        parameters(
            {
                "name": "a",
                "resource": {
                    **CONDITION,
                    "subject": {"reference": "#x"},
                    "contained": [PERSON],
                },
            }
        ),
    ],
)
def test_a_good_resource_passes(resource: dict[str, Any]) -> None:
    assert validate(resource) == ()


@pytest.mark.parametrize("key", sorted(INVARIANTS))
def test_every_enforced_rule_is_one_of_the_definitions(key: str) -> None:
    assert key.rpartition("/")[2] in rule_keys()


def test_every_rule_is_enforced_or_named_as_left_out() -> None:
    elsewhere = {"ref-1", "txt-1", "txt-2"}
    enforced = {key.rpartition("/")[2] for key in INVARIANTS}
    assert rule_keys() == enforced | set(NOT_ENFORCED) | elsewhere
    assert not enforced & set(NOT_ENFORCED)


@cache
def rule_keys() -> frozenset[str]:
    names = {"Resource", "DomainResource", *definitions.resource_types()}
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        type = definitions.type_of(name)
        names |= {each for element in type.elements.values() for each in element.types}
        names |= {type.base} - {""}
    return frozenset(
        rule.key
        for name in seen
        for type in [definitions.type_of(name)]
        for rule in (*type.rules, *(r for e in type.elements.values() for r in e.rules))
    )


RICH: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "category": [{"coding": [{"system": "http://x", "code": "lab"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "2951-2", "display": "Na"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2025-03-01T10:00:00Z",
    "valueQuantity": {"value": Decimal("140.0"), "unit": "mmol/L"},
    "referenceRange": [{"low": {"value": 135}, "high": {"value": 145}, "text": "usual"}],
    "note": [{"text": "taken sitting"}],
}


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    items: Any = ()
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
    for step, value in items:
        if step != "resourceType":
            yield from places(value, (*at, step))


def spoiled(at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    resource = copy.deepcopy(RICH)
    node: Any = resource
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = value
    return resource


@given(
    at=st.sampled_from(list(places(RICH))),
    value=st.sampled_from([None, [], {}, "", [[]], {"foo": 1}, [None], Decimal("1.5"), "\x00"]),
)
def test_a_spoiled_place_is_named(at: tuple[Any, ...], value: Any) -> None:
    resource = spoiled(at, value)
    original: Any = RICH
    for step in at:
        original = original[step]
    if isinstance(original, int | Decimal) and isinstance(value, Decimal):
        return
    issues = validate(resource)
    path = "Observation" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in at)
    assert any(
        issue.expression[0].startswith(path) or path.startswith(issue.expression[0])
        for issue in issues
    ), (path, value, issues)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(at=st.sampled_from(list(places(RICH))), value=json_values)
@pytest.mark.parametrize("policy", ["strict", "lenient"])
def test_nothing_is_too_odd_to_be_judged(policy: str, at: tuple[Any, ...], value: Any) -> None:
    resource = spoiled(at, value)
    if policy == "lenient":
        resource, _ = repair(resource)
    for issue in validate(resource, policy):
        assert issue.expression[0].startswith("Observation")


@pytest.mark.parametrize(
    ("given", "repaired", "says"),
    [
        ({"name": {"family": "A"}}, {"name": [{"family": "A"}]}, "name is an array"),
        ({"gender": ["male"]}, {"gender": "male"}, "gender holds one value"),
        ({"active": "true"}, {"active": True}, "active is true or false"),
        ({"multipleBirthInteger": "2"}, {"multipleBirthInteger": 2}, "taken out of its quotes"),
        ({"birthDate": 1980}, {"birthDate": "1980"}, "birthDate is text"),
        ({"foo": 1}, {}, "foo is no element"),
        ({"name": []}, {}, "name is empty"),
        ({"name": [{}]}, {}, "name[0] is empty"),
        ({"gender": None}, {}, "gender is empty"),
        ({"name": [{"given": ["a", "b"], "_given": [UNKNOWN]}]},
         {"name": [{"given": ["a", "b"], "_given": [UNKNOWN, None]}]}, "filled with null"),
        ({"maritalStatus": "single"}, {"maritalStatus": {"text": "single"}}, "concept's text"),
    ],
)  # fmt: skip
def test_a_lenient_chart_repairs_and_says_so(given: Any, repaired: Any, says: str) -> None:
    resource, notes = repair({"resourceType": "Patient", **given})
    assert resource == {"resourceType": "Patient", **repaired}
    assert any(says in note.diagnostics for note in notes)
    assert validate(resource, "lenient") == ()


def test_what_cannot_be_repaired_is_left_to_be_refused() -> None:
    resource, notes = repair({"resourceType": "Patient", "gender": "F", "birthDate": "soon"})
    assert notes == ()
    assert len(validate(resource, "lenient")) == 2


def test_repairs_are_told_in_the_answer() -> None:
    mine = chart(policy=Policy(validation="lenient"))
    response = mine.request("POST", "Patient", None, {"resourceType": "Patient", "active": "true"})
    assert response.status == 201
    assert "taken out of its quotes" in response.headers["Warning"]


def test_the_second_opinion_is_asked_too() -> None:
    good = {**CONDITION, "recordedDate": "2025-01-01"}
    assert validate(good, "fhir.resources") == ()
    assert validate({**PATIENT, "gender": "F"}, "fhir.resources") == validate(
        {**PATIENT, "gender": "F"}
    )
    far = {**PATIENT, "birthDate": "0001-01-01", "telecom": [{"system": "phone", "value": "1"}]}
    assert validate(far, "fhir.resources") == ()
