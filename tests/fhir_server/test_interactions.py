"""Update, patch, delete, versions, and the conditional forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedside.fhir_server.policy import Policy
from tests.fhir_server.charts import NOW, Json, call, chart, ids, says, weight

REPLACE = [{"op": "replace", "path": "/gender", "value": "other"}]


def test_each_write_is_a_version_that_can_be_read() -> None:
    mine = chart()
    call(mine, "PATCH", "Patient/p1", REPLACE)
    call(mine, "DELETE", "Patient/p1")
    back = {"resourceType": "Patient", "id": "p1"}
    assert call(mine, "PUT", "Patient/p1", back)[0] == 201
    assert call(mine, "GET", "Patient/p1/_history/1")[1]["gender"] == "female"
    assert call(mine, "GET", "Patient/p1/_history/2")[1]["gender"] == "other"
    status, outcome = call(mine, "GET", "Patient/p1/_history/3")
    assert (status, "was deleted" in says(outcome)) == (410, True)
    assert call(mine, "GET", "Patient/p1/_history/4")[1]["meta"]["versionId"] == "4"
    assert call(mine, "GET", "Patient/p1/_history/5")[0] == 404


def test_what_is_deleted_is_gone_and_found_no_more() -> None:
    mine = chart()
    assert call(mine, "DELETE", "Patient/p1")[0] == 200
    response = mine.request("GET", "Patient/p1")
    assert (response.status, response.headers["ETag"]) == (410, 'W/"2"')
    assert ids(call(mine, "GET", "Patient")[1]) == ["p2"]
    status, outcome = call(mine, "DELETE", "Patient/p1")
    assert (status, says(outcome)) == (200, "There is no Patient/p1 to delete.")
    (change,) = mine.changes()
    assert (change.id, change.after) == ("p1", None)
    assert change.before is not None


def test_a_resource_created_and_deleted_again_is_no_change() -> None:
    mine = chart()
    _, new = call(mine, "POST", "Observation", weight(70))
    call(mine, "DELETE", f"Observation/{new['id']}")
    assert mine.changes() == ()


@pytest.mark.parametrize(
    ("patch", "status", "mend"),
    [
        ([{"op": "replace", "path": "/nope/0", "value": 1}], 422, "does not fit Patient/p1"),
        ([{"op": "test", "path": "/gender", "value": "male"}], 422, "A test of the patch failed"),
        ([{"op": "replace", "path": "/id", "value": "x"}], 422, "cannot change the id"),
        ([{"op": "remove", "path": "/resourceType"}], 422, "cannot change resourceType"),
        ([{"op": "replace", "path": "", "value": []}], 422, "cannot change resourceType"),
        ([{"op": "add", "path": "/foo", "value": 1}], 422, "Patient.foo"),
        ([{"op": "replace", "path": "/gender", "value": "x"}], 422, "Patient.gender"),
        ([{"op": "brew"}], 400, "has a JSON Patch as body"),
        ([{"op": "add", "path": 3, "value": 1}], 422, "does not fit"),
        ([{"op": "move", "path": "/gender"}], 422, "does not fit"),
        ([], 400, "has a JSON Patch as body"),
        ({"op": "add"}, 400, "has a JSON Patch as body"),
        (b"[", 400, "not valid JSON"),
        (None, 400, "There is no body"),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(patch: Any, status: int, mend: str) -> None:
    mine = chart()
    found, outcome = call(mine, "PATCH", "Patient/p1", patch)
    assert (found, mend in says(outcome)) == (status, True), outcome
    assert mine.changes() == ()


@pytest.mark.parametrize(
    "media_type", ["application/merge-patch+json", "application/json; charset=utf-8"]
)
def test_an_object_is_merged_into_the_resource(media_type: str) -> None:
    mine = chart(weight(70, id="w1"))
    patch = {
        "status": "amended",
        "code": {"text": "weight"},
        "effectiveDateTime": None,
        "note": [{"text": "by hand"}],
        "valueQuantity": {"unit": None, "value": 71.5},
    }
    status, merged = call(mine, "PATCH", "Observation/w1", patch, {"Content-Type": media_type})
    assert (status, merged["status"], merged["note"]) == (200, "amended", [{"text": "by hand"}])
    assert merged["code"] == {**weight(70)["code"], "text": "weight"}
    assert merged["valueQuantity"] == {"value": 71.5}
    assert "effectiveDateTime" not in merged
    assert ids(call(mine, "GET", "Observation?value-quantity=71.5")[1]) == ["w1"]


@pytest.mark.parametrize(
    ("patch", "status", "mend"),
    [
        ({"id": "other"}, 422, "cannot change the id"),
        ({"resourceType": None}, 422, "cannot change resourceType"),
        ({"gender": {"a": None}}, 422, "Patient.gender"),
        (b'{"gender":"male","gender":"other"}', 400, "'gender' twice"),
        (b"3", 400, "has a JSON Patch as body"),
    ],
)
def test_a_merge_that_cannot_be_done_changes_nothing(patch: Any, status: int, mend: str) -> None:
    mine = chart()
    headers = {"Content-Type": "application/merge-patch+json"}
    found, outcome = call(mine, "PATCH", "Patient/p1", patch, headers)
    assert (found, mend in json.dumps(outcome)) == (status, True), outcome
    assert mine.changes() == ()


def test_a_patch_keeps_the_digits_of_decimals() -> None:
    mine = chart()
    text = (
        b'{"resourceType":"Observation","id":"w","status":"final","code":{"text":"weight"},'
        b'"valueQuantity":{"value":70.500,"unit":"kg"}}'
    )
    assert mine.request("PUT", "Observation/w", None, text).status == 201
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    assert b"70.500" in mine.request("PATCH", "Observation/w", None, patch).body


def test_conditional_update_and_delete_mean_the_one_that_matches() -> None:
    mine = chart(weight(70, id="w1"), weight(71, 2, id="w2"))
    changed = weight(72, 2)
    status, stored = call(mine, "PUT", "Observation?date=2025-03-02", changed)
    assert (status, stored["id"], stored["meta"]["versionId"]) == (200, "w2", "2")
    assert call(mine, "PUT", "Observation?date=2025-03-09", weight(80, 9))[0] == 201
    assert call(mine, "PUT", "Observation?date=2020", weight(80, id="mine"))[1]["id"] == "mine"
    status, outcome = call(mine, "PUT", "Observation?patient=p1", changed)
    assert (status, "make it narrower" in says(outcome)) == (412, True)
    assert call(mine, "DELETE", "Observation?patient=p1")[0] == 412
    assert call(mine, "DELETE", "Observation?date=2025-03-02")[0] == 200
    assert call(mine, "GET", "Observation/w2")[0] == 410
    assert "Nothing matches" in says(call(mine, "DELETE", "Observation?date=1999")[1])
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    assert call(mine, "PATCH", "Observation?_id=w1", patch)[1]["status"] == "amended"
    assert call(mine, "PATCH", "Observation?_id=none", patch)[0] == 404


def test_conditional_update_whose_body_names_another_id_is_refused() -> None:
    mine = chart(weight(70, id="w1"))
    status, outcome = call(mine, "PUT", "Observation?_id=w1", weight(71, id="other"))
    assert (status, "must be equal" in says(outcome)) == (400, True)


def test_conditional_create() -> None:
    mine = chart(weight(70, id="w1"))
    once = {"If-None-Exist": "date=2025-03-01"}
    assert call(mine, "POST", "Observation", weight(70), once)[1]["id"] == "w1"
    assert mine.changes() == ()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": 'W/"1"'}, 304),
        ({"If-None-Match": 'W/"3", W/"1"'}, 304),
        ({"If-None-Match": "1"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-Modified-Since": "Thu, 15 Jan 2026 09:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Thu Jan 15 09:00:00 2026"}, 304),
        ({"If-Modified-Since": "Fri, 16 Jan 2026 09:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Thu, 15 Jan 2026 08:59:59 GMT"}, 200),
        ({"If-Modified-Since": "Thu, 15 Jan 2026 10:00:00 +0500"}, 200),
        ({"If-Modified-Since": "Thu, 15 Jan 2026 10:00:00 +0100"}, 304),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Fri, 16 Jan 2026 09:00:00 GMT", "If-None-Match": 'W/"2"'}, 200),
    ],
)
def test_a_client_that_has_the_version_is_not_sent_it(headers: Json, status: int) -> None:
    mine = chart()
    mine.now = "2026-01-15T10:00:00.700+01:00"
    call(mine, "PUT", "Observation/w1", weight(70, id="w1"))
    response = mine.request("GET", "Observation/w1", headers)
    assert (response.status, response.body == b"") == (status, status == 304)
    assert response.headers["Last-Modified"] == "Thu, 15 Jan 2026 09:00:00 GMT"


def test_if_modified_since_means_nothing_where_no_time_is_known() -> None:
    since = {"If-Modified-Since": "Fri, 16 Jan 2026 09:00:00 GMT"}
    assert call(chart(), "GET", "Patient/p1", headers=since)[0] == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_guards_against_another_version(method: str) -> None:
    mine = chart()
    body = {
        "PUT": {"resourceType": "Patient", "id": "p1"},
        "PATCH": REPLACE,
        "DELETE": None,
    }[method]
    status, outcome = call(mine, method, "Patient/p1", body, {"If-Match": 'W/"7"'})
    assert (status, "current version is 1" in says(outcome)) == (412, True)
    assert call(mine, method, "Patient/p1", body, {"if-match": 'W/"7", W/"1"'})[0] == 200


def test_if_match_with_a_star_asks_for_any_version() -> None:
    mine, any_version = chart(), {"If-Match": "*"}
    assert call(mine, "PATCH", "Patient/p1", REPLACE, any_version)[0] == 200
    body = {"resourceType": "Patient", "id": "new"}
    assert call(mine, "PUT", "Patient/new", body, any_version)[0] == 412


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tags", ["*", 'W/"1"', 'W/"7", W/"1"'])
def test_if_none_match_guards_what_is_there(method: str, tags: str) -> None:
    mine = chart()
    body = {"PUT": {"resourceType": "Patient", "id": "p1"}, "PATCH": REPLACE, "DELETE": None}
    status, outcome = call(mine, method, "Patient/p1", body[method], {"If-None-Match": tags})
    assert (status, "version 1 is there" in says(outcome)) == (412, True)
    assert mine.changes() == ()


def test_if_none_match_lets_a_new_resource_pass() -> None:
    mine, once = chart(), {"If-None-Match": "*"}
    body = {"resourceType": "Patient", "id": "new"}
    assert call(mine, "PUT", "Patient/new", body, once)[0] == 201
    assert call(mine, "PUT", "Patient/new", body, once)[0] == 412
    assert call(mine, "PUT", "Patient/new", body, {"If-None-Match": 'W/"7"'})[0] == 200


@pytest.mark.parametrize("place", ["Patient/p1", "Patient/p1/_history/1"])
@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("_elements=gender", {"gender"}),
        ("_elements=gender,active", {"gender"}),
        ("_summary=text", set()),
        ("_summary=data", {"name", "gender"}),
        ("_summary=false", {"name", "gender"}),
        ("_pretty=true", {"name", "gender"}),
    ],
)
def test_a_read_shows_the_parts_that_are_asked_for(
    place: str, query: str, members: set[str]
) -> None:
    status, patient = call(chart(), "GET", f"{place}?{query}")
    assert (status, set(patient) - {"resourceType", "id", "meta"}) == (200, members)
    whole = query in ("_summary=false", "_pretty=true")
    assert ("tag" in patient.get("meta", {})) == (not whole)


def test_the_capability_statement_has_a_summary() -> None:
    _, statement = call(chart(), "GET", "metadata?mode=full&_summary=true&_pretty=true")
    assert statement["resourceType"] == "CapabilityStatement" and "format" in statement
    assert "implementation" in statement and "patchFormat" in statement


def test_a_write_takes_pretty() -> None:
    patient = {"resourceType": "Patient"}
    assert call(chart(), "POST", "Patient?_pretty=true", patient)[0] == 201


@pytest.mark.parametrize("validation", ["strict", "lenient"])
def test_a_condition_is_no_reference_outside_a_transaction(validation: Any) -> None:
    mine = chart(policy=Policy(validation=validation))
    seen = {**weight(70), "subject": {"reference": "Patient?name=alder"}}
    status, outcome = call(mine, "POST", "Observation", seen)
    assert (status, "for transactions alone" in says(outcome)) == (422, True)
    assert outcome["issue"][0]["expression"] == ["Observation.subject.reference"]
    assert mine.changes() == ()


@pytest.mark.parametrize("urn", ["urn:uuid:6f9b1f0e-0000-4000-8000-000000000009", "urn:oid:1.2.3"])
def test_integrity_refuses_a_urn_but_for_the_links_in_a_bundle(urn: str) -> None:
    mine = chart(policy=Policy(integrity=True))
    seen = {**weight(70), "subject": {"reference": urn}}
    status, outcome = call(mine, "POST", "Observation", seen)
    assert (status, outcome["issue"][0]["expression"]) == (422, ["Observation.subject.reference"])
    entries = [{"fullUrl": urn, "resource": {"resourceType": "Patient"}}, {"resource": seen}]
    kept = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert call(mine, "POST", "Bundle", kept)[0] == 201


def test_preferences_say_what_a_write_returns() -> None:
    mine = chart()
    minimal = mine.request("POST", "Observation", {"Prefer": "return=minimal"}, weight(70))
    assert (minimal.status, minimal.body) == (201, b"")
    assert minimal.headers["Location"].startswith("https://bedside.dev/fhir/Observation/")
    told = call(mine, "POST", "Observation", weight(71), {"Prefer": "return=OperationOutcome"})
    assert says(told[1]) == "Stored as version 1."


def test_integrity_refuses_references_that_lead_nowhere() -> None:
    mine = chart(weight(70, id="w1"), policy=Policy(integrity=True))
    status, outcome = call(mine, "POST", "Observation", weight(70, patient="nobody"))
    assert (status, "Patient/nobody, which is not there" in says(outcome)) == (422, True)
    status, outcome = call(mine, "DELETE", "Patient/p1")
    assert (status, says(outcome)) == (
        409,
        "Observation/w1 refers to Patient/p1; delete or change it first.",
    )
    assert call(mine, "DELETE", "Patient/p2")[0] == 200


def test_head_is_get_without_the_body() -> None:
    mine = chart()
    head, get = mine.request("HEAD", "Patient/p1"), mine.request("GET", "Patient/p1")
    length = {"Content-Length": str(len(get.body))}
    assert (head.status, head.headers, head.body) == (200, {**get.headers, **length}, b"")
    unchanged = mine.request("HEAD", "Patient/p1", {"If-None-Match": "*"})
    assert (unchanged.status, "Content-Length" in unchanged.headers) == (304, False)


def test_time_is_what_the_clock_says() -> None:
    mine = chart()
    _, stored = call(mine, "POST", "Observation", weight(70))
    assert stored["meta"] == {"versionId": "1", "lastUpdated": NOW}


@pytest.mark.parametrize("query", ["_format=json", "_sort=_id", ""])
def test_a_condition_asks_for_something(query: str) -> None:
    mine = chart()
    patient = {"resourceType": "Patient"}
    status, _ = call(mine, "DELETE", f"Patient?{query}")
    assert status in (400, 405)
    status, _ = call(mine, "PUT", f"Patient?{query}", patient)
    assert status in (400, 405)
    status, _ = call(mine, "POST", "Patient", patient, {"If-None-Exist": query})
    assert status == 400 and not mine.log


def test_a_search_parameter_that_cannot_be_served_is_stored_and_says_so() -> None:
    parameter = {
        "resourceType": "SearchParameter", "url": "http://x.org/sp", "name": "zz", "code": "zz",
        "status": "active", "description": "d", "base": ["Patient"], "type": "string",
        "expression": "Patient.name.given.last()",
    }  # fmt: skip
    stored = chart().request("POST", "SearchParameter", None, parameter)
    assert stored.status == 201 and "cannot be searched by for Patient" in stored.headers["Warning"]
    served = parameter | {"expression": "Patient.name.given"}
    assert "Warning" not in chart().request("POST", "SearchParameter", None, served).headers
