"""The envelope of a batch or transaction, and what the answer says of each entry."""

from __future__ import annotations

from typing import Any

import pytest

from bedside.fhir_server.policy import Policy
from tests.fhir_server.charts import NOW, Json, call, chart, says, weight
from tests.fhir_server.test_batch import MOTHER, NOTE, about, bundle, entry, known, statuses


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("more", "path"),
    [({"foo": 1}, "Bundle.foo"), ({"total": 3}, "Bundle"), ({"timestamp": "now"}, "Bundle.t")],
)
def test_a_bundle_is_valid_as_any_resource(kind: str, more: Json, path: str) -> None:
    mine = chart()
    sent = {**bundle(kind, entry("POST", "Observation", weight(70))), **more}
    status, outcome = call(mine, "POST", "", sent)
    assert (status, outcome["issue"][0]["expression"][0][: len(path)]) == (400, path)
    assert mine.changes() == ()


BAD_ENTRIES = [
    ({**entry("GET", "Patient/p1"), "bar": 1}, "Bundle.entry[1].bar"),
    ({**entry("GET", "Patient/p1"), "fullUrl": 5}, "Bundle.entry[1].fullUrl"),
    (entry("GET", "Patient/p1", full_url="http://x/Patient/1/_history/2"), "Bundle.entry[1]"),
    (entry("GET", "Patient/p1", ifNoneMatch=5), "Bundle.entry[1].request.ifNoneMatch"),  # type: ignore[arg-type]
    (entry("GET", "Patient/p1", ifMach="1"), "Bundle.entry[1].request.ifMach"),
]


@pytest.mark.parametrize(("bad", "path"), BAD_ENTRIES)
def test_a_transaction_with_an_entry_that_is_not_valid_does_nothing(bad: Json, path: str) -> None:
    mine = chart()
    sent = bundle("transaction", entry("POST", "Observation", weight(70)), bad)
    status, outcome = call(mine, "POST", "", sent)
    assert (status, outcome["issue"][0]["expression"]) == (400, [path])
    assert mine.changes() == ()


@pytest.mark.parametrize(("bad", "path"), BAD_ENTRIES)
def test_in_a_batch_the_entry_that_is_not_valid_alone_is_refused(bad: Json, path: str) -> None:
    sent = bundle("batch", entry("POST", "Observation", weight(70)), bad)
    status, answer = call(chart(), "POST", "", sent)
    assert (status, statuses(answer)) == (200, ["201", "400"])
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == [path]


def test_a_lenient_chart_reads_what_the_envelope_means() -> None:
    mine = chart(policy=Policy(validation="lenient"))
    odd = {**entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}), "bar": 1}
    odd["request"]["ifMatch"] = 7
    status, answer = call(mine, "POST", "", {**bundle("batch", odd, {}), "foo": 1})
    assert (status, statuses(answer)) == (200, ["412", "400"])


def test_the_expression_of_a_failing_entry_is_the_path_of_the_element() -> None:
    wrong = {"resourceType": "Patient", "gender": "x"}
    sent = bundle("transaction", entry("GET", "Patient/p1"), entry("POST", "Patient", wrong))
    _, outcome = call(chart(), "POST", "", sent)
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("preferred", ["representation", "minimal", "OperationOutcome"])
def test_an_answer_says_when_each_resource_was_changed(kind: str, preferred: str) -> None:
    mine = chart()
    mine.now = "2026-01-15T10:00:00.250+01:00"
    sent = bundle(
        kind,
        entry("POST", "Observation", weight(70)),
        entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}),
        entry("GET", "Patient/p1"),
        entry("DELETE", "Patient/p2"),
    )
    _, answer = call(mine, "POST", "", sent, {"Prefer": f"return={preferred}"})
    created, changed, read, deleted = answer["entry"]
    said = mine.now if preferred == "representation" else NOW
    assert [each["response"].get("lastModified") for each in answer["entry"]] == [
        said, said, mine.now, None,
    ]  # fmt: skip
    assert read["resource"]["meta"]["lastUpdated"] == mine.now
    assert "resource" not in deleted and says(deleted["response"]["outcome"])
    assert ("resource" in created, "resource" in changed) == (preferred == "representation",) * 2
    told = [
        says(each["response"]["outcome"]) for each in answer["entry"][:2] if preferred[0] == "O"
    ]
    assert told in ([], ["Stored as version 1.", "Stored as version 2."])


def test_the_outcome_an_operation_returns_is_its_resource() -> None:
    sent = bundle("batch", entry("POST", "Patient/$validate", {"resourceType": "Patient"}))
    _, answer = call(chart(), "POST", "", sent, {"Prefer": "return=OperationOutcome"})
    assert "valid R4" in says(answer["entry"][0]["resource"])


@pytest.mark.parametrize("integrity", [False, True])
@pytest.mark.parametrize("reference", [NOTE, f"{MOTHER}/_history/1", "urn:oid:1.2.3"])
def test_a_link_to_the_address_of_no_entry_is_refused(reference: str, integrity: bool) -> None:
    mine = chart(policy=Policy(integrity=integrity))
    sent = bundle(
        "transaction",
        entry("POST", "Patient", known("1"), MOTHER),
        entry("POST", "Observation", about(reference)),
    )
    status, outcome = call(mine, "POST", "", sent)
    path = "Bundle.entry[1].resource.subject.reference"
    assert (status, outcome["issue"][0]["expression"]) == (422, [path])
    assert mine.changes() == ()


def test_links_within_a_bundle_that_is_stored_are_its_own() -> None:
    kept = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": about(NOTE)}, {"fullUrl": NOTE, "resource": known("1")}],
    }
    status, _ = call(chart(), "POST", "", bundle("transaction", entry("POST", "Bundle", kept)))
    assert status == 200


def test_a_conditional_reference_in_a_batch_is_refused() -> None:
    seen = entry("POST", "Observation", about("Patient?name=alder"))
    _, answer = call(chart(), "POST", "", bundle("batch", seen))
    assert statuses(answer) == ["422"]


def test_what_a_transaction_asks_not_to_overwrite_stays() -> None:
    kept: Any = entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}, ifNoneMatch="*")
    assert call(chart(), "POST", "", bundle("transaction", kept))[0] == 412
