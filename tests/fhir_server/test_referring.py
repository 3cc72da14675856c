"""Chains, includes and ``_has``: over canonical addresses, within Bundles, and what limits them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_server.charts import Json, call, chart, ids, says, weight

FORM = "http://example.org/Questionnaire/q"
FORMS: list[Json] = [
    {
        "resourceType": "Questionnaire",
        "id": f"q{version}",
        "url": FORM,
        "version": version,
        "status": "active",
        "title": f"Form {version}",
    }
    for version in ("1", "2")
]


def answers(id: str, form: str, status: str = "completed") -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "status": status,
        "questionnaire": form,
    }


ANSWERED = [
    *FORMS,
    answers("of1", f"{FORM}|1"),
    answers("of2", f"{FORM}|2#part", "amended"),
    answers("any", FORM, "stopped"),
    answers("lost", "http://example.org/Questionnaire/none"),
]


@pytest.mark.parametrize(
    ("search", "matches", "brought"),
    [
        ("QuestionnaireResponse?_id=of1&_include=QuestionnaireResponse:questionnaire", "of1", "q1"),
        ("QuestionnaireResponse?_id=of2&_include=*", "of2", "q2"),
        ("QuestionnaireResponse?_id=any&_include=*", "any", "q1 q2"),
        ("QuestionnaireResponse?_id=lost&_include=*", "lost", ""),
        (
            "Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire",
            "q1",
            "any of1",
        ),
        ("QuestionnaireResponse?questionnaire.title=form 1", "any of1", ""),
        ("QuestionnaireResponse?questionnaire.url=http://example.org/none", "", ""),
        (
            "Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed",
            "q1",
            "",
        ),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=stopped", "q1 q2", ""),
        (f"QuestionnaireResponse?questionnaire={FORM}", "any of1 of2", ""),
        (f"QuestionnaireResponse?questionnaire={FORM}|2", "of2", ""),
    ],
)
def test_a_canonical_address_is_followed_to_the_version_it_names(
    search: str, matches: str, brought: str
) -> None:
    status, bundle = call(chart(*ANSWERED), "GET", search)
    assert status == 200, bundle
    assert sorted(ids(bundle)) == matches.split()
    assert sorted(ids(bundle, "include")) == brought.split()


@pytest.mark.parametrize("profile", ["http://x/p", "http://x/p|1.0", "http://x/p|1.0%23frag"])
def test_a_profile_is_found_without_its_fragment_and_version(profile: str) -> None:
    claims = weight(70, id="w1", meta={"profile": ["http://x/p|1.0#frag"]})
    mine = chart(claims, weight(70, id="w2"))
    assert ids(call(mine, "GET", f"Observation?_profile={profile}")[1]) == ["w1"]
    assert ids(call(mine, "GET", "Observation?_profile=http://x/p|2.0")[1]) == []


def bundle(id: str, kind: str, first: Json) -> Json:
    return {"resourceType": "Bundle", "id": id, "type": kind, "entry": [{"resource": first}]}


DOCUMENTS = [
    bundle("letter", "document", {"resourceType": "Composition", "id": "c", "title": "My letter"}),
    bundle("nameless", "document", {"resourceType": "Composition", "title": "My notes"}),
    bundle("sent", "message", {"resourceType": "MessageHeader", "id": "c", "eventUri": "urn:e"}),
]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("composition=c", "letter"),
        ("composition=Composition/c", "letter"),
        ("composition.title=my", "letter nameless"),
        ("composition.title=your", ""),
        ("composition:missing=true", "sent"),
        ("message=c", "sent"),
        ("message.event=urn:e", "sent"),
    ],
)
def test_a_bundle_is_found_by_what_its_first_entry_holds(search: str, expected: str) -> None:
    _, found = call(chart(*DOCUMENTS), "GET", f"Bundle?{search}")
    assert sorted(ids(found)) == expected.split()


@pytest.mark.parametrize(
    ("target", "brought"), [("", ["w1"]), (":Patient", ["w1"]), (":Group", [])]
)
def test_a_reverse_include_may_name_the_type_referred_to(target: str, brought: list[str]) -> None:
    search = f"Patient?_id=p1&_revinclude=Observation:subject{target}"
    assert ids(call(chart(weight(70, id="w1")), "GET", search)[1], "include") == brought


@pytest.mark.parametrize("control", ["_include", "_revinclude"])
def test_an_unknown_type_of_what_is_referred_to_is_refused(control: str) -> None:
    status, outcome = call(chart(), "GET", f"Observation?{control}=Observation:subject:Patent")
    assert (status, "Did you mean Patient" in says(outcome)) == (400, True), outcome


@pytest.mark.parametrize("link", ["link.", "_has:Patient:link:"])
def test_a_chain_has_an_end(link: str) -> None:
    assert call(chart(), "GET", f"Patient?{link * 10}name=x")[0] == 200
    for length in (11, 300, 5000):
        status, outcome = call(chart(), "GET", f"Patient?{link * length}name=x")
        assert (status, "at most 10 links" in says(outcome)) == (400, True)


LEFT_OUT: list[Any] = [
    "_sort=bogus", "_sort=near", "_include=Patient:foo", "_revinclude=Foo:bar", "_elements=zzz",
    "_count=abc", "_summary=some", "_count=1&_count=2",
]  # fmt: skip


@pytest.mark.parametrize("wrong", LEFT_OUT)
def test_a_lenient_search_leaves_out_what_would_shape_the_answer_wrongly(wrong: str) -> None:
    url = f"Patient?gender=female&{wrong}"
    assert call(chart(), "GET", url)[0] == 400
    status, found = call(chart(), "GET", url, headers={"Prefer": "handling=lenient"})
    assert status == 200 and ids(found) == ["p1"]
    (said,) = [e["resource"] for e in found["entry"] if e["search"]["mode"] == "outcome"]
    assert "was left out" in says(said)
    assert wrong.split("&")[-1] not in found["link"][0]["url"]


def test_a_count_is_told_even_where_no_total_is_asked_for() -> None:
    _, found = call(chart(), "GET", "Patient?_summary=count&_total=none")
    assert found["total"] == 2
    assert "total" not in call(chart(), "GET", "Patient?_total=none")[1]
