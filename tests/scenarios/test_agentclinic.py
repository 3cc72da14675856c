"""Open suites from third-party vignettes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.agents.chart_review import review
from bedside.core.errors import CaseError
from bedside.fhir_server import Chart, StartLayer
from bedside.scenarios.agentclinic import load, parse_row, suite
from bedside.scenarios.case import Case
from bedside.scenarios.clauses import clauses
from bedside.scenarios.hospital import clinic
from bedside.scenarios.names import ICD_10_CM


def row(**changes: Any) -> dict[str, Any]:
    exam: dict[str, Any] = {
        "Objective_for_Doctor": "Assess the weak patient.",
        "Patient_Actor": {
            "Demographics": "35-year-old woman",
            "History": "The patient reports weakness when she climbs stairs. She takes aspirin.",
            "Symptoms": {
                "Primary_Symptom": "Double vision",
                "Secondary_Symptoms": ["Weak arms", "Double vision"],
            },
            "Past_Medical_History": "Hypertension, gout",
            "Current_Medications": ["Aspirin"],
            "Social_History": "Works as a baker. Non-smoker.",
            "Review_of_Systems": "Denies fever, chills, or other symptoms.",
        },
        "Physical_Examination_Findings": {
            "Vital_Signs": {"Heart_Rate": "72 bpm"},
            "Neurological_Examination": {"Eyes": "Ptosis, as in myasthenia."},
        },
        "Test_Results": {
            "Blood_Tests": {"Antibodies": "Present: myasthenia gravis"},
            "Imaging": {"Chest_CT": {"Findings": "Normal"}},
            "Muscle_Biopsy": "Normal",
        },
        "Correct_Diagnosis": "Myasthenia gravis",
    }
    return {"OSCE_Examination": exam | changes}


def actor(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"Demographics": "35-year-old woman", "History": "She is weak."}
    return row(Patient_Actor=fields | changes)


def texts(case: Case, topic: str) -> list[str]:
    return [fact.text for fact in case.facts if fact.topic == topic]


def test_a_row_becomes_a_case() -> None:
    case = parse_row(row())
    assert (case.person.age, case.person.sex, case.person.companion) == (35.0, "female", False)
    assert case.person.occupation == "baker"
    assert texts(case, "complaint") == ["Double vision."]
    assert "I take aspirin." in texts(case, "medication")
    assert [f.text for f in case.facts if not f.present] == [
        "Non-smoker.", "No fever.", "No chills."]  # fmt: skip
    assert sum(fact.text == "Double vision." for fact in case.facts) == 1
    assert [(test.name, test.minutes) for test in case.tests] == [
        ("Blood tests", 45), ("Chest CT", 60), ("Muscle biopsy", 1440)]  # fmt: skip
    assert case.findings[1].text == "Eyes: Ptosis, as in the condition"
    assert case.truth.code == "G70.0"
    assert "myasthenia" in case.tests[0].text
    kinds = [resource["resourceType"] for resource in case.chart]
    assert kinds == ["Patient", "Condition", "Condition", "MedicationStatement"]
    assert case.patient_id in case.task


def test_the_same_row_gives_the_same_case_and_another_row_other_ids() -> None:
    first, again = parse_row(row()), parse_row(json.loads(json.dumps(row())))
    assert first == again
    other = parse_row(row(Objective_for_Doctor="Another."))
    assert first.id != other.id
    assert first.patient_id != other.patient_id


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        ({"text": "Myasthenia gravis"}, 1),
        ({"text": "Probable myasthenia gravis"}, 1),
        ({"coding": [{"system": ICD_10_CM, "code": "G70.01"}]}, 1),
        ({"text": "Neonatal myasthenia gravis"}, 0),
        ({"text": "Family history of myasthenia gravis"}, 0),
        ({"coding": [{"system": ICD_10_CM, "code": "G71.0"}]}, 0),
    ],
)
def test_the_check_counts_a_condition_that_means_the_diagnosis(
    code: dict[str, Any], counted: int
) -> None:
    case = parse_row(row())
    chart = Chart(clinic(), StartLayer.of(case.chart), seed=1, now="2026-01-15T09:00:00Z")
    condition = {**case.truth.orders[0], "code": code}
    assert chart.request("POST", "Condition", body=condition).status == 201
    assert len(review(case, chart).matched[0]) == counted


@pytest.mark.parametrize(
    ("demographics", "age", "sex", "companion"),
    [
        ("35-year-old female", 35.0, "female", False),
        ("8-month-old boy", 0.667, "male", True),
        ("2-day-old male infant", 0.005, "male", True),
        ("Newborn, female", 0.0, "female", True),
        ("Newborn male, born at 33 weeks of gestation", 0.0, "male", True),
        ("32-year-old woman, gravida 2, at 38 weeks' gestation", 32.0, "female", False),
        ({"Age": 41, "Gender": "Male"}, 41.0, "male", False),
        ("57 y/o M", 57.0, "male", False),
        ("3-year-old child", 3.0, "unknown", True),
    ],
)
def test_demographics(demographics: Any, age: float, sex: str, companion: bool) -> None:
    person = parse_row(actor(Demographics=demographics, History="Weak.")).person
    assert (person.age, person.sex, person.companion) == (age, sex, companion)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He denies fever, chills.", ["-No fever.", "-No chills."]),
        ("The patient reports double vision.", ["+Double vision."]),
        ("On review, there's no history of cough, fever, or diarrhea.",
         ["-No history of cough.", "-No fever.", "-No diarrhea."]),
        ("Complains of hoarseness but denies headache, vomiting.",
         ["+Hoarseness.", "-No headache.", "-No vomiting."]),
        ("Denies changes in bowel or bladder function.",
         ["-No changes in bowel or bladder function."]),
        ("Denies fever and he takes aspirin, his wife cooks.",
         ["-No fever.", "+I take aspirin, my wife cooks."]),
        ("He has a history of gout. His wife found him.",
         ["+I have a history of gout.", "+My wife found me."]),
        ("His brother says he fell.", ["+My brother says he fell."]),
        ("Non-healing ulcer.", ["+Non-healing ulcer."]),
        ("A 2-week history of nausea, vomiting, and pain.",
         ["+For 2 weeks, nausea.", "+Vomiting.", "+Pain."]),
        ("Information not provided.", []),
        ("None", []),
        ("No additional symptoms reported.", []),
    ],
)  # fmt: skip
def test_clauses(text: str, expected: list[str]) -> None:
    said = [("+" if clause.present else "-") + clause.text for clause in clauses(text, "male")]
    assert said == expected


@given(st.text(alphabet=st.sampled_from("ab cd,.;()-'\n1 no and she denies "), max_size=600))
def test_clauses_are_short_and_say_something(text: str) -> None:
    try:
        found = clauses(text)
    except CaseError:
        assert max(map(len, text.split())) > 100
        return
    for clause in found:
        assert 0 < len(clause.text) <= 120
        assert re.search(r"[a-z]", clause.text, re.IGNORECASE)


def test_long_clauses_are_divided_between_words() -> None:
    text = "Burning under the left ribs " + "rising slowly towards the throat " * 12
    words = set(re.findall(r"\w+", text.lower()))
    for clause in clauses(text):
        assert set(re.findall(r"\w+", clause.text.lower())) <= words


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON, JSON, JSON, JSON, JSON)
def test_any_values_give_a_case_or_a_case_error(
    history: Any, symptoms: Any, exam: Any, tests: Any, diagnosis: Any
) -> None:
    changed = actor(History=history, Symptoms=symptoms)["OSCE_Examination"]
    changed |= {"Physical_Examination_Findings": exam, "Test_Results": tests}
    changed["Correct_Diagnosis"] = diagnosis
    try:
        case = parse_row({"OSCE_Examination": changed})
    except CaseError:
        return
    check_facts(case)


@given(JSON)
def test_any_row_is_a_case_or_a_case_error(value: Any) -> None:
    for candidate in (value, {"OSCE_Examination": value}, row(Patient_Actor=value)):
        try:
            parse_row(candidate)
        except CaseError as error:
            assert str(error)


def check_facts(case: Case) -> None:
    openings = [fact for fact in case.facts if fact.disclosure == "opening"]
    assert openings
    if len(case.facts) >= 4:
        assert len(openings) <= len(case.facts) / 4
    for fact in case.facts:
        assert 0 < len(fact.text) <= 120


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows"),
        ("{", "line 1: no valid JSON"),
        ("\n[]x", "no valid JSON"),
        ('{"a": 1}', "line 1: OSCE_Examination"),
        (json.dumps(row()) + "\n" + json.dumps(row()), "line 2: OSCE_Examination is the same"),
        (json.dumps(row(Correct_Diagnosis=" ")), "line 1: Correct_Diagnosis"),
        (json.dumps(row(Patient_Actor=3)), "line 1: Patient_Actor"),
        (json.dumps(actor(Demographics="a woman")), "Patient_Actor.Demographics: no age"),
        (json.dumps(actor(History="None")), "Patient_Actor: says nothing"),
        (json.dumps(actor(History="x" * 200)), "Patient_Actor.History: a word of more than 120"),
        ("[" * 100_000, "no valid JSON"),
    ],
)
def test_bad_files_name_line_and_field(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CaseError, match=re.escape(message)):
        load(path)


def test_a_missing_file_is_a_case_error(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="cannot read"):
        load(tmp_path / "none.jsonl")


def test_a_json_array_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row(), row(Objective_for_Doctor="B")], indent=1), encoding="utf-8")
    found = suite(path)
    assert found.name == f"agentclinic:{path}"
    assert len(found.cases) == 2
    assert found.labels == ()


def test_third_party_rows(test_data: Path) -> None:
    cases = load(test_data / "agentclinic" / "medqa.jsonl")
    assert len(cases) == 60
    assert {case.person.temperament for case in cases} == {
        "sanguine", "choleric", "melancholic", "phlegmatic"}  # fmt: skip
    for case in cases:
        check_facts(case)
        assert case.findings
        assert case.tests
        assert case.person.sex != "unknown" or case.person.companion


def test_charts_are_valid_fhir_r4(test_data: Path) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    for case in load(test_data / "agentclinic" / "medqa.jsonl"):
        for resource in (*case.chart, *case.truth.orders):
            model = get_fhir_model_class(resource["resourceType"])
            model.model_validate(resource)
        for resource in case.chart:
            assert resource["meta"]["tag"][0]["code"] == "third-party-vignette"


def test_the_gold_condition_is_accepted_and_meets_the_check(test_data: Path) -> None:
    found = suite(test_data / "agentclinic" / "medqa.jsonl")
    for case in found.cases:
        start = StartLayer.of(case.chart)
        chart = Chart(found.population, start, seed=1, now="2026-01-01T00:00:00Z")
        (gold,) = case.truth.orders
        assert chart.request("POST", "Condition", {}, gold).status == 201
        assert review(case, chart).complete
