"""The chart: reads see writes, refused writes leave no mark, charts do not touch each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedside.core.errors import CaseError
from bedside.fhir_server import Chart, Population, StartLayer

NOW = "2026-01-15T09:00:00Z"
LATER = "2026-01-15T09:05:00Z"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def condition(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": ICD, "code": "L40.0"}], "text": "Psoriasis vulgaris"},
        **more,
    }


POPULATION = Population.of(
    [
        {"resourceType": "Patient", "id": "p1", "gender": "female"},
        {"resourceType": "Patient", "id": "p2", "gender": "male"},
        condition(id="old"),
        condition(id="other", subject={"reference": "Patient/p2"}),
    ]
)
START = StartLayer.of([condition(id="start")])


def chart(seed: int = 7) -> Chart:
    return Chart(POPULATION, START, seed=seed, now=NOW)


def call(chart: Chart, method: str, url: str, body: Any = None, **headers: str) -> Any:
    response = chart.request(
        method, url, {k.replace("_", "-"): v for k, v in headers.items()}, body
    )
    return response.status, json.loads(response.body)


def ids(chart: Chart, search: str) -> list[str]:
    status, bundle = call(chart, "GET", search)
    assert status == 200, bundle
    found = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
    assert bundle["total"] == len(found)
    return found


def diagnostics(result: Any, status: int) -> str:
    assert result[0] == status, result
    assert result[1]["resourceType"] == "OperationOutcome"
    assert all(issue["severity"] == "error" and issue["code"] for issue in result[1]["issue"])
    return " ".join(issue["diagnostics"] for issue in result[1]["issue"])


def test_a_write_is_there_for_the_next_read_and_search() -> None:
    mine = chart()
    response = mine.request("POST", "Condition", None, condition())
    stored = json.loads(response.body)
    assert response.status == 201
    assert stored["meta"] == {"versionId": "1", "lastUpdated": NOW}
    assert response.headers["Location"].endswith(f"Condition/{stored['id']}/_history/1")
    assert mine.request("GET", f"Condition/{stored['id']}").body == response.body
    assert ids(mine, "Condition?patient=p1") == ["old", "start", stored["id"]]


def test_an_update_is_a_new_version_and_hides_the_old() -> None:
    mine = chart()
    mine.now = LATER
    changed = condition(id="old", code={"text": "Eczema"})
    status, stored = call(mine, "PUT", "Condition/old", changed)
    assert (status, stored["meta"]) == (200, {"versionId": "2", "lastUpdated": LATER})
    assert ids(mine, "Condition?patient=p1&code=L40.0") == ["start"]
    assert ids(mine, "Condition?code:text=eczema") == ["old"]
    assert mine.request("GET", "Condition/old").headers["ETag"] == 'W/"2"'


def test_an_update_of_an_unknown_id_creates_it() -> None:
    mine = chart()
    status, stored = call(mine, "PUT", "Condition/mine-1", condition(id="mine-1"))
    assert (status, stored["meta"]["versionId"]) == (201, "1")
    assert ids(mine, "Condition?_id=mine-1") == ["mine-1"]


def test_the_start_layer_hides_the_population() -> None:
    start = StartLayer.of([condition(id="old", subject={"reference": "Patient/p2"})])
    mine = Chart(POPULATION, start, seed=1, now=NOW)
    assert ids(mine, "Condition?patient=p1") == []
    assert ids(mine, "Condition?patient=p2") == ["other", "old"]


def test_charts_over_one_population_do_not_see_each_other() -> None:
    one, two = chart(1), chart(2)
    before = two.request("GET", "Condition?patient=p1").body
    digest = POPULATION.digest
    call(one, "POST", "Condition", condition())
    call(one, "PUT", "Condition/old", condition(id="old", code={"text": "x"}))
    call(one, "PUT", "Condition/start", condition(id="start", code={"text": "x"}))
    assert two.request("GET", "Condition?patient=p1").body == before
    assert two.changes() == ()
    assert POPULATION.digest == digest


def test_a_fork_is_equal_and_then_separate() -> None:
    one = chart()
    call(one, "POST", "Condition", condition())
    two = one.fork()
    assert two.changes() == one.changes()
    first = one.request("POST", "Condition", None, condition()).body
    assert two.request("POST", "Condition", None, condition()).body == first
    call(two, "POST", "Condition", condition())
    assert (len(one.changes()), len(two.changes())) == (2, 3)


def test_the_same_seed_and_requests_give_the_same_bytes() -> None:
    def play(seed: int) -> list[bytes]:
        mine = chart(seed)
        return [mine.request("POST", "Condition", None, condition()).body for _ in range(3)]

    assert play(1) == play(1)
    one, two = [[json.loads(body)["id"] for body in play(seed)] for seed in (1, 2)]
    assert len({*one, *two}) == 6
    assert not set(json.dumps(one)) - set('[]", 0123456789abcdef')


def test_a_refused_write_leaves_no_mark() -> None:
    mine, fresh = chart(), chart()
    assert call(mine, "POST", "Condition", {"resourceType": "Condition"})[0] == 422
    assert call(mine, "PUT", "Condition/old", {"resourceType": "Condition", "id": "old"})[0] == 422
    assert mine.changes() == ()
    create = ("POST", "Condition", None, condition())
    assert mine.request(*create).body == fresh.request(*create).body


def test_the_clients_json_is_kept_as_written() -> None:
    body = (
        '{"resourceType":"Observation","status":"final","code":{"text":"caf\\u00e9 \\/ \\"x\\""},'
        '"effectiveDateTime":"2026-01-15T10:00:00.10+05:30",'
        '"valueQuantity":{"value":1.10,"unit":"mg"},'
        '"component":[{"code":{"text":"a"},"valueQuantity":{"value":0.0000001}},'
        '{"code":{"text":"b"},"valueQuantity":{"value":1.0e2}}],'
        '"referenceRange":[{"low":{"value":12345678901234567890.123456789}}]}'
    )
    mine = chart()
    for sent in (body, body.encode()):
        stored = mine.request("POST", "Observation", None, sent)
        assert stored.status == 201, stored.body
        assert stored.body.startswith(body[:-1].encode())
        id = json.loads(stored.body)["id"]
        assert body[:-1].encode() in mine.request("GET", f"Observation?_id={id}").body
    assert len(ids(mine, "Observation?value-quantity=1.10")) == 2
    assert ids(mine, "Observation?value-quantity=1.20") == []


def test_the_clients_meta_is_kept_but_version_and_time_are_ours() -> None:
    meta = {"tag": [{"code": "t"}], "versionId": "99", "lastUpdated": "1999-01-01T00:00:00Z"}
    _, stored = call(chart(), "POST", "Condition", condition(meta=meta, id="theirs"))
    assert stored["meta"] == {"tag": [{"code": "t"}], "versionId": "1", "lastUpdated": NOW}
    assert stored["id"] != "theirs"


def test_what_the_caller_does_to_the_body_later_does_not_matter() -> None:
    mine, body = chart(), condition()
    _, stored = call(mine, "POST", "Condition", body)
    body["subject"]["reference"] = "Patient/p2"
    assert ids(mine, f"Condition?patient=p1&_id={stored['id']}") == [stored["id"]]


def test_changes_are_exactly_what_the_writes_changed() -> None:
    mine = chart()
    before = mine.request("GET", "Condition/old").body
    new = mine.request("POST", "Condition", None, condition()).body
    call(mine, "PUT", "Condition/old", condition(id="old", code={"text": "x"}))
    after = mine.request("GET", "Condition/old").body
    first, second = mine.changes()
    assert (first.before, first.after) == (None, new)
    assert second == ("Condition", "old", before, after)


def test_a_write_that_changes_nothing_or_is_taken_back_is_no_change() -> None:
    mine = chart()
    call(mine, "PUT", "Condition/old", condition(id="old"))
    assert mine.changes() == ()
    call(mine, "PUT", "Condition/start", condition(id="start", code={"text": "x"}))
    assert len(mine.changes()) == 1
    call(mine, "PUT", "Condition/start", condition(id="start"))
    assert mine.changes() == ()


def test_changed_matching_looks_at_changes_alone() -> None:
    mine = chart()
    _, new = call(mine, "POST", "Condition", condition())
    call(mine, "POST", "Condition", condition(subject={"reference": "Patient/p2"}))
    order = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Hydrocortisone 1 % cream"},
        "subject": {"reference": "Patient/p1"},
    }
    _, ordered = call(mine, "POST", "MedicationRequest", order)
    assert mine.changed_matching("Condition?patient=p1&code=L40.0") == (("Condition", new["id"]),)
    search = "MedicationRequest?patient=p1&code:text=hydrocortisone"
    assert mine.changed_matching(search) == (("MedicationRequest", ordered["id"]),)
    assert mine.changed_matching("Condition?_id=old") == ()
    assert len(mine.changed_matching("Condition")) == 2


@pytest.mark.parametrize(
    "url",
    ["Condition/old", "/Condition/old", "http://h:8080/fhir/Condition/old", "/a/b/Condition/old",
     "Condition/old?_format=json"],
)  # fmt: skip
def test_any_base_is_accepted(url: str) -> None:
    assert call(chart(), "GET", url)[1]["id"] == "old"


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "says"),
    [
        ("GET", "Condition/none", None, 404, "no Condition with id 'none'"),
        ("GET", "Obsevation/1", None, 404, "Did you mean Observation"),
        ("GET", "http://h/fhir/Foo?x=1", None, 404, "Unknown resource type 'Foo'"),
        ("GET", "/fhir/Foo/1", None, 404, "Unknown resource type 'Foo'"),
        ("GET", "condition/old", None, 404, "Unknown resource type 'condition'"),
        ("GET", "", None, 405, "use POST"),
        ("GET", "Condition/a_b", None, 404, "no id of a Condition"),
        ("GET", "Condition/old/_history/7", None, 404, "no version 7"),
        ("GET", "Condition/old?code=x", None, 400, "drop the others of '?code=x'"),
        ("GET", "Condition/old?_elements=foo", None, 400, "Condition has no element 'foo'"),
        ("GET", "Condition/old?_summary=count", None, 400, "counts the matches of a search"),
        ("GET", "Condition/old/_history/1?code=x", None, 400, "no parameters but _elements"),
        ("DELETE", "Condition/old?_summary=true", None, 400, "drop '?_summary=true'"),
        ("GET", "metadata?mode=terminology", None, 400, "mode is one of full, normative"),
        ("GET", "metadata?code=x", None, 400, "drop the others"),
        ("DELETE", "Condition/old/_history", None, 405, "use GET, HEAD"),
        ("POST", "metadata", {}, 405, "use GET, HEAD"),
        ("GET", "Condition/old/$everything", None, 404, "is not served; docs/fhir.md"),
        ("GET", "Patient/$unknown", None, 404, "is not served; docs/fhir.md"),
        ("GET", "Condition/old/_search/1", None, 404, "is not served; docs/fhir.md"),
        ("GET", "Patient/p1/*?code=x", None, 400, "_tag, not 'code'; name a type"),
        ("GET", "Patient/p1/*?_sort=-date", None, 400, "not 'date'"),
        ("GET", "Patient/p1/*?_type=Observatio", None, 404, "Did you mean Observation"),
        ("GET", "Condition/$validate", None, 405, "use POST"),
        ("DELETE", "Observation/$lastn", None, 405, "use GET, HEAD, POST"),
        ("PUT", "Condition", condition(), 405, "PUT needs an id"),
        ("POST", "Condition?x=1", condition(), 400, "send the header If-None-Exist: x=1"),
        ("POST", "Condition", None, 400, "no body"),
        ("POST", "Condition", "{", 400, "not valid JSON"),
        ("POST", "Condition", b"\xff", 400, "not valid JSON"),
        ("POST", "Condition", '{"resourceType":"Condition","a":NaN}', 400, "not valid JSON"),
        ("POST", "Condition", "[" * 5000, 400, "levels deep"),
        ("POST", "Condition", '{"a":' * 100 + "1" + "}" * 100, 400, "levels deep"),
        ("POST", "Condition", "[]", 400, "one JSON object"),
        ("POST", "Condition", {"x": object()}, 400, "not JSON"),
        ("POST", "Condition", 1.5, 400, "one JSON object"),
        ("POST", "Condition", object(), 400, "not JSON"),
        ("POST", "Condition/_search", 1.5, 400, "A _search takes a form"),
        ("POST", "Condition", '{"resourceType":"Condition","a":{"b":1,"b":2}}', 400, "'b' twice"),
        ("POST", "Condition", '"\ud800"', 400, "not valid JSON"),
        ("POST", "Condition", r'{"a":"\ud800"}', 400, "not valid JSON"),
        ("POST", "Condition", {"a": "\ud800"}, 400, "not JSON"),
        ("POST", "Condition", '{"a":' + "1" * 5000 + "}", 400, "not valid JSON"),
        ("GET", "Condition?code=\ud800", None, 400, "not valid text"),
        ("POST", "Condition", {}, 400, "resourceType is None"),
        ("POST", "Patient", condition(), 400, "resourceType is 'Condition', but the URL says"),
        ("PUT", "Condition/old", condition(), 400, "id in the body is None, in the URL 'old'"),
        ("PUT", "Condition/old", condition(id="new"), 400, "they must be equal"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_clearly(
    method: str, url: str, body: Any, status: int, says: str
) -> None:
    mine = chart()
    assert says in diagnostics(call(mine, method, url, body), status)
    assert mine.changes() == ()


def test_an_unknown_method_names_the_known() -> None:
    assert chart().request("BREW", "Condition/old").headers["Allow"] == (
        "GET, HEAD, PUT, PATCH, DELETE"
    )


def test_if_match_guards_an_update() -> None:
    mine = chart()
    body = condition(id="old", code={"text": "x"})
    says = diagnostics(call(mine, "PUT", "Condition/old", body, If_Match='W/"9"'), 412)
    assert "current version is 1" in says
    assert mine.changes() == ()
    assert call(mine, "PUT", "Condition/old", body, If_Match='W/"1"')[0] == 200


def test_if_none_exist_guards_a_create() -> None:
    mine = chart()
    send = ("POST", "Condition", condition())
    assert call(mine, *send, If_None_Exist="_id=old")[0] == 200
    assert "2 resources match" in diagnostics(call(mine, *send, If_None_Exist="patient=p1"), 412)
    assert mine.changes() == ()
    assert call(mine, *send, If_None_Exist="patient=none")[0] == 201


def test_an_id_that_is_taken_is_not_given_again() -> None:
    _, first = call(chart(), "POST", "Condition", condition())
    start = StartLayer.of([condition(id=first["id"])])
    mine = Chart(POPULATION, start, seed=7, now=NOW)
    _, second = call(mine, "POST", "Condition", condition())
    assert second["id"] != first["id"]
    assert first["id"] in ids(mine, "Condition?patient=p1")


def test_the_capability_statement_is_a_valid_one_and_true() -> None:
    from fhir.resources.R4B.capabilitystatement import CapabilityStatement

    status, statement = call(chart(), "GET", "metadata")
    assert status == 200
    CapabilityStatement.model_validate(statement)
    for resource in statement["rest"][0]["resource"]:
        for param in resource["searchParam"]:
            search = f"{resource['type']}?{param['name']}:missing=true"
            assert call(chart(), "GET", search)[0] == 200


def test_a_bundle_is_valid_fhir() -> None:
    from fhir.resources.R4B.bundle import Bundle

    _, bundle = call(chart(), "GET", "Condition?patient=p1&_count=1")
    Bundle.model_validate(bundle)
    assert bundle["type"] == "searchset"
    assert [link["relation"] for link in bundle["link"]] == ["self", "next"]
    assert bundle["entry"][0]["search"] == {"mode": "match"}
    assert bundle["entry"][0]["fullUrl"].endswith("/Condition/old")
    assert "entry" not in call(chart(), "GET", "Condition?patient=none")[1]


def test_pages_follow_each_other_by_their_links() -> None:
    mine, url, seen = chart(), "Condition?_count=1&_sort=-_id", []
    while url:
        _, bundle = call(mine, "GET", url)
        assert bundle["total"] == 3
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    assert seen == ["start", "other", "old"]


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        (
            [{"resourceType": "Foo", "id": "a"}],
            "resource 0: resourceType is 'Foo', which is no resource type",
        ),
        ([{"resourceType": "Patient"}], "resource 0: id of Patient is None"),
        ([{"resourceType": "Patient", "id": "a" * 65}], "1 to 64"),
        ([{"resourceType": "Patient", "id": "a"}] * 2, "resource 1: Patient/a is there twice"),
        ([{"resourceType": "Patient", "id": "a", "x": object()}], "a cannot be stored"),
        ([{"resourceType": "Patient", "id": "a", "meta": "x"}], "a cannot be stored"),
    ],
)
def test_a_population_of_bad_resources_is_refused(resources: Any, says: str) -> None:
    with pytest.raises(CaseError, match=says):
        Population.of(resources)


def test_the_digest_depends_on_content_alone() -> None:
    one, two = {"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"}
    assert Population.of([one, two]).digest == Population.of([two, one]).digest
    assert Population.of([one]).digest != Population.of([one, two]).digest
    assert Population.of([one]).digest != Population.of([{**one, "active": True}]).digest
