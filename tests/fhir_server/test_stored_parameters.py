"""SearchParameters stored on a chart: what they find, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from bedside.fhir_server import Chart
from tests.fhir_server.charts import Json, call, chart, ids, weight

URL = "http://example.org/"
PERSON: Json = {
    "resourceType": "Patient",
    "id": "p3",
    "meta": {"tag": [{"code": "t"}]},
    "extension": [{"url": "http://x/race", "valueString": "white"}],
    "gender": "other",
    "name": [{"use": "official", "family": "Cedar", "given": ["Cy", "Dee"]}],
    "telecom": [
        {"system": "phone", "use": "home", "value": "1"},
        {"system": "phone", "use": "work", "value": "2"},
    ],
    "multipleBirthInteger": 2,
}


def defined(code: str, type: str, expression: str = "", **more: Any) -> Json:
    """A SearchParameter for Patients."""
    return {
        "resourceType": "SearchParameter",
        "url": f"{URL}{code}",
        "name": "it",
        "status": "active",
        "description": "it",
        "code": code,
        "base": ["Patient"],
        "type": type,
        **({"expression": expression} if expression else {}),
        **more,
    }


def warning(mine: Chart, parameter: Json) -> str:
    """What the answer to storing a SearchParameter warns of."""
    stored = mine.request("POST", "SearchParameter", None, parameter)
    assert stored.status == 201, stored.body
    return stored.headers.get("Warning", "")


@pytest.mark.parametrize(
    ("type", "expression", "value"),
    [
        ("string", "name.family", "cedar"),
        ("token", "gender", "other"),
        ("string", "Observation.note | name.family", "cedar"),
        ("string", "Patient.extension('http://x/race').value", "white"),
        ("string", "Patient.extension.where(url='http://x/race').value", "white"),
        ("string", "Patient.extension('http://x/race')", "white"),
        ("string", "(Patient.extension('http://x/race').value as string)", "white"),
        ("string", "Patient.telecom.where(system = 'phone' and use='work').value", "2"),
        ("string", "Patient.name.first().given", "dee"),
        ("number", "Patient.multipleBirth as integer", "2"),
        ("number", "(Patient.multipleBirth as integer)", "2"),
    ],
)
def test_an_expression_is_served_in_each_of_its_forms(
    type: str, expression: str, value: str
) -> None:
    mine = chart(PERSON)
    assert warning(mine, defined("it", type, expression)) == ""
    assert ids(call(mine, "GET", f"Patient?it={value}")[1]) == ["p3"]
    assert ids(call(mine, "GET", "Patient?it=99")[1]) == []


def test_conditions_of_one_where_hold_for_one_element() -> None:
    mine = chart(PERSON)
    expression = "Patient.telecom.where(use='home' and system='phone').value"
    assert warning(mine, defined("it", "string", expression)) == ""
    assert ids(call(mine, "GET", "Patient?it=1")[1]) == ["p3"]
    assert ids(call(mine, "GET", "Patient?it=2")[1]) == []


@pytest.mark.parametrize("base", ["Resource", "DomainResource"])
def test_a_parameter_of_all_resources_is_one_of_each_type(base: str) -> None:
    mine = chart(PERSON, weight(70, id="w1", meta={"tag": [{"code": "t"}]}))
    assert warning(mine, defined("it", "token", f"{base}.meta.tag", base=[base])) == ""
    assert ids(call(mine, "GET", "Patient?it=t")[1]) == ["p3"]
    assert ids(call(mine, "GET", "Observation?it=t")[1]) == ["w1"]
    known = call(mine, "GET", "Bundle?it=t")[0] == 200
    assert known is (base == "Resource")


@pytest.mark.parametrize(
    ("code", "type", "expression"),
    [
        ("_id", "token", "Patient.gender"),
        ("gender", "token", "Patient.name.use"),
        ("birthdate", "date", "Patient.nope"),
        ("birthdate", "token", "Patient.birthDate"),
    ],
)
def test_what_r4_defines_stays_in_effect(code: str, type: str, expression: str) -> None:
    born = {**PERSON, "birthDate": "1990-01-02"}
    mine = chart(born)
    said = f"what R4 defines as '{code}' stays in effect for Patient"
    assert said in warning(mine, defined(code, type, expression))
    search = "_id=p3&gender=other&birthdate=lt1991"
    assert ids(call(mine, "GET", f"Patient?{search}")[1]) == ["p3"]


def test_r4s_own_definition_may_be_stored() -> None:
    own = defined("gender", "token", "Patient.gender | Person.gender")
    own["url"] = "http://hl7.org/fhir/SearchParameter/individual-gender"
    assert warning(chart(), own) == ""
    assert warning(chart(), defined("gender", "token", "Patient.gender")) == ""


@pytest.mark.parametrize("code", ["a b", "_count", "_mine", "a.b", "a:b"])
def test_a_name_that_cannot_stand_in_a_query_is_not_served(code: str) -> None:
    mine = chart()
    parameter = defined(code, "token", "Patient.gender", url=f"{URL}x")
    assert f"'{code}' cannot be searched by" in warning(mine, parameter)
    assert call(mine, "GET", "Patient?_count=1")[0] == 200


@pytest.mark.parametrize(
    ("type", "expression"),
    [
        ("date", "Patient.name"),
        ("token", "Patient"),
        ("token", "Observation.code"),
        ("string", "Patient.name.given.last()"),
        ("token", ""),
        ("special", "Patient.gender"),
        ("composite", "Patient"),
    ],
)
def test_what_cannot_be_served_is_said_and_not_searched(type: str, expression: str) -> None:
    mine = chart(PERSON)
    said = warning(mine, defined("it", type, expression))
    assert "its type or expression cannot be searched by for Patient" in said
    assert call(mine, "GET", "Patient?it=x")[0] == 400


def composite(*components: tuple[str, str], **more: Any) -> Json:
    listed = [{"definition": url, "expression": text} for url, text in components]
    return defined(
        "both", "composite", "Observation", base=["Observation"], component=listed, **more
    )


CODE = ("http://hl7.org/fhir/SearchParameter/clinical-code", "code")


def test_a_composite_is_served_with_its_components() -> None:
    mine = chart(weight(70, id="w1"), weight(80, id="w2"))
    amount = ("http://hl7.org/fhir/SearchParameter/Observation-value-quantity", "value as Quantity")
    assert warning(mine, composite(CODE, amount)) == ""
    assert ids(call(mine, "GET", "Observation?both=29463-7$gt75")[1]) == ["w2"]
    assert ids(call(mine, "GET", "Observation?both=other$gt75")[1]) == []


def test_a_component_may_be_stored_too() -> None:
    mine = chart(weight(70, id="w1"), weight(80, id="w2", valueQuantity={"value": 8, "unit": "st"}))
    unit = defined("unit", "string", "Observation.value.as(Quantity).unit", base=["Observation"])
    pair = composite(CODE, (f"{URL}unit", "value.as(Quantity).unit"))
    assert "cannot be searched by for Observation" in warning(mine, pair)
    warning(mine, unit)
    assert warning(mine, pair) == ""
    assert ids(call(mine, "GET", "Observation?both=29463-7$st")[1]) == ["w2"]


def test_a_composite_needs_components_that_fit() -> None:
    wrong = composite(CODE, ("http://hl7.org/fhir/SearchParameter/Observation-date", "code"))
    assert "cannot be searched by for Observation" in warning(chart(), wrong)


def test_a_stored_parameter_leaves_r4s_own_as_they_are() -> None:
    mine = chart()
    before = mine.parameters.of("Patient")["gender"]
    warning(mine, defined("it", "token", "Patient.gender"))
    assert mine.parameters.of("Patient")["gender"] is before
