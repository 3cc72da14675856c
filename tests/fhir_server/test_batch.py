"""Batches, where each entry stands alone, and transactions, which are all or nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bedside.fhir_server.policy import Policy
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


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        ("application/json-patch+json", [{"op": "replace", "path": "/gender", "value": "other"}]),
        ("application/merge-patch+json", {"gender": "other"}),
    ],
)
def test_a_patch_in_a_bundle_is_a_binary(content_type: str, patch: Any) -> None:
    mine = chart()
    binary = {
        "resourceType": "Binary",
        "contentType": content_type,
        "data": base64.b64encode(json.dumps(patch).encode()).decode(),
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


MOTHER, CHILD, NOTE = (f"urn:uuid:6f9b1f0e-0000-4000-8000-00000000000{n}" for n in range(3))


def known(number: str) -> Json:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": number}]}


def about(reference: str, **more: Any) -> Json:
    return {**weight(70), "subject": {"reference": reference}, **more}


def subject_of(part: Json) -> str:
    return str(part["resource"]["subject"]["reference"])


def id_of(part: Json) -> str:
    return f"{part['resource']['resourceType']}/{part['resource']['id']}"


def test_equal_conditions_mean_one_new_resource() -> None:
    once = {"ifNoneExist": "identifier=urn:s|1"}
    sent = bundle(
        "transaction",
        entry("POST", "Patient", known("1"), MOTHER, **once),
        entry("POST", "Patient", known("1"), CHILD, **once),
        entry("POST", "Observation", about(CHILD)),
    )
    mine = chart()
    status, answer = call(mine, "POST", "", sent)
    assert (status, statuses(answer)) == (200, ["201", "200", "201"])
    first, second, seen = answer["entry"]
    assert id_of(first) == id_of(second) == subject_of(seen)


def test_a_condition_is_judged_after_what_is_deleted() -> None:
    mine = chart({**known("1"), "id": "old"})
    sent = bundle(
        "transaction",
        entry("POST", "Patient", known("1"), MOTHER, ifNoneExist="identifier=urn:s|1"),
        entry("POST", "Observation", about(MOTHER)),
        entry("DELETE", "Patient/old"),
    )
    status, answer = call(mine, "POST", "", sent)
    assert (status, statuses(answer)) == (200, ["201", "201", "200"])
    assert id_of(answer["entry"][0]) == subject_of(answer["entry"][1]) != "Patient/old"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_transaction_whose_conditions_depend_on_itself_fails(method: str) -> None:
    mine = chart()
    second = (
        entry("PUT", "Patient?identifier=urn:s|1", known("1"), CHILD)
        if method == "PUT"
        else entry("POST", "Patient", known("1"), CHILD, ifNoneExist="identifier=1")
    )
    first = (
        entry("PUT", "Patient?identifier=urn:s|1", known("1"), MOTHER)
        if method == "PUT"
        else entry("POST", "Patient", known("1"), MOTHER, ifNoneExist="identifier=urn:s|1")
    )
    status, answer = call(mine, "POST", "", bundle("transaction", first, second))
    assert status in (400, 412) and not mine.log
    assert "Bundle.entry[1]" in says(answer)


@pytest.mark.parametrize("turned", [False, True])
def test_a_conditional_reference_finds_what_the_transaction_writes(turned: bool) -> None:
    mine = chart()
    entries = [
        entry("POST", "Patient", known("7")),
        entry("POST", "Observation", about("Patient?identifier=urn:s|7")),
    ]
    status, answer = call(mine, "POST", "", bundle("transaction", *entries[:: -1 if turned else 1]))
    assert status == 200, answer
    patient, seen = answer["entry"][:: -1 if turned else 1]
    assert subject_of(seen) == id_of(patient)


def test_only_links_are_changed() -> None:
    link = f"<a href='{NOTE}'>n</a>"
    told = about(
        MOTHER,
        code={"text": NOTE, "coding": [{"code": NOTE, "display": NOTE}]},
        note=[{"text": NOTE}],
        extension=[
            {"url": "http://x.org/a", "valueString": NOTE},
            {"url": "http://x.org/b", "valueUri": NOTE},
            {"url": "http://x.org/c", "valueDecimal": 1},
        ],
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{NOTE} {link}</div>',
        },
    )
    sent = bundle(
        "transaction",
        entry("POST", "Observation", told),
        entry("POST", "Patient", known("1"), MOTHER),
        entry("POST", "Patient", known("2"), NOTE),
    )
    body = json.dumps(sent).replace('"valueDecimal": 1}', '"valueDecimal": 1.00E2}').encode()
    response = chart().request("POST", "", body=body)
    assert b'"valueDecimal":1.00E2' in response.body.replace(b": ", b":")
    seen, patient, other = (part["resource"] for part in json.loads(response.body)["entry"])
    place = f"Patient/{other['id']}"
    assert seen["subject"]["reference"] == f"Patient/{patient['id']}"
    assert seen["code"] == told["code"] and seen["note"] == told["note"]
    assert [e.get("valueString", e.get("valueUri")) for e in seen["extension"][:2]] == [NOTE, place]
    assert f"{NOTE} <a href='{place}'>" in seen["text"]["div"]


def test_two_entries_have_two_addresses() -> None:
    sent = bundle(
        "transaction",
        entry("POST", "Patient", known("1"), MOTHER),
        entry("POST", "Patient", known("2"), MOTHER),
    )
    status, answer = call(chart(), "POST", "", sent)
    assert status == 400 and "bdl-7" in says(answer)


def strictly_linked() -> Any:
    return chart(policy=Policy(integrity=True))


def test_integrity_is_that_of_the_whole_transaction() -> None:
    def linked(number: str, other: str) -> Json:
        return {**known(number), "link": [{"other": {"reference": other}, "type": "seealso"}]}

    mine = strictly_linked()
    circle = bundle(
        "transaction",
        entry("POST", "Observation", about("Patient/new")),
        entry("POST", "Patient", linked("1", CHILD), MOTHER),
        entry("POST", "Patient", linked("2", MOTHER), CHILD),
        entry("PUT", "Patient/new", {**known("3"), "id": "new"}),
    )
    status, answer = call(mine, "POST", "", circle)
    assert status == 200, answer
    seen = answer["entry"][0]["resource"]["id"]
    alone = bundle("transaction", entry("DELETE", "Patient/new"))
    both = bundle(
        "transaction",
        entry("DELETE", "Patient/new"),
        entry("DELETE", f"Observation/{seen}"),
    )
    assert call(mine, "POST", "", alone)[0] == 409
    assert call(mine, "POST", "", both)[0] == 200
    broken = bundle("transaction", entry("POST", "Observation", about("Patient/none")))
    status, answer = call(mine, "POST", "", broken)
    assert status == 422 and "Bundle.entry[0]" in says(answer)
    assert call(mine, "POST", "Observation", about("Patient/none"))[0] == 422
