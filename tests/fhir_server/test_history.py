"""History of a resource, a type, and the whole chart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_server.charts import Json, call, chart, says, weight


def listed(bundle: Json) -> list[tuple[str, str]]:
    return [
        (entry["request"]["method"], entry["response"]["etag"]) for entry in bundle.get("entry", [])
    ]


def test_the_history_of_a_resource_is_newest_first() -> None:
    mine = chart()
    call(mine, "PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"})
    call(mine, "DELETE", "Patient/p1")
    status, bundle = call(mine, "GET", "Patient/p1/_history")
    assert (status, bundle["type"]) == (200, "history")
    assert listed(bundle) == [("DELETE", 'W/"3"'), ("PUT", 'W/"2"'), ("POST", 'W/"1"')]
    assert "resource" not in bundle["entry"][0]
    assert bundle["entry"][2]["resource"]["gender"] == "female"


def test_a_history_says_what_was_answered() -> None:
    mine = chart()
    body = {"resourceType": "Patient", "id": "new"}
    answered = [
        call(mine, method, "Patient/new", body)[0] for method in ("PUT", "PUT", "DELETE", "PUT")
    ]
    assert answered == [201, 200, 200, 201]
    _, bundle = call(mine, "GET", "Patient/new/_history")
    said = [int(entry["response"]["status"]) for entry in bundle["entry"]]
    assert said[::-1] == answered


def test_the_history_of_a_type_and_of_all() -> None:
    mine = chart()
    _, first = call(mine, "POST", "Observation", weight(70))
    call(mine, "PUT", f"Observation/{first['id']}", {**weight(71), "id": first["id"]})
    _, bundle = call(mine, "GET", "Observation/_history")
    assert listed(bundle) == [("PUT", 'W/"2"'), ("POST", 'W/"1"')]
    _, everything = call(mine, "GET", "_history")
    assert [e["resource"]["resourceType"] for e in everything["entry"]] == [
        "Observation", "Observation", "Patient", "Patient",
    ]  # fmt: skip


def test_pages_of_a_history_stay_what_they_were() -> None:
    mine = chart()
    for day in range(1, 6):
        call(mine, "POST", "Observation", weight(70, day))
    seen: list[str] = []
    url: str | None = "Observation/_history?_count=2"
    while url:
        _, bundle = call(mine, "GET", url)
        seen += [entry["resource"]["effectiveDateTime"][-2:] for entry in bundle["entry"]]
        call(mine, "POST", "Observation", weight(99, 28))
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    assert seen == ["05", "04", "03", "02", "01"]


def test_since_leaves_out_the_older() -> None:
    mine = chart()
    call(mine, "POST", "Observation", weight(70))
    mine.now = "2026-01-16T09:00:00Z"
    call(mine, "POST", "Observation", weight(71))
    _, bundle = call(mine, "GET", "_history?_since=2026-01-16T00:00:00Z")
    assert [e["resource"]["valueQuantity"]["value"] for e in bundle["entry"]] == [71]


@pytest.mark.parametrize("place", ["Patient/p1", "Patient"])
def test_a_history_shows_the_parts_that_are_asked_for(place: str) -> None:
    mine = chart()
    call(mine, "PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1", "gender": "other"})
    call(mine, "DELETE", "Patient/p1")
    _, bundle = call(mine, "GET", f"{place}/_history?_elements=gender&_count=2&_pretty=true")
    deleted, changed = bundle["entry"]
    assert "resource" not in deleted
    assert set(changed["resource"]) == {"resourceType", "id", "meta", "gender"}
    assert changed["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_the_history_of_everything_takes_a_summary() -> None:
    _, bundle = call(chart(), "GET", "_history?_summary=text")
    assert {frozenset(entry["resource"]) for entry in bundle["entry"]} == {
        frozenset({"resourceType", "id", "meta"})
    }


@pytest.mark.parametrize(
    ("url", "status", "mend"),
    [
        ("Patient/nobody/_history", 404, "never a Patient with id 'nobody'"),
        ("Patient/_history?_count=0", 400, "_count is a whole number from 1"),
        ("Patient/_history?_since=yesterday", 400, "_since is an instant"),
        ("Patient/_history?_since=2026-01-01", 400, "_since is an instant"),
        ("Patient/_history?_page=x", 400, "Follow the next link"),
        ("Patient/_history?_page=9.0", 400, "Follow the next link"),
        ("Patient/_history?name=x", 400, "A history takes _count"),
        ("Patient/_history?_elements=foo", 400, "Patient has no element 'foo'"),
        ("_history?_elements=id", 400, "ask for TYPE/_history"),
    ],
)
def test_a_bad_history_request_is_refused(url: str, status: int, mend: str) -> None:
    found: tuple[int, Any] = call(chart(), "GET", url)
    assert (found[0], mend in says(found[1])) == (status, True), found
