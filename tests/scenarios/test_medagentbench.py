"""MedAgentBench's data as a suite."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bedside.agents.text_doctor import TextDoctor
from bedside.agents.text_protocol import BASE, ROUNDS, oracle_messages
from bedside.core.errors import CaseError
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.fhir_server.bulk import lines_of
from bedside.fhir_server.snapshot import build
from bedside.fhir_server.validation import validate
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.medagentbench import functions, suite
from bedside.scenarios.suite import Suite
from benchmarks.medagentbench import BEHAVIOURS, Verdicts, rows, verdicts, write_measured

TASK = {
    "id": "task4_1",
    "instruction": "How much magnesium has S1?",
    "context": "",
    "eval_MRN": "S1",
}
PATIENT = {"resourceType": "Patient", "id": "S1", "birthDate": "1950-11-13"}


@pytest.fixture(scope="module")
def published(test_data: Path) -> Suite:
    return suite(_folder(test_data))


def _folder(test_data: Path) -> Path:
    folder = test_data / "medagentbench"
    if not (folder / "tasks.json").is_file():
        pytest.skip(f"no medagentbench/tasks.json in {test_data}; set BEDSIDE_TEST_DATA")
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("measured")
    write_measured(folder)
    return suite(folder)


def cases(found: Suite) -> list[ChartCase]:
    return [case for case in found.cases if isinstance(case, ChartCase)]


def observation(id: str, value: Any, time: str | None, unit: str = "mg/dL", **more: Any) -> Any:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"code": "MG"}]},
        "subject": {"reference": "Patient/S1"},
        **({"effectiveDateTime": time} if time else {}),
        **({"valueQuantity": {"value": value, "unit": unit}} if value is not None else {}),
        **more,
    }


def written(folder: Path, tasks: Any, *resources: Any) -> Path:
    (folder / "tasks.json").write_text(tasks if isinstance(tasks, str) else json.dumps(tasks))
    lines = "".join(f"{json.dumps(resource)}\n" for resource in resources)
    (folder / "patients.ndjson").write_text(lines)
    return folder


def test_published_tasks_are_fifteen_of_each_category(published: Suite) -> None:
    counted = Counter(case.category for case in cases(published))
    assert counted == {f"task{number}": 15 for number in range(1, 11)}
    assert published.policy.validation == "lenient"
    assert all(case.limits.turns == 30 for case in cases(published))
    assert published.case("task1-1").id == "task1-1"


def test_published_look_ups_and_ages_follow_from_the_patients(
    published: Suite, test_data: Path
) -> None:
    lines = (_folder(test_data) / "patients.ndjson").read_text().splitlines()
    people = {p["id"]: p for p in map(json.loads, lines)}
    assert len(people) == 500
    for case in cases(published):
        person = people[case.patient_id]
        if case.category == "task1":
            name = person["name"][0]
            assert f"{name['given'][0]} {name['family']}" in case.task
            assert person["birthDate"] in case.task
            assert case.gold_answer == (person["id"],)
        if case.category == "task2":
            year, *day = map(int, person["birthDate"].split("-"))
            assert case.gold_answer == (2023 - year - (day > [11, 13]),)


def test_published_tasks_are_all_passed_by_the_oracle_in_eight_rounds(published: Suite) -> None:
    for case in cases(published):
        messages = oracle_messages(case, BASE)
        assert len(messages) <= ROUNDS
        assert verdicts(published, case, messages).ours, case.id


def test_published_tasks_are_found_by_reading_the_chart(published: Suite, test_data: Path) -> None:
    """An agent that knows nothing but the text of the task answers look-ups and ages."""
    for case in cases(published):
        if case.category in ("task1", "task2"):
            encounter = Encounter(case, suite=published, seed=0)
            play(encounter, TextDoctor(_Reader(), functions=str(_folder(test_data))))
            assert encounter.sheet().success, case.id


class _Reader:
    """Looks the patient of the task up and answers from what it finds."""

    def inference(self, history: list[dict[str, str]]) -> str:
        text = history[0]["content"].rpartition("The task: ")[2]
        named = re.search(r"name (\w+) (\w+) and DOB of ([\d-]+)", text)
        if len(history) == 1 and named:
            given, family, born = named.groups()
            return f"GET {BASE}Patient?given={given}&family={family}&birthdate={born}"
        if len(history) == 1:
            found = re.search(r"S\d{7}", text)
            assert found is not None
            return f"GET {BASE}Patient?identifier={found[0]}&_format=json"
        bundle = json.loads(history[2]["content"].split("\n")[1])
        (patient,) = (entry["resource"] for entry in bundle["entry"])
        year, *day = map(int, patient["birthDate"].split("-"))
        return f"FINISH({json.dumps([patient['id'] if named else 2023 - year - (day > [11, 13])])})"


def test_published_functions_are_read(test_data: Path) -> None:
    folder = _folder(test_data)
    assert functions(folder) == functions(folder / "functions.json")
    assert len(functions(folder)) == 9


DIFFERING = {
    "all right, payloads in valid R4",
    "FINISH([]) at once",
    "right writes, FINISH([])",
    "right writes, wrong answer",
    "right writes, numbers as text",
    "searched by POST",
    "all in one transaction",
    "in the other order",
    "the same moment in another time zone",
    "code as text",
    "blood pressure in components",
}
"""Behaviours on which the verdicts are known to differ; docs/chart-tasks.md says why."""


@pytest.mark.parametrize("data", ["measured", "published"])
def test_the_verdicts_agree_where_the_rules_are_the_same(
    data: str, request: pytest.FixtureRequest
) -> None:
    every = list(rows(request.getfixturevalue(data)))
    differing = [row for row in every if row.verdicts.original != row.verdicts.ours]
    assert {row.behaviour for row in differing} <= DIFFERING
    if data == "measured":
        assert {row.behaviour for row in differing} == DIFFERING
        assert {row.behaviour for row in every} == set(BEHAVIOURS)


def test_as_the_original_demands_it_both_pass_every_task(measured: Suite) -> None:
    passed = [row for row in rows(measured) if row.behaviour.endswith("original demands")]
    assert passed and all(row.verdicts == Verdicts(True, True) for row in passed)


def test_silence_passes_none_of_ours(measured: Suite) -> None:
    silent = [row for row in rows(measured) if row.behaviour == "FINISH([]) at once"]
    assert any(row.verdicts.original for row in silent)
    assert not any(row.verdicts.ours for row in silent)


def test_the_oracle_writes_valid_r4(measured: Suite) -> None:
    bodies = [request.body for case in cases(measured) for request in case.gold]
    assert len(bodies) == 9
    for body in bodies:
        assert isinstance(body, dict)
        assert list(validate(body)) == []


def test_values_are_the_last_in_the_window(tmp_path: Path) -> None:
    folder = written(
        tmp_path, [TASK], PATIENT,
        observation("a", 1.5, "2023-11-12T10:15:00+00:00"),
        observation("b", 1.9, "2023-11-12T10:14:59+00:00"),
        observation("c", 9, "2023-11-13T09:00:00+00:00", code={"coding": [{"code": "K"}]}),
        observation("d", None, "2023-11-13T09:00:00+00:00"),
        observation("e", 1.6, None),
    )  # fmt: skip
    (case,) = cases(suite(folder))
    assert case.gold_answer == (1.5,)


def test_a_code_may_be_text_and_a_unit_another(tmp_path: Path) -> None:
    time = "2023-11-13T09:00:00+00:00"
    reading = observation("a", 20, time, "mg/L", code={"text": "MG"})
    (case,) = cases(suite(written(tmp_path, [TASK], PATIENT, reading)))
    assert list(case.gold_answer) == pytest.approx([2.0])
    assert case.original == {"task": 4, "mrn": "S1", "answer": [20], "value": 20}


def test_ages_are_rounded_down(tmp_path: Path) -> None:
    task = {**TASK, "id": "task2_1"}
    for born, age in (("1950-11-13", 73), ("1950-11-14", 72)):
        folder = written(tmp_path, [task], {**PATIENT, "birthDate": born})
        (case,) = cases(suite(folder))
        assert case.gold_answer == (age,)


def test_a_patient_may_not_exist(tmp_path: Path) -> None:
    task = {"id": "task1_9", "instruction": "Who?", "context": "", "sol": ["Patient not found"]}
    (case,) = cases(suite(written(tmp_path, [task], PATIENT)))
    assert (case.branch, case.gold_answer) == ("not-found", ("Patient not found",))


def test_a_tasks_file_of_another_name_will_do(tmp_path: Path) -> None:
    written(tmp_path, "not JSON", PATIENT)
    other = tmp_path / "some.json"
    other.write_text(json.dumps([TASK]))
    assert suite(other).name == f"medagentbench:{other}"


def test_the_population_may_be_a_snapshot(tmp_path: Path) -> None:
    folder = written(tmp_path, [TASK], PATIENT, observation("a", 1.5, "2023-11-13T09:00:00+00:00"))
    build(lines_of([folder / "patients.ndjson"]), folder / "snapshot")
    (folder / "patients.ndjson").unlink()
    found = suite(folder)
    (case,) = cases(found)
    assert case.gold_answer == (1.5,)
    assert verdicts(found, case, oracle_messages(case, BASE)) == Verdicts(True, True)


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ("nonsense", "cannot read .*tasks.json"),
        ({"id": "task4_1"}, "must be one JSON list of objects"),
        ([{**TASK, "id": "task11_1"}], "task 'task11_1': id: must be task1_1 to task10_"),
        ([{**TASK, "eval_MRN": None}], "task 'task4_1': eval_MRN: must be text"),
        ([{**TASK, "eval_MRN": "S 1"}], "task 'task4_1': patient_id: "),
        ([{**TASK, "id": "task2_1", "eval_MRN": "S2"}], "no Patient/S2 is in the population"),
        ([{**TASK, "id": "task1_1"}], "task 'task1_1': sol: must be a list of one text"),
        ([{**TASK, "id": "task3_1"}], "instruction: must have .* in double quotes"),
    ],
)
def test_errors_name_the_task_the_field_and_the_mend(tmp_path: Path, tasks: Any, why: str) -> None:
    with pytest.raises(CaseError, match=why):
        suite(written(tmp_path, tasks, PATIENT))


def test_a_folder_without_patients_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("[]")
    with pytest.raises(CaseError, match="bedside ehr import"):
        suite(tmp_path)


def test_a_half_birth_date_is_not_enough(tmp_path: Path) -> None:
    folder = written(tmp_path, [{**TASK, "id": "task2_1"}], {**PATIENT, "birthDate": "1950"})
    with pytest.raises(CaseError, match="birthDate of Patient/S1 is '1950'; give a whole date"):
        suite(folder)


def test_broken_patients_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path, [TASK], PATIENT, PATIENT)
    with pytest.raises(CaseError, match="Patient/S1 is there twice"):
        suite(folder)
