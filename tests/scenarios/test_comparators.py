"""Comparing what is there with what should be: every form that means the same, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.scenarios.comparators import (
    Amount,
    Comparator,
    Concept,
    Gone,
    Moment,
    Refers,
    Same,
    Words,
    contradicts,
    meets,
)
from bedside.scenarios.units import factor

NDC = "http://hl7.org/fhir/sid/ndc"
POTASSIUM = Concept(codes=(f"{NDC}|40032-917-01",), names=("potassium chloride",))
ORAL = Concept(names=("oral", "po", "by mouth", "oral route"))
MORNING = Moment(earliest="2026-01-16T08:00:00+00:00", latest="2026-01-16T08:00:00+00:00")
NOW = Moment(earliest="2026-01-15T09:00:00+00:00", latest="2026-01-15T13:00:00+00:00")


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (Same(values=("active",)), "Active"),
        (Same(values=(True,)), True),
        (POTASSIUM, {"coding": [{"system": NDC, "code": "40032-917-01"}]}),
        (POTASSIUM, {"text": "Potassium Chloride"}),
        (POTASSIUM, {"text": "potassium chloride 40 mEq oral"}),
        (POTASSIUM, {"coding": [{"system": "urn:x", "code": "K", "display": "Potassium"}],
                     "text": "potassium chloride"}),
        (POTASSIUM, {"coding": [{"code": "40032-917-01"}]}),
        (POTASSIUM, {"text": "Potassium chloride 20 mEq extended release tablet (K-Dur)"}),
        (ORAL, {"coding": [{"system": "urn:routes", "code": "PO", "display": "Swallow, oral"}]}),
        (ORAL, {"text": "p.o."}),
        (POTASSIUM, "40032-917-01"),
        (Amount(value=2, unit="g"), {"value": 2, "unit": "g"}),
        (Amount(value=2, unit="g"), {"value": 2000, "unit": "milligrams"}),
        (Amount(value=1, unit="g/h"), {"numerator": {"value": 2, "unit": "g"},
                                       "denominator": {"value": 2, "unit": "h"}}),
        (Amount(value=40, unit="meq"), {"value": 40, "unit": "mmol"}),
        (Amount(value=3.1, unit="mmol/L"), "3.1"),
        (Amount(value=3.1, unit="mmol/L"), "3.1 mEq/L"),
        (Amount(value=7.2, tolerance=0.1), 7.3),
        (MORNING, "2026-01-16T08:00:00Z"),
        (MORNING, "2026-01-16T09:00:00+01:00"),
        (NOW, "2026-01-15"),
        (Moment(earliest="2026-01-15", latest="2026-01-15"), "2026-01-15T23:00:00Z"),
        (Words(phrases=("acute left knee injury",)), "Situation:  Acute LEFT knee-injury."),
        (Refers(to="Patient/abc"), {"reference": "http://localhost:8080/fhir/Patient/abc"}),
        (Refers(to="Patient/abc"), {"reference": "Patient/abc/_history/2"}),
        (Refers(to="Observation/o1"), " Observation/o1 "),
        (Amount(value=-1), "\N{MINUS SIGN}1"),
        (Amount(value=1, unit="g/h"), {"value": 1, "unit": "g per hour"}),
        (MORNING, "2026-01-16 08:00 UTC"),
        (Refers(to="Observation/o1"), "o1"),
    ],
)  # fmt: skip
def test_what_means_the_same_is_met(wanted: Comparator, value: Any) -> None:
    assert meets(wanted, [value])


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (Same(values=("active",)), "inactive"),
        (Same(values=(True,)), 1),
        (POTASSIUM, {"coding": [{"system": NDC, "code": "0338-1715-40"}],
                     "text": "potassium chloride"}),
        (POTASSIUM, {"coding": [{"system": NDC, "code": "40032-917-01"},
                                {"system": NDC, "code": "0338-1715-40"}]}),
        (Concept(names=("amoxicillin",)), {"text": "amoxicillin-clavulanate"}),
        (POTASSIUM, {"text": "no potassium chloride"}),
        (POTASSIUM, {"coding": [{"system": NDC, "code": "40032-917-01"}], "text": "warfarin"}),
        (POTASSIUM, {"coding": [{"system": "urn:rx", "code": "11289", "display": "warfarin"}],
                     "text": "potassium chloride"}),
        (POTASSIUM, {"coding": [{"system": "urn:rx", "code": "11289"}],
                     "text": "potassium chloride"}),
        (ORAL, {"coding": [{"system": "urn:x", "display": "Intravenous route"}], "text": "oral"}),
        (Amount(value=2, unit="g"), {"value": 2}),
        (Amount(value=2, unit="g"), {"value": 2, "unit": "mg", "code": "g"}),
        (Amount(value=2, unit="g"), {"value": 2, "unit": "g", "comparator": "<"}),
        (Amount(value=3), "3 or 4"),
        (Amount(value=3), "3 months"),
        (Amount(value=1), 10**400),
        (Amount(value=1), float("nan")),
        (Words(phrases=("left knee",), longest=20), "the left knee, the right knee, both hips"),
        (Refers(to="Patient/abc"), {"reference": "https://elsewhere.example/Patient/abc"}),
        (Refers(to="Patient/abc"), {"reference": "abc"}),
        (Refers(to="Patient/abc"), "Patient/x/Patient/abc"),
        (POTASSIUM, {"coding": [{"system": "urn:local", "code": "40032-917-01"}]}),
        (Amount(value=2, unit="g"), {"value": 2, "unit": "mg"}),
        (Amount(value=2, unit="g"), {"value": 2, "unit": "mL"}),
        (Amount(value=1), True),
        (Amount(value=1), "about 1 or so"),
        (MORNING, "2026-01-16"),
        (MORNING, "2026-01-16T08:00:00-05:00"),
        (NOW, "2026-01-16"),
        (MORNING, "tomorrow"),
        (Words(phrases=("left knee",)), "the right knee, and left hip"),
        (Refers(to="Patient/abc"), {"reference": "Patient/xabc"}),
        (Gone(), "something"),
    ],
)  # fmt: skip
def test_what_means_something_else_is_not_met(wanted: Comparator, value: Any) -> None:
    assert not meets(wanted, [value])


def test_nothing_meets_only_what_should_be_gone() -> None:
    assert meets(Gone(), [])
    for wanted in (POTASSIUM, MORNING, Amount(value=0), Same(values=("",)), Refers(to="Patient/a")):
        assert not meets(wanted, [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize("text", ["1" + " " * 3000 + "a\nb", "1" * 3000 + " " * 3000 + "x"])
def test_a_long_text_is_no_number_and_takes_no_time(text: str) -> None:
    assert not meets(Amount(value=1, unit="g"), [text])


@pytest.mark.parametrize(
    ("wanted", "value", "against"),
    [
        (Refers(to="Observation/a"), {"reference": "Observation/b"}, True),
        (Refers(to="Observation/a"), {"reference": "Condition/b"}, False),
        (Refers(to="Observation/a"), {"display": "a"}, True),
        (Amount(value=1, unit="g"), {"value": 2, "unit": "g"}, True),
        (POTASSIUM, {"text": "potassium chloride"}, False),
    ],
)
def test_what_speaks_against_what_is_wanted(wanted: Comparator, value: Any, against: bool) -> None:
    assert contradicts(wanted, value) == against


def test_what_is_forbidden_is_so_in_whatever_words() -> None:
    banned = Concept(names=("clarithromycin",))
    told = {"text": "Clarithromycin ER 500 mg, as agreed"}
    hidden = {"coding": [{"display": "clarithromycin"}], "text": "azithromycin"}
    assert meets(banned, [told], loosely=True) and meets(banned, [hidden], loosely=True)
    assert not meets(banned, [{"text": "azithromycin"}], loosely=True)


@given(json_values)
def test_no_value_breaks_a_comparator(value: Any) -> None:
    wanted = (
        POTASSIUM, MORNING, NOW, Amount(value=1, unit="g"), Same(values=("a", True)),
        Words(phrases=("a",)), Refers(to="Patient/abc"), Gone(),
    )  # fmt: skip
    for comparator in wanted:
        assert meets(comparator, [value]) in (True, False)


UNITS = ["g", "mg", "ug", "kg", "L", "mL", "h", "min", "d", "mmol", "mEq", "mg/dL", "g/L", "mmol/L"]


@given(st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_conversion_there_and_back_changes_nothing(one: str, other: str) -> None:
    there, back = factor(one, other), factor(other, one)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there * back == pytest.approx(1)


def test_conversions_that_are_known() -> None:
    assert factor("g", "mg") == pytest.approx(1000)
    assert factor("mg/dL", "g/L") == pytest.approx(0.01)
    assert factor("lb", "kg") == pytest.approx(0.45359237)
    assert factor("mg", "mL") is None
    assert factor("mg/dL", "mmol/L") is None
