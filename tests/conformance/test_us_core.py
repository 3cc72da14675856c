"""Every search that US Core 6.1.0 asks of a server works, and the capability statement says so.

For each profile there is a resource with a value for each of its parameters, and a decoy without:
a search must find the one and not the other.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bedside.fhir_server import Chart, Population, StartLayer
from bedside.fhir_server.parameters import STANDARD
from bedside.fhir_server.validation import validate

Json = dict[str, Any]

TIME = "2025-03-10T10:00:00Z"
EXPECTED = ("SHALL", "SHOULD")


def concept(code: str) -> Json:
    return {"coding": [{"system": "http://example.org/codes", "code": code}], "text": code}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def to(type: str) -> Json:
    return {"reference": f"{type}/a"}


NAME = [{"family": "Alder", "given": ["Ada"]}]
ADDRESS = [{"line": ["1 Main St"], "city": "Ulm", "state": "BW", "postalCode": "89073"}]
SAMPLES: dict[str, Json] = {
    "AllergyIntolerance": {
        "clinicalStatus": coded("allergyintolerance-clinical", "active"),
        "code": concept("c"),
        "patient": to("Patient"),
    },
    "CarePlan": {
        "status": "active",
        "intent": "plan",
        "category": [concept("assess-plan")],
        "subject": to("Patient"),
        "period": {"start": TIME, "end": TIME},
    },
    "CareTeam": {
        "status": "active",
        "subject": to("Patient"),
        "participant": [
            {"role": [concept("r")], "member": to(type)}
            for type in ("PractitionerRole", "Practitioner", "Patient", "RelatedPerson")
        ],
    },
    "Condition": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate",
                "valueDateTime": TIME,
            }
        ],
        "clinicalStatus": coded("condition-clinical", "resolved"),
        "category": [concept("problem-list-item")],
        "code": concept("c"),
        "subject": to("Patient"),
        "encounter": to("Encounter"),
        "onsetDateTime": TIME,
        "abatementDateTime": TIME,
        "recordedDate": TIME,
    },
    "Coverage": {
        "status": "active",
        "beneficiary": to("Patient"),
        "payor": [to("Organization")],
    },
    "Device": {"type": concept("t"), "status": "active", "patient": to("Patient")},
    "DiagnosticReport": {
        "status": "final",
        "category": [concept("LAB")],
        "code": concept("c"),
        "subject": to("Patient"),
        "effectiveDateTime": TIME,
    },
    "DocumentReference": {
        "status": "current",
        "type": concept("t"),
        "category": [concept("clinical-note")],
        "subject": to("Patient"),
        "date": TIME,
        "content": [{"attachment": {"url": "http://example.org/x"}}],
        "context": {"period": {"start": TIME, "end": TIME}},
    },
    "Encounter": {
        "identifier": [{"system": "http://example.org/ids", "value": "e1"}],
        "status": "finished",
        "class": {"system": "http://example.org/codes", "code": "AMB"},
        "type": [concept("t")],
        "subject": to("Patient"),
        "period": {"start": TIME, "end": TIME},
        "hospitalization": {"dischargeDisposition": concept("home")},
        "location": [{"location": to("Location")}],
    },
    "Goal": {
        "lifecycleStatus": "active",
        "description": concept("d"),
        "subject": to("Patient"),
        "target": [{"dueDate": "2025-03-10"}],
    },
    "Immunization": {
        "status": "completed",
        "vaccineCode": concept("v"),
        "patient": to("Patient"),
        "occurrenceDateTime": TIME,
    },
    "MedicationDispense": {
        "status": "completed",
        "type": concept("t"),
        "medicationReference": to("Medication"),
        "subject": to("Patient"),
    },
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationReference": to("Medication"),
        "subject": to("Patient"),
        "encounter": to("Encounter"),
        "authoredOn": TIME,
    },
    "Observation": {
        "status": "final",
        "category": [concept("vital-signs")],
        "code": concept("c"),
        "subject": to("Patient"),
        "effectiveDateTime": TIME,
    },
    "Organization": {"name": "Ulm Hospital", "address": ADDRESS},
    "Patient": {
        "identifier": [{"system": "http://example.org/ids", "value": "p1"}],
        "name": NAME,
        "gender": "female",
        "birthDate": "1980-05-01",
        "deceasedDateTime": TIME,
    },
    "Practitioner": {
        "identifier": [{"system": "http://example.org/ids", "value": "d1"}],
        "name": NAME,
    },
    "PractitionerRole": {
        "practitioner": to("Practitioner"),
        "specialty": [concept("s")],
        "endpoint": [to("Endpoint")],
    },
    "Procedure": {
        "status": "completed",
        "code": concept("c"),
        "subject": to("Patient"),
        "performedDateTime": TIME,
    },
    "QuestionnaireResponse": {
        "questionnaire": "http://example.org/Questionnaire/q|1",
        "status": "completed",
        "subject": to("Patient"),
        "authored": TIME,
    },
    "RelatedPerson": {"patient": to("Patient"), "name": NAME},
    "ServiceRequest": {
        "status": "active",
        "intent": "order",
        "category": [concept("imaging")],
        "code": concept("c"),
        "subject": to("Patient"),
        "authoredOn": TIME,
    },
    "Specimen": {"subject": to("Patient")},
}
OTHERS: list[Json] = [
    {"resourceType": "Medication"},
    {"resourceType": "Location"},
    {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {"system": "http://example.org", "code": "x"},
        "payloadType": [concept("p")],
        "address": "http://example.org",
    },
]


def sample(type: str) -> Json:
    return {"resourceType": type, "id": "a", **SAMPLES[type]}


def provenance(type: str) -> Json:
    return {
        "resourceType": "Provenance",
        "id": f"of-{type}",
        "target": [to(type)],
        "recorded": TIME,
        "agent": [{"who": to("Practitioner")}],
    }


@cache
def full() -> Chart:
    """A chart with a sample and a bare decoy of every type, and where each sample came from."""
    resources = [sample(type) for type in SAMPLES]
    resources += [{**other, "id": "a"} for other in OTHERS]
    resources += [provenance(type) for type in SAMPLES]
    decoys = [{"resourceType": type, "id": "decoy"} for type in SAMPLES]
    return Chart(
        Population.of([*resources, *decoys]), StartLayer.of([]), seed=1, now="2026-01-15T09:00:00Z"
    )


def found(url: str) -> list[tuple[str, str, str]]:
    response = full().request("GET", url)
    assert response.status == 200, (url, response.body)
    return [
        (e["resource"]["resourceType"], e["resource"]["id"], e["search"]["mode"])
        for e in json.loads(response.body).get("entry", [])
    ]


def value_of(type: str, name: str) -> str:
    """A value that finds the sample, as a client would write it."""
    param = STANDARD.of(type)[name]
    values = param.values(sample(type))
    assert values, f"the sample of {type} has no {name}"
    if param.kind == "token":
        system, code = next((key for key in values if all(key)), (None, values[-1][1]))
        return f"{system}|{code}" if system else str(code)
    if param.kind == "reference":
        kind, id = next((key for key in values if key[0]), values[0])
        return f"{kind}/{id}" if kind else str(id)
    if param.kind == "string":
        return str(values[0].exact)
    if param.kind == "uri":
        return str(values[0])
    return "2025-03-10" if name != "birthdate" else "1980-05-01"


def profiles(test_data: Path) -> dict[str, Json]:
    path = test_data / "us_core" / "searches_6.1.0.json"
    loaded: dict[str, Json] = json.loads(path.read_text())
    return loaded


def test_the_samples_are_valid_r4() -> None:
    for type in SAMPLES:
        assert validate(sample(type)) == ()


def test_every_search_finds_the_sample_and_not_the_decoy(test_data: Path) -> None:
    searches = 0
    for key, profile in profiles(test_data).items():
        type = profile["resource"]
        if type == "Provenance":
            continue
        for search in profile["searches"]:
            if search["expectation"] not in EXPECTED:
                continue
            searches += 1
            parts = [f"{n}={quote(value_of(type, n))}" for n in search["names"]]
            assert found(f"{type}?{'&'.join(parts)}") == [(type, "a", "match")], (key, search)
    assert searches > 200


def test_every_parameter_takes_several_values_and_is_declared(test_data: Path) -> None:
    statement = json.loads(full().request("GET", "metadata").body)
    declared = {r["type"]: r for r in statement["rest"][0]["resource"]}
    for key, profile in profiles(test_data).items():
        type = profile["resource"]
        names = {each["name"] for each in declared[type]["searchParam"]}
        interactions = {each["code"] for each in declared[type]["interaction"]}
        assert interactions >= {
            each["code"] for each in profile["interactions"] if each["expectation"] in EXPECTED
        }
        for name, asked in profile["parameters"].items():
            assert name in names, (key, name)
            if asked["multiple_or"] in EXPECTED:
                value = quote(value_of(type, name))
                assert (type, "a", "match") in found(f"{type}?{name}={value},nothing"), (key, name)


@pytest.mark.parametrize(
    ("comparator", "day", "finds"),
    [
        ("gt", "2025-03-09", True), ("gt", "2025-03-10T10:00:00Z", False),
        ("lt", "2025-03-11", True), ("lt", "2025-03-10T10:00:00Z", False),
        ("ge", "2025-03-10", True), ("ge", "2025-03-11", False),
        ("le", "2025-03-10", True), ("le", "2025-03-09", False),
    ],
)  # fmt: skip
def test_every_comparator_compares(test_data: Path, comparator: str, day: str, finds: bool) -> None:
    compared = 0
    for key, profile in profiles(test_data).items():
        type = profile["resource"]
        for name, asked in profile["parameters"].items():
            if asked["comparators"].get(comparator) not in EXPECTED:
                continue
            compared += 1
            if "T" in day and name == "target-date":
                continue
            hits = [hit for hit in found(f"{type}?{name}={comparator}{day}") if hit[1] == "a"]
            assert bool(hits) is finds, (key, name)
    assert compared > 20


def test_every_include_brings_what_it_names(test_data: Path) -> None:
    for key, profile in profiles(test_data).items():
        type = profile["resource"]
        for include in profile["includes"]:
            _, _, target = include.split(":") if include.count(":") == 2 else ("", "", "")
            brought = {
                hit[0] for hit in found(f"{type}?_id=a&_include={include}") if hit[2] != "match"
            }
            assert brought == ({target} if target else brought) and brought, (key, include)
        for include in profile["revincludes"]:
            if type == "Provenance":
                continue
            hits = found(f"{type}?_id=a&_revinclude={include}")
            assert ("Provenance", f"of-{type}", "include") in hits, (key, include)
