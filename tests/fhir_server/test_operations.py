"""$validate, $everything and $lastn."""

from __future__ import annotations

import pytest

from tests.fhir_server.charts import call, chart, ids, says, weight


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
        "This Observation is valid."
    )
    assert call(mine, "POST", "Observation/$validate", {"resourceType": "Parameters"})[0] == 400
    assert list(mine.log) == []


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
