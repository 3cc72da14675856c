"""Value sets of ``:in`` and ``:not-in``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_server.charts import Json, call, chart, ids, weight

LOINC, OTHER = "http://loinc.org", "http://other.org"


def value_set(id: str, *includes: Json) -> Json:
    return {
        "resourceType": "ValueSet",
        "id": id,
        "url": f"http://ex.org/{id}",
        "status": "active",
        "compose": {"include": list(includes)},
    }


def of(system: str, *codes: str) -> Json:
    concepts: dict[str, Any] = {"concept": [{"code": code} for code in codes]} if codes else {}
    return {"system": system, **concepts}


def within(*ids: str) -> Json:
    return {"valueSet": [f"http://ex.org/{id}" for id in ids]}


SETS = [
    value_set("ab", of(LOINC, "a", "b")),
    value_set("bc", of(LOINC, "b", "c"), of(OTHER, "x")),
    value_set("all-in-ab", {**of(LOINC), **within("ab")}),
    value_set("a-in-ab", {**of(LOINC, "a", "c"), **within("ab")}),
    value_set("in-both", within("ab", "bc")),
    value_set("in-either", within("ab"), within("bc")),
    value_set("other-in-ab", {**of(OTHER), **within("ab")}),
    value_set("all", of(LOINC)),
    value_set("all-in-all", {**of(LOINC), **within("all")}),
    value_set("itself", within("itself"), of(LOINC, "a")),
]


def coded(id: str, system: str) -> Json:
    return weight(1, id=id, code={"coding": [{"system": system, "code": id}]})


OBSERVATIONS = [coded("a", LOINC), coded("b", LOINC), coded("c", LOINC), coded("x", OTHER)]


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("ab", "a b"),
        ("all-in-ab", "a b"),
        ("a-in-ab", "a"),
        ("in-both", "b"),
        ("in-either", "a b c x"),
        ("other-in-ab", ""),
        ("all-in-all", "a b c"),
        ("itself", "a"),
    ],
)
def test_all_that_one_include_says_holds_and_any_include_will_do(name: str, inside: str) -> None:
    mine = chart(*SETS, *OBSERVATIONS)
    found = ids(call(mine, "GET", f"Observation?code:in=http://ex.org/{name}")[1])
    assert found == inside.split()
    outside = ids(call(mine, "GET", f"Observation?code:not-in=http://ex.org/{name}")[1])
    assert sorted([*found, *outside]) == ["a", "b", "c", "x"]
