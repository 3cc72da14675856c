"""Search semantics, kind by kind, and against a slow reference over random resources."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.fhir_server import Chart, Population, StartLayer
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import STANDARD
from bedside.fhir_server.search import parse_search

NOW = "2026-01-15T09:00:00Z"


def request(resources: list[dict[str, Any]], search: str) -> tuple[int, dict[str, Any]]:
    chart = Chart(Population.of(resources), StartLayer.of([]), seed=1, now=NOW)
    response = chart.request("GET", search)
    return response.status, json.loads(response.body)


def find(resources: list[dict[str, Any]], search: str) -> list[str]:
    status, bundle = request(resources, search)
    assert status == 200, bundle
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


def observations(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"resourceType": "Observation", "id": f"o{number}", **body}
        for number, body in enumerate(bodies)
    ]


CODED = observations(
    {"code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Pulse rate"}},
    {"code": {"coding": [{"code": "8867-4", "display": "Heart rate"}]}},
    {"code": {"coding": [{"system": "http://x", "code": "a,b|c"}]}, "status": "final"},
    {"code": {"text": "Heart"}},
    {},
)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("code=8867-4", "o0 o1"),
        ("code=http://loinc.org|8867-4", "o0"),
        ("code=http%3A%2F%2Floinc.org%7C8867-4", "o0"),
        ("code=|8867-4", "o1"),
        ("code=http://loinc.org|", "o0"),
        ("code=8867", ""),
        (r"code=a\,b\|c", "o2"),
        (r"code=http://x|a\,b\|c,|8867-4", "o1 o2"),
        ("code:not=8867-4", "o2 o3 o4"),
        ("code:missing=true", "o4"),
        ("code:missing=false", "o0 o1 o2 o3"),
        ("code:text=RATE", "o0 o1"),
        ("code:text=rate+pul", "o0"),
        ("code:text=heart,pulse", "o0 o1 o3"),
        ("status=final", "o2"),
        ("status=http://hl7.org/fhir/observation-status|final", "o2"),
        ("status=http://x|final", ""),
        ("code=8867-4&code=http://loinc.org|", "o0"),
        ("_id=o3,o1", "o1 o3"),
        ("_id=o1&_id=o2", ""),
    ],
)
def test_tokens(search: str, expected: str) -> None:
    assert sorted(find(CODED, f"Observation?{search}")) == expected.split()


REFERRING = [
    {"resourceType": "Condition", "id": f"c{number}", "subject": {"reference": text}}
    for number, text in enumerate(
        [
            "Patient/a",
            "https://x.org/fhir/Patient/a",
            "Group/a",
            "Patient/b",
            "Patient/a/_history/2",
        ]
    )
] + [{"resourceType": "Condition", "id": "c5", "subject": {"display": "nobody"}}]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("patient=a", "c0 c1 c4"),
        ("patient=Patient/a", "c0 c1 c4"),
        ("patient=Group/a", ""),
        ("subject=a", "c0 c1 c2 c4"),
        ("subject=Group/a", "c2"),
        ("subject:Patient=a", "c0 c1 c4"),
        ("subject:Group=Patient/a", ""),
        ("subject=http://other/Patient/b", "c3"),
        ("patient=a,b", "c0 c1 c3 c4"),
        ("subject:missing=true", ""),
        ("patient:missing=true", "c2 c5"),
    ],
)
def test_references(search: str, expected: str) -> None:
    assert sorted(find(REFERRING, f"Condition?{search}")) == expected.split()


DATED = observations(
    {"effectiveDateTime": "2025"},
    {"effectiveDateTime": "2025-03-10"},
    {"effectiveDateTime": "2025-03-10T23:30:00-02:00"},
    {"effectivePeriod": {"start": "2025-03-01", "end": "2025-03-31"}},
    {"effectivePeriod": {"start": "2025-03-11"}},
    {"effectiveInstant": "2025-03-10T12:00:00.500Z"},
    {},
)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("date=2025-03-10", "o1 o5"),
        ("date=2025-03-11", "o2"),
        ("date=2025-03", "o1 o2 o3 o5"),
        ("date=ne2025-03", "o0 o4"),
        ("date=gt2025-03-10", "o0 o2 o3 o4"),
        ("date=lt2025-03-10", "o0 o3"),
        ("date=ge2025-03-11", "o0 o2 o3 o4"),
        ("date=le2025-03-10", "o0 o1 o3 o5"),
        ("date=sa2025-03-10", "o2 o4"),
        ("date=eb2025-03-11", "o1 o5"),
        ("date=ap2025-03-10", "o0 o1 o2 o3 o4 o5"),
        ("date=2025-03-10T12:00", "o5"),
        ("date=2025-03-10T12:00:00.500Z", "o5"),
        ("date=2025-03-11T01:30:00+00:00", "o2"),
        ("date=2025-03-11T02:30:00%2B01:00", "o2"),
        ("date=ge2025-03-10&date=lt2025-03-11", "o0 o1 o3 o5"),
        ("date:missing=true", "o6"),
    ],
)
def test_dates(search: str, expected: str) -> None:
    assert sorted(find(DATED, f"Observation?{search}")) == expected.split()


NAMED = [
    {
        "resourceType": "Patient",
        "id": "p0",
        "name": [{"family": "Müller-Oak", "given": ["Anna", "Bo"]}],
        "birthDate": "1980-02-03",
        "telecom": [{"system": "phone", "value": "555"}, {"system": "email", "value": "a@x.org"}],
        "address": [{"line": ["1 Elm Street"], "city": "Seattle"}],
    },
    {"resourceType": "Patient", "id": "p1", "name": [{"text": "anna"}], "deceasedBoolean": True},
    {"resourceType": "Patient", "id": "p2", "deceasedDateTime": "2020"},
]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("name=ANN", "p0 p1"),
        ("family=muller", "p0"),
        ("family=oak", ""),
        ("family:contains=OAK", "p0"),
        ("given:exact=anna", ""),
        ("given:exact=Anna", "p0"),
        ("given=bo", "p0"),
        ("name:exact=anna", "p1"),
        ("name:missing=true", "p2"),
        ("address=1+elm", "p0"),
        ("address-city=sea", "p0"),
        ("phone=555", "p0"),
        ("email=555", ""),
        ("telecom=email|a@x.org", "p0"),
        ("birthdate=lt1980-02-04", "p0"),
        ("deceased=true", "p1 p2"),
        ("deceased=false", "p0"),
        ("name=x,bo", "p0"),
    ],
)
def test_people(search: str, expected: str) -> None:
    assert sorted(find(NAMED, f"Patient?{search}")) == expected.split()


UCUM = "http://unitsofmeasure.org"
MEASURED = observations(
    {"valueQuantity": {"value": 5.4, "system": UCUM, "code": "mg", "unit": "milligram"}},
    {"valueQuantity": {"value": 5.44, "unit": "mg"}},
    {"valueQuantity": {"value": 100}},
    {"component": [{"code": {"text": "x"}, "valueQuantity": {"value": 5}}]},
    {"valueString": "5.4"},
)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("value-quantity=5.4", "o0 o1"),
        ("value-quantity=5.40", "o0"),
        ("value-quantity=ne5.4", "o2"),
        ("value-quantity=gt5.4", "o1 o2"),
        ("value-quantity=ge5.4", "o0 o1 o2"),
        ("value-quantity=lt5.44", "o0"),
        ("value-quantity=le5.44", "o0 o1"),
        ("value-quantity=sa5.44", "o2"),
        ("value-quantity=eb5.44", "o0"),
        ("value-quantity=ap5", "o0 o1"),
        ("value-quantity=1e2", "o2"),
        ("value-quantity=96", ""),
        (f"value-quantity=5.4|{UCUM}|mg", "o0"),
        ("value-quantity=5.4||mg", "o0 o1"),
        ("value-quantity=5.4||milligram", "o0"),
        ("combo-value-quantity=le5", "o3"),
        ("value-string=5", "o4"),
    ],
)
def test_quantities(search: str, expected: str) -> None:
    assert sorted(find(MEASURED, f"Observation?{search}")) == expected.split()


@pytest.mark.parametrize(
    ("search", "status", "says"),
    [
        ("Condition?foo=1", 400, "Unknown search parameter 'foo' for Condition. Valid are: _count"),
        ("Condition?subject.foo=x", 400, "Unknown search parameter 'foo'"),
        ("Condition?code.foo=x", 400, "only a reference is followed by '.foo'"),
        ("Condition?code:exact=x", 400, "token parameter and does not take ':exact'"),
        ("Condition?code:=x", 400, "ends in a colon"),
        ("Condition?onset-date:text=x", 400, "It takes: :missing"),
        ("Condition?code", 400, "'code' has no value"),
        ("Condition?code=", 400, "'code' has no value"),
        ("Condition?code=a,", 400, "nothing between two commas"),
        ("Condition?code=a|b|c", 400, "write CODE, SYSTEM|CODE"),
        ("Condition?code=|", 400, "write CODE, SYSTEM|CODE"),
        ("Condition?code:missing=yes", 400, "'true' or 'false', not 'yes'"),
        ("Condition?onset-date=soon", 400, "is no date. Write YYYY"),
        ("Condition?onset-date=2025-02-30", 400, "is no date"),
        ("Condition?onset-date=2025-00", 400, "is no date"),
        ("Observation?value-quantity=ten", 400, "is no quantity. Write NUMBER"),
        ("Observation?value-quantity=NaN", 400, "is no quantity"),
        ("Observation?value-quantity=1e999999999", 400, "is no quantity"),
        ("Condition?_count=-1", 400, "'_count' is a whole number"),
        ("Condition?_count=1&_count=2", 400, "once only"),
        ("Condition?_sort=foo", 400, "Unknown search parameter 'foo'"),
        ("Condition?_format=xml", 406, "_format=json"),
    ],
)  # fmt: skip
def test_a_bad_search_is_refused_with_the_mend(search: str, status: int, says: str) -> None:
    found, outcome = request([], search)
    assert found == status
    assert says in outcome["issue"][0]["diagnostics"]


def test_locations_near_a_point() -> None:
    def place(id: str, latitude: float, longitude: float) -> dict[str, Any]:
        position = {"latitude": latitude, "longitude": longitude}
        return {"resourceType": "Location", "id": id, "position": position}

    places = [
        place("berlin", 52.52, 13.405),
        place("potsdam", 52.39, 13.064),
        place("east", 0, 179.9),
    ]
    places.append({"resourceType": "Location", "id": "nowhere"})
    assert find(places, "Location?near=52.52|13.405") == ["berlin", "potsdam"]
    assert find(places, "Location?near=52.52|13.405|20|km") == ["berlin"]
    assert find(places, "Location?near=52.52|13.405|20|[mi_us]") == ["berlin", "potsdam"]
    assert find(places, "Location?near=0|-179.9|30") == ["east"]
    assert find(places, "Location?near:missing=true") == ["nowhere"]
    for wrong in (
        "52", "x|1", "1|2|-3", "1|2|3|parsec", "91|0", "1|2|3|km|4", "nan|10", "10|nan", "10|inf",
        "1|181", "1|2|nan",
    ):  # fmt: skip
        status, _ = request(places, f"Location?near={wrong}")
        assert status == 400, wrong


@pytest.mark.parametrize("wrong", [Decimal("1e400"), 10**400, Decimal("1e999999"), 91])
def test_a_place_that_is_not_on_earth_is_near_nothing(wrong: Any) -> None:
    places: list[dict[str, Any]] = [
        {"resourceType": "Location", "id": id, "position": position}
        for id, position in [
            ("lost", {"latitude": wrong, "longitude": 1}),
            ("far", {"latitude": 1, "longitude": 2 * wrong}),
            ("here", {"latitude": 1, "longitude": 1}),
        ]
    ]
    assert find(places, "Location?near=1|1") == ["here"]


PUNCTUATED = [
    {
        "resourceType": "Patient",
        "id": "p0",
        "name": [{"family": "O\u2019Brien-Smith"}],
        "address": [{"line": ["12 St. John's  Rd."]}],
    },
    {"resourceType": "Patient", "id": "p1", "name": [{"family": "Oak"}]},
]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("name=obrien", "p0"),
        ("name=O'Brien", "p0"),
        ("name=OBrienSmith", "p0"),
        ("name=o'brien-smith", "p0"),
        ("name:contains=brien-s", "p0"),
        ("name:exact=OBrien-Smith", ""),
        ("name:exact=O\u2019Brien-Smith", "p0"),
        ("address=12 st johns rd", "p0"),
        ("address=12 St. John's Rd.", "p0"),
        ("name=-", ""),
        ("name:contains=.", ""),
    ],
)
def test_a_string_is_compared_without_its_punctuation(search: str, expected: str) -> None:
    assert sorted(find(PUNCTUATED, f"Patient?{quote(search, safe='=:')}")) == expected.split()


def test_a_point_between_digits_is_no_punctuation() -> None:
    resources = observations({"valueString": "5.4"}, {"valueString": "54"}, {"valueString": "..."})
    assert find(resources, "Observation?value-string=5.4") == ["o0"]
    assert find(resources, "Observation?value-string=54") == ["o1"]
    assert find(resources, "Observation?value-string=...") == ["o2"]


def test_a_period_is_compared_with_ge_and_le_by_the_letter_of_r4() -> None:
    stay = {"start": "2020-01-01", "end": "2020-01-02"}
    resources = [{"resourceType": "Encounter", "id": "e", "period": stay}]
    found = {
        date: find(resources, f"Encounter?date={date}")
        for date in ("ge2020-01-01", "ge2020-01-02", "le2020-01-01", "le2020-01-02", "ge2020-01")
    }
    assert found == {
        "ge2020-01-01": ["e"], "ge2020-01-02": [], "le2020-01-01": [], "le2020-01-02": ["e"],
        "ge2020-01": ["e"],
    }  # fmt: skip


def test_a_timing_is_as_long_as_from_its_first_to_its_last_moment() -> None:
    timing = {"event": ["2013-12-31", "2013-01-01"]}
    (one,) = observations({"effectiveTiming": timing})
    found = {
        prefix: find([one], f"Observation?date={prefix}2013-06")
        for prefix in ("sa", "eb", "gt", "lt")
    }
    assert found == {"sa": [], "eb": [], "gt": ["o0"], "lt": ["o0"]}


def test_missing_asks_for_the_element_not_for_a_value() -> None:
    one, two = observations({"valueQuantity": {"unit": "mg"}}, {})
    assert find([one, two], "Observation?value-quantity:missing=false") == ["o0"]
    assert find([one, two], "Observation?value-quantity:missing=true") == ["o1"]


def test_a_number_of_many_digits_is_found() -> None:
    many = Decimal("123456789012345678901234567890.12345678901234567890")
    (one,) = observations({"valueQuantity": {"value": many}})
    assert find([one], f"Observation?value-quantity={many}") == ["o0"]
    assert find([one], f"Observation?value-quantity={str(many)[:-1]}8") == []


def test_elements_are_those_of_the_type_and_of_the_matches_alone() -> None:
    patient = {"resourceType": "Patient", "id": "p", "gender": "male"}
    (seen,) = observations({"subject": {"reference": "Patient/p"}})
    search = "Observation?_include=Observation:subject&_elements=Observation.status"
    _, bundle = request([patient, seen], search)
    match, brought = [entry["resource"] for entry in bundle["entry"]]
    assert "subject" not in match and brought["gender"] == "male"
    status, refused = request([seen], "Observation?_elements=nosuch")
    assert status == 400 and "It has: id, meta" in refused["issue"][0]["diagnostics"]


def test_every_parameter_of_the_type_is_named_when_one_is_unknown() -> None:
    for type in ("Patient", "Observation", "MedicationRequest"):
        params = STANDARD.of(type)
        with pytest.raises(Refusal) as refused:
            parse_search(f"{type}?foo=1")
        listed = str(refused.value).partition("Valid are: ")[2].rstrip(".").split(", ")
        assert set(params) < set(listed)
        assert listed == sorted(listed)


def test_sorting_puts_the_missing_last_in_both_directions() -> None:
    resources = observations(
        {"effectiveDateTime": "2025-02", "status": "final"},
        {"effectiveDateTime": "2025-03", "status": "amended"},
        {"status": "final"},
        {"effectiveDateTime": "2025-01", "status": "final"},
    )
    assert find(resources, "Observation?_sort=date") == ["o3", "o0", "o1", "o2"]
    assert find(resources, "Observation?_sort=-date") == ["o1", "o0", "o3", "o2"]
    assert find(resources, "Observation?_sort=status,-date") == ["o1", "o0", "o3", "o2"]


def test_count_cuts_the_page_but_not_the_total() -> None:
    _, bundle = request(CODED, "Observation?_count=2")
    assert (bundle["total"], len(bundle["entry"])) == (5, 2)
    _, bundle = request(CODED, "Observation?_count=0")
    assert (bundle["total"], bundle.get("entry")) == (5, None)
    assert [link["relation"] for link in bundle["link"]] == ["self"]
    _, counted = request(CODED, "Observation?_count=0&_totalMethod=count")
    assert counted["total"] == 5


# A slow reference that shares no code with the search.

SYSTEMS = st.sampled_from(["http://a", "http://b", ""])
CODES = st.sampled_from(["x", "y", "x y"])
CODING = st.builds(
    lambda system, code: {"code": code, **({"system": system} if system else {})}, SYSTEMS, CODES
)
MOMENTS = st.datetimes(datetime(2024, 12, 30), datetime(2025, 1, 3)).map(
    lambda moment: moment.replace(minute=0, second=0, microsecond=0)
)
PRECISIONS = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:00:00Z"])
DATES = st.builds(lambda moment, precision: moment.strftime(precision), MOMENTS, PRECISIONS)
NUMBERS = st.sampled_from(["1", "1.0", "1.04", "1.1", "1.5", "2", "10", "-1"])
RESOURCES = st.lists(
    st.fixed_dictionaries(
        {"subject": st.sampled_from(["Patient/a", "Patient/b", "Group/a"])},
        optional={
            "coding": st.lists(CODING, min_size=1, max_size=3),
            "date": DATES,
            "number": NUMBERS,
            "text": st.sampled_from(["Ähre", "ahre two", "Two", "AHRE"]),
        },
    ),
    max_size=6,
)
PREFIXES = st.sampled_from(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])


def build(number: int, drawn: dict[str, Any]) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "subject": {"reference": drawn["subject"]},
    }
    if "coding" in drawn:
        resource["code"] = {"coding": drawn["coding"]}
    if "date" in drawn:
        resource["effectiveDateTime"] = drawn["date"]
    if "number" in drawn:
        quantity = {"value": Decimal(drawn["number"])}
        resource["component"] = [{"code": {"text": "-"}, "valueQuantity": quantity}]
    if "text" in drawn:
        resource["valueString"] = drawn["text"]
    return resource


def bounds(text: str) -> tuple[datetime, datetime]:
    if len(text) == 4:
        return datetime(int(text), 1, 1, tzinfo=UTC), datetime(int(text) + 1, 1, 1, tzinfo=UTC)
    if len(text) == 7:
        low = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        return low, (low + timedelta(days=32)).replace(day=1)
    low = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return low, low + (timedelta(days=1) if len(text) == 10 else timedelta(seconds=1))


def compare(prefix: str, value: tuple[Any, Any], wanted: tuple[Any, Any], within: bool) -> bool:
    """`within`: the search range contains the value's."""
    return {
        "eq": within,
        "ne": not within,
        "gt": value[1] > wanted[1],
        "lt": value[0] < wanted[0],
        "ge": value[1] > wanted[1] or within,
        "le": value[0] < wanted[0] or within,
        "sa": value[0] >= wanted[1],
        "eb": value[1] <= wanted[0],
    }[prefix]


def date_matches(drawn: dict[str, Any], prefix: str, text: str) -> bool:
    if "date" not in drawn:
        return False
    value, wanted = bounds(drawn["date"]), bounds(text)
    return compare(prefix, value, wanted, wanted[0] <= value[0] and value[1] <= wanted[1])


def number_matches(drawn: dict[str, Any], prefix: str, text: str) -> bool:
    if "number" not in drawn:
        return False
    value, wanted = float(drawn["number"]), float(text)
    half = 0.5 * 10 ** -len(text.partition(".")[2])
    near = wanted - half <= value < wanted + half
    return {
        "eq": near, "ne": not near, "gt": value > wanted, "lt": value < wanted,
        "ge": value >= wanted, "le": value <= wanted, "sa": value > wanted, "eb": value < wanted,
    }[prefix]  # fmt: skip


def token_matches(drawn: dict[str, Any], system: str | None, code: str) -> bool:
    return any(
        coding["code"] == code and (system is None or coding.get("system", "") == system)
        for coding in drawn.get("coding", ())
    )


def string_matches(drawn: dict[str, Any], text: str) -> bool:
    plain = drawn.get("text", "").lower().replace("ä", "a")
    return "text" in drawn and plain.startswith(text.lower().replace("ä", "a"))


CLAUSES = st.one_of(
    st.builds(
        lambda system, code: (
            f"code={code}" if system is None else f"code={system}|{code}",
            lambda drawn: token_matches(drawn, system, code),
        ),
        st.one_of(st.none(), SYSTEMS),
        CODES,
    ),
    st.builds(
        lambda code: (f"code:not={code}", lambda drawn: not token_matches(drawn, None, code)), CODES
    ),
    st.builds(
        lambda prefix, text: (
            f"date={prefix}{text}",
            lambda drawn: date_matches(drawn, prefix, text),
        ),
        PREFIXES,
        DATES,
    ),
    st.builds(
        lambda prefix, text: (
            f"combo-value-quantity={prefix}{text}",
            lambda drawn: number_matches(drawn, prefix, text),
        ),
        PREFIXES,
        NUMBERS,
    ),
    st.builds(
        lambda text: (f"value-string={text}", lambda drawn: string_matches(drawn, text)),
        st.sampled_from(["ä", "A", "two", "TWO", "ahre", "re"]),
    ),
    st.builds(
        lambda id: (f"patient={id}", lambda drawn: drawn["subject"] == f"Patient/{id}"),
        st.sampled_from(["a", "b", "c"]),
    ),
    st.builds(
        lambda id: (f"subject={id}", lambda drawn: drawn["subject"].endswith(f"/{id}")),
        st.sampled_from(["a", "b", "c"]),
    ),
)


@settings(max_examples=300, deadline=None)
@given(RESOURCES, st.lists(CLAUSES, min_size=1, max_size=3))
def test_search_agrees_with_a_slow_reference(drawn: list[dict[str, Any]], clauses: Any) -> None:
    resources = [build(number, item) for number, item in enumerate(drawn)]
    search = "Observation?" + "&".join(quote(text, safe="=|:/") for text, _ in clauses)
    expected = [
        f"o{number}"
        for number, item in enumerate(drawn)
        if all(matches(item) for _, matches in clauses)
    ]
    assert sorted(find(resources, search)) == expected


@settings(max_examples=100, deadline=None)
@given(RESOURCES, RESOURCES, CLAUSES)
def test_layers_and_writes_are_searched_as_one(
    lower: list[dict[str, Any]], upper: list[dict[str, Any]], clause: Any
) -> None:
    text, matches = clause
    search = "Observation?" + quote(text, safe="=|:/")
    beneath = [build(number, item) for number, item in enumerate(lower)]
    writes = [
        {**build(number + 3, item), "status": "final", "code": {"text": "-"}}
        | ({"code": {"coding": item["coding"]}} if "coding" in item else {})
        for number, item in enumerate(upper)
    ]
    chart = Chart(Population.of(beneath), StartLayer.of([]), seed=1, now=NOW)
    for body in writes:
        response = chart.request("PUT", f"Observation/{body['id']}", None, body)
        assert response.status in (200, 201), response.body
    seen = {f"o{n}": item for n, item in enumerate(lower)}
    seen |= {f"o{n + 3}": item for n, item in enumerate(upper)}
    bundle = json.loads(chart.request("GET", search).body)
    found = sorted(entry["resource"]["id"] for entry in bundle.get("entry", []))
    assert found == sorted(id for id, item in seen.items() if matches(item))
    changed = sorted(id for _, id in chart.changed_matching(search))
    assert changed == sorted(f"o{n + 3}" for n, item in enumerate(upper) if matches(item))
