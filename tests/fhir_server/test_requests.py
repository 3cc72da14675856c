"""What all requests share: headers, conditions, forms, and what a fault of the server is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fhir_server.charts import call, chart, ids, says, weight


def test_a_header_of_none_is_no_header() -> None:
    headers: Any = {"Prefer": None, "If-Match": None}
    assert chart().request("POST", "Observation", headers, weight(70)).status == 201


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("POST", "Patient", {"If-None-Exist": "Patient?_id=p1"}),
        ("PUT", "Patient?Patient?_id=p1", {}),
    ],
)
def test_a_condition_does_not_repeat_the_type(method: str, url: str, headers: Any) -> None:
    status, outcome = call(chart(), method, url, {"resourceType": "Patient"}, headers)
    assert (status, "drop 'Patient?' from it" in says(outcome)) == (400, True)


@pytest.mark.parametrize(
    ("url", "form", "found"),
    [
        ("Patient/p1/Observation/_search", "date=2025-03-01", ["w1"]),
        ("Patient/p1/Observation/_search?_sort=-date", {"status": "final"}, ["w2", "w1"]),
        ("Patient/p2/Observation/_search", None, []),
        ("Patient/p1/*/_search", {"_type": "Observation", "_id": "w2"}, ["w2"]),
    ],
)
def test_a_compartment_is_searched_by_form(url: str, form: Any, found: list[str]) -> None:
    mine = chart(weight(70, id="w1"), weight(71, 2, id="w2"))
    status, bundle = call(mine, "POST", url, form)
    assert (status, ids(bundle)) == (200, found)
    assert bundle["link"][0]["url"].partition("?")[0].endswith(url.partition("/_search")[0])


def test_a_fault_of_the_server_is_said_and_logged_and_leaves_no_mark(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RecursionError("a secret of the inside")

    mine = chart()
    monkeypatch.setattr("bedside.fhir_server.interactions.written", fail)
    response = mine.request("POST", "Observation", None, weight(70))
    assert (response.status, mine.changes(), list(mine.log)) == (500, (), [])
    outcome = json.loads(response.body)
    assert "the fault is its own" in says(outcome)
    assert outcome["issue"][0]["code"] == "exception"
    assert b"secret" not in response.body and b"Traceback" not in response.body
    assert "POST Observation failed" in caplog.text and "a secret of the inside" in caplog.text
