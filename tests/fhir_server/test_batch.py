"""Batches, where each entry stands alone, and transactions, which are all or nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.fhir_server.charts import Json, call, chart, ids, says, weight


def entry(method: str, url: str, resource: Any = None, full_url: str = "", **more: str) -> Json:
    made: Json = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def statuses(answer: Json) -> list[str]:
    return [part["response"]["status"] for part in answer["entry"]]


def test_a_batch_carries_out_what_it_can() -> None:
    mine = chart()
    status, answer = call(
        mine,
        "POST",
        "",
        bundle(
            "batch",
            entry("POST", "Observation", weight(70)),
            entry("POST", "Observation", {"resourceType": "Observation"}),
            entry("GET", "Patient/p1"),
            entry("GET", "Patient/nobody"),
        ),
    )
    assert (status, answer["type"]) == (200, "batch-response")
    assert statuses(answer) == ["201", "422", "200", "404"]
    assert "Observation." in answer["entry"][1]["response"]["outcome"]["issue"][0]["expression"][0]
    assert answer["entry"][2]["resource"]["id"] == "p1"


def test_a_transaction_links_what_it_creates() -> None:
    mine = chart()
    mother, note = "urn:uuid:6f9b1f0e-0000-4000-8000-000000000001", "urn:oid:1.2.3"
    related = {
        "resourceType": "RelatedPerson",
        "patient": {"reference": mother},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": mother}],
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{mother}">m</a></div>',
        },
    }
    seen = weight(70)
    seen["subject"] = {"reference": "Patient?name=alder"}
    seen["derivedFrom"] = [{"reference": "http://x.org/fhir/Observation/tmp"}]
    status, answer = call(
        mine,
        "POST",
        "",
        bundle(
            "transaction",
            entry("POST", "RelatedPerson", related, note),
            entry("POST", "Patient", {"resourceType": "Patient"}, mother),
            entry("POST", "Observation", weight(60), "http://x.org/fhir/Observation/tmp"),
            entry("POST", "Observation", seen),
        ),
    )
    assert (status, statuses(answer)) == (200, ["201"] * 4), answer
    person, patient, first, second = [part["resource"] for part in answer["entry"]]
    place = f"Patient/{patient['id']}"
    assert person["patient"] == {"reference": place}
    assert person["identifier"][0]["value"] == mother
    assert f'href="{place}"' in person["text"]["div"]
    assert second["subject"] == {"reference": "Patient/p1"}
    assert second["derivedFrom"] == [{"reference": f"Observation/{first['id']}"}]


def test_a_transaction_runs_in_the_order_of_the_specification() -> None:
    mine = chart(weight(70, id="w1"))
    _, answer = call(
        mine,
        "POST",
        "",
        bundle(
            "transaction",
            entry("GET", "Observation?patient=p1&_sort=date"),
            entry("PUT", "Observation/w2", weight(72, 2, id="w2")),
            entry("POST", "Observation", weight(73, 3)),
            entry("DELETE", "Observation/w1"),
        ),
    )
    found = [e["resource"]["effectiveDateTime"] for e in answer["entry"][0]["resource"]["entry"]]
    assert found == ["2025-03-02", "2025-03-03"]
    assert [version.method for version in mine.log] == ["DELETE", "POST", "PUT"]


@pytest.mark.parametrize(
    ("entries", "status", "mend"),
    [
        (
            [
                entry("POST", "Observation", weight(70)),
                entry("POST", "Observation", {"resourceType": "Observation"}),
            ],
            422,
            "Bundle.entry[1]: Observation.",
        ),
        (
            [entry("DELETE", "Patient/p1"), entry("GET", "Patient/p1")],
            410,
            "Bundle.entry[1]: Patient/p1 was deleted",
        ),
        (
            [
                entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}),
                entry("DELETE", "Patient/p1"),
            ],
            400,
            "changed twice",
        ),
        ([entry("POST", "Foo", {"resourceType": "Foo"})], 404, "Bundle.entry[0]: Unknown resource"),
        (
            [
                entry(
                    "POST",
                    "Observation",
                    {**weight(70), "subject": {"reference": "Patient?name=nobody"}},
                )
            ],
            412,
            "No resource matches the conditional reference",
        ),
    ],
)
def test_a_failing_transaction_leaves_no_mark(entries: list[Json], status: int, mend: str) -> None:
    mine = chart()
    found, outcome = call(mine, "POST", "", bundle("transaction", *entries))
    assert (found, mend in says(outcome)) == (status, True), outcome
    assert (mine.changes(), list(mine.log)) == ((), [])


def test_conditional_entries_lead_to_what_is_there() -> None:
    mine = chart()
    address = "urn:uuid:6f9b1f0e-0000-4000-8000-000000000002"
    known = {"resourceType": "Patient", "name": [{"family": "Alder"}]}
    seen = weight(70)
    seen["subject"] = {"reference": address}
    _, answer = call(
        mine,
        "POST",
        "",
        bundle(
            "transaction",
            entry("POST", "Observation", seen),
            entry("POST", "Patient", known, address, ifNoneExist="name=alder"),
        ),
    )
    assert statuses(answer) == ["201", "200"]
    assert answer["entry"][0]["resource"]["subject"] == {"reference": "Patient/p1"}
    new = "urn:uuid:6f9b1f0e-0000-4000-8000-000000000003"
    seen["subject"] = {"reference": new}
    _, answer = call(
        mine,
        "POST",
        "",
        bundle(
            "transaction",
            entry("POST", "Observation", seen),
            entry("PUT", "Patient?name=cedar", {"resourceType": "Patient"}, new),
        ),
    )
    created = answer["entry"][1]["resource"]["id"]
    assert answer["entry"][0]["resource"]["subject"] == {"reference": f"Patient/{created}"}


def test_a_patch_in_a_bundle_is_a_binary() -> None:
    mine = chart()
    patch = json.dumps([{"op": "replace", "path": "/gender", "value": "other"}]).encode()
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(patch).decode(),
    }
    _, answer = call(mine, "POST", "", bundle("batch", entry("PATCH", "Patient/p1", binary)))
    assert statuses(answer) == ["200"]
    assert call(mine, "GET", "Patient/p1")[1]["gender"] == "other"


@pytest.mark.parametrize(
    ("body", "mend"),
    [
        ({"resourceType": "Patient"}, "takes a Bundle of type"),
        (bundle("collection"), "takes a Bundle of type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": 3}, "an array of objects"),
        (bundle("transaction", {}), "request is required"),
        (bundle("transaction", entry("BREW", "Patient")), "request.method is 'BREW'"),
        (bundle("transaction", {"request": {"method": "GET"}}), "request.url is required"),
        (b"", "There is no body"),
    ],
)
def test_what_is_no_batch_is_refused(body: Any, mend: str) -> None:
    status, outcome = call(chart(), "POST", "", body)
    assert (status, mend in says(outcome)) == (400, True), outcome


def test_an_empty_transaction_is_nothing_done() -> None:
    assert call(chart(), "POST", "", {"resourceType": "Bundle", "type": "transaction"}) == (
        200,
        {"resourceType": "Bundle", "type": "transaction-response"},
    )


def test_what_a_transaction_created_is_found() -> None:
    mine = chart()
    call(mine, "POST", "", bundle("transaction", entry("POST", "Observation", weight(70))))
    assert len(ids(call(mine, "GET", "Observation?patient=p1")[1])) == 1
