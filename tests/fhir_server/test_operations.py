"""$validate, $everything and $lastn."""

from __future__ import annotations

import pytest

from bedside.fhir_server.policy import Policy
from tests.fhir_server.charts import Json, call, chart, ids, says, weight


def test_validate_says_what_is_wrong_and_stores_nothing() -> None:
    mine = chart()
    status, outcome = call(mine, "POST", "Observation/$validate", {"resourceType": "Observation"})
    assert status == 200
    assert "Observation.code" in {issue["expression"][0] for issue in outcome["issue"]}
    wrapped = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": weight(70)}],
    }
    assert says(call(mine, "POST", "Observation/$validate", wrapped)[1]) == (
        "This Observation is valid R4."
    )
    assert call(mine, "POST", "Observation/$validate", {"resourceType": "Parameters"})[0] == 400
    assert list(mine.log) == []


PATIENT = {"resourceType": "Patient", "id": "p1"}
CORE = "http://hl7.org/fhir/StructureDefinition/"


def parameters(*listed: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(listed)}


@pytest.mark.parametrize(
    ("url", "body", "mend"),
    [
        ("Patient/$validate?mode=foo", PATIENT, "mode is one of create, update, delete, profile"),
        ("Patient/$validate?colour=red", PATIENT, "takes resource, mode, profile, not 'colour'"),
        ("Patient/$validate?profile=http://nope", PATIENT, "http://nope is not known here"),
        ("Patient/$validate", None, "There is no Patient to validate"),
        ("Patient/$validate", weight(70), "they must be equal"),
        ("Patient/$validate?mode=delete", None, "Patient/ID/$validate?mode=delete"),
        (
            "Patient/$validate",
            parameters(
                {"name": "resource", "resource": PATIENT}, {"name": "mode", "valueCode": "foo"}
            ),
            "mode is one of",
        ),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": 1}, "an array"),
    ],
)
def test_a_validation_that_cannot_be_done_is_refused(url: str, body: Json, mend: str) -> None:
    status, outcome = call(chart(), "POST", url, body)
    assert (status, mend in says(outcome)) == (400, True), outcome


@pytest.mark.parametrize(
    ("url", "body", "severity", "said"),
    [
        ("Patient/$validate?mode=create", PATIENT, "information", "valid R4"),
        (f"Patient/$validate?profile={CORE}Patient", PATIENT, "information", "valid R4"),
        ("Patient/p1/$validate?mode=update", PATIENT, "information", "valid R4"),
        ("Patient/p2/$validate?mode=update", PATIENT, "error", "in the URL 'p2'"),
        ("Patient/p1/$validate?mode=update", {"resourceType": "Patient"}, "error", "is required"),
        ("Patient/p1/$validate?mode=profile", None, "information", "valid R4"),
        ("Patient/p1/$validate?mode=delete", None, "information", "Patient/p1 can be deleted"),
        ("Patient/no/$validate?mode=delete", None, "information", "There is no Patient/no"),
    ],
)
def test_validation_says_what_a_write_would_meet(
    url: str, body: Json | None, severity: str, said: str
) -> None:
    status, outcome = call(chart(), "POST", url, body)
    assert (status, said in says(outcome)) == (200, True), outcome
    assert outcome["issue"][0]["severity"] == severity


def test_validation_does_not_vouch_for_profiles_it_does_not_know() -> None:
    claims = {**PATIENT, "meta": {"profile": ["http://nope", f"{CORE}Patient"]}}
    _, outcome = call(chart(), "POST", "Patient/$validate", claims)
    assert [issue["severity"] for issue in outcome["issue"]] == ["information", "warning"]
    assert "http://nope was not checked" in outcome["issue"][1]["diagnostics"]


def test_validation_asks_of_references_what_the_chart_asks() -> None:
    mine = chart(weight(70, id="w1"), policy=Policy(integrity=True))
    lost = weight(70, patient="nobody")
    for url, body in [
        ("Observation/$validate?mode=create", lost),
        ("Patient/p1/$validate?mode=delete", None),
    ]:
        status, outcome = call(mine, "POST", url, body)
        assert (status, outcome["issue"][0]["severity"]) == (200, "error")


def test_everything_is_the_patients_own_and_what_it_refers_to() -> None:
    doctor = {"resourceType": "Practitioner", "id": "d1"}
    mine = chart(
        weight(70, id="w1", performer=[{"reference": "Practitioner/d1"}]),
        weight(80, id="w2", patient="p2"),
        doctor,
        {"resourceType": "Practitioner", "id": "d2"},
    )
    _, bundle = call(mine, "GET", "Patient/p1/$everything")
    assert sorted(ids(bundle)) == ["d1", "p1", "w1"]
    _, bundle = call(mine, "GET", "Patient/p1/$everything?_type=Observation,Practitioner")
    assert sorted(ids(bundle)) == ["d1", "w1"]
    call(mine, "POST", "Observation", weight(71))
    _, bundle = call(mine, "GET", "Patient/p1/$everything?_since=2026-01-15T00:00:00Z")
    assert [e["resource"]["valueQuantity"]["value"] for e in bundle["entry"]] == [71]
    assert call(mine, "GET", "Patient/nobody/$everything")[0] == 404
    assert call(mine, "GET", "Patient/p1/$everything?name=x")[0] == 400


def test_everything_can_be_of_a_time_of_care() -> None:
    undated = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
    }
    mine = chart(undated, *(weight(70, day, id=f"w{day}") for day in range(1, 5)))
    url = "Patient/p1/$everything"
    _, bundle = call(mine, "GET", f"{url}?start=2025-03-02&end=2025-03-03")
    assert sorted(ids(bundle)) == ["c1", "p1", "w2", "w3"]
    _, bundle = call(mine, "GET", f"{url}?start=2025-03-04")
    assert sorted(ids(bundle)) == ["c1", "p1", "w4"]
    for wrong in ("start=soon", "_count=few", "_type=Foo", "_since=2025"):
        assert call(mine, "GET", f"{url}?{wrong}")[0] == 400


def test_everything_comes_in_pages() -> None:
    mine = chart(*(weight(70, day, id=f"w{day}") for day in range(1, 5)))
    status, bundle = call(mine, "GET", "Patient/p1/$everything?_count=2")
    call(mine, "POST", "Observation", weight(71))
    seen = [ids(bundle)]
    while "next" in (links := {link["relation"]: link["url"] for link in bundle["link"]}):
        status, bundle = call(mine, "GET", links["next"])
        seen.append(ids(bundle))
    assert (status, bundle["total"]) == (200, 5)
    assert [len(page) for page in seen] == [2, 2, 1]
    assert {id for page in seen for id in page} == {"p1", "w1", "w2", "w3", "w4"}


def test_everything_of_an_encounter_has_its_patient() -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
    }
    here = {"encounter": {"reference": "Encounter/e1"}}
    mine = chart(encounter, weight(70, id="w1", **here), weight(80, id="w2"))
    _, bundle = call(mine, "GET", "Encounter/e1/$everything")
    assert sorted(ids(bundle)) == ["e1", "p1", "w1"]
    assert call(mine, "GET", "Encounter/e1/$everything?start=2025")[0] == 400
    assert call(mine, "GET", "Encounter/e2/$everything")[0] == 404


def test_operations_can_be_posted() -> None:
    mine = chart(*(weight(70, day, id=f"w{day}") for day in range(1, 4)))
    of_day = parameters(
        {"name": "start", "valueDate": "2025-03-03"}, {"name": "_type", "valueCode": "Observation"}
    )
    assert ids(call(mine, "POST", "Patient/p1/$everything", of_day)[1]) == ["w3"]
    assert len(ids(call(mine, "POST", "Patient/p1/$everything")[1])) == 4
    last = parameters(
        {"name": "patient", "valueReference": {"reference": "Patient/p1"}},
        {"name": "code", "valueString": "29463-7"},
        {"name": "max", "valuePositiveInt": 2},
    )
    assert ids(call(mine, "POST", "Observation/$lastn", last)[1]) == ["w3", "w2"]
    coded = parameters({"name": "code", "valueCodeableConcept": {"text": "x"}})
    for wrong in (weight(70), parameters({"name": "code"}), coded):
        assert call(mine, "POST", "Observation/$lastn", wrong)[0] == 400
    assert list(mine.log) == []


def test_lastn_is_the_latest_of_each_code() -> None:
    other = {"code": {"text": "mood"}}
    mine = chart(
        *(weight(70 + day, day, id=f"w{day}") for day in range(1, 5)),
        weight(1, 9, id="m1", **other),
        weight(2, 8, id="m2", **other),
        weight(3, 7, id="else", patient="p2"),
    )
    search = "Observation/$lastn?patient=p1&code:text=mood"
    assert ids(call(mine, "GET", search)[1]) == ["m1"]
    search = "Observation/$lastn?subject=Patient/p1&code=29463-7&max=2"
    assert ids(call(mine, "GET", search)[1]) == ["w4", "w3"]


def seen(id: str, day: int, *codes: str) -> Json:
    return weight(1, day, id=id, code={"coding": [{"system": "s", "code": c} for c in codes]})


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([seen("o1", 1, "a"), seen("o2", 2, "b"), seen("o3", 3, "c")], "o1 o2 o3"),
        ([seen("o1", 1, "a"), seen("o2", 2, "b"), seen("o3", 3, "a", "c")], "o2 o3"),
        ([seen("o1", 1, "a"), seen("o2", 2, "b"), seen("o3", 3, "a", "b")], "o3"),
        ([seen("o1", 1, "a", "b"), seen("o2", 2, "b", "c"), seen("o3", 3, "c")], "o3"),
        ([weight(1, 1, id="o1", code={"text": "Text"}), seen("o2", 2, "Text")], "o1 o2"),
    ],
)
def test_lastn_takes_codes_for_one_that_an_observation_has_together(
    observations: list[Json], expected: str
) -> None:
    _, bundle = call(
        chart(*observations), "GET", "Observation/$lastn?patient=p1&code:missing=false"
    )
    assert sorted(ids(bundle)) == expected.split()


def test_lastn_shows_all_of_a_tie() -> None:
    mine = chart(*(seen(f"o{number}", day, "a") for number, day in enumerate((5, 5, 4, 4, 3))))
    url = "Observation/$lastn?patient=p1&code=a"
    assert ids(call(mine, "GET", url)[1]) == ["o0", "o1"]
    assert ids(call(mine, "GET", f"{url}&max=2")[1]) == ["o0", "o1"]
    assert ids(call(mine, "GET", f"{url}&max=3")[1]) == ["o0", "o1", "o2", "o3"]


@pytest.mark.parametrize("asked", ["combo-code=a", "code-value-quantity=a$1", "code:text=x,a"])
def test_lastn_takes_any_parameter_with_a_code(asked: str) -> None:
    one = {**seen("o1", 1, "a"), "code": {"coding": [{"code": "a"}], "text": "x"}}
    status, bundle = call(chart(one), "GET", f"Observation/$lastn?patient=p1&{asked}")
    assert (status, ids(bundle)) == (200, ["o1"])


@pytest.mark.parametrize(
    ("query", "mend"),
    [
        ("patient=p1", "$lastn needs a patient or subject, and a code or category"),
        ("patient=p1&code=x&max=0", "max is a whole number from 1"),
        ("patient=p1&code=x&foo=1", "Unknown search parameter 'foo'"),
    ],
)
def test_a_bad_lastn_is_refused(query: str, mend: str) -> None:
    status, outcome = call(chart(), "GET", f"Observation/$lastn?{query}")
    assert (status, mend in says(outcome)) == (400, True), outcome


def test_all_of_a_compartment_is_searched_by_what_all_types_have() -> None:
    sick = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"}}
    mine = chart(sick, weight(70, id="w1"), weight(80, id="w2", patient="p2"))
    call(mine, "POST", "Observation", weight(71))
    new = mine.log[-1].id
    everything = "Patient/p1/*"
    assert ids(call(mine, "GET", everything)[1]) == ["c1", "w1", new]
    assert ids(call(mine, "GET", f"{everything}?_lastUpdated=ge2026-01-15")[1]) == [new]
    assert ids(call(mine, "GET", f"{everything}?_id=c1,w1,w2")[1]) == ["c1", "w1"]
    assert ids(call(mine, "GET", f"{everything}?_type=Condition")[1]) == ["c1"]
    assert ids(call(mine, "GET", f"{everything}?_type=Practitioner")[1]) == []
    _, bundle = call(mine, "GET", f"{everything}?_type=Observation,Condition&_count=2")
    (_, following) = bundle["link"]
    assert ids(call(mine, "GET", following["url"])[1]) == [new]
