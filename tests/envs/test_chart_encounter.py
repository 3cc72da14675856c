"""A task in the chart as an encounter: no patient, chart actions, an answer at the end."""

from __future__ import annotations

import json
import warnings
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from bedside.core.flow import drive
from bedside.core.observation import Observation
from bedside.core.trace import decode_trace, encode_trace
from bedside.envs.encounter import NOBODY, Encounter
from bedside.envs.replay import replay
from bedside.scenarios import catalogue
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import Suite

ID = "bedside:bedside/Chart-v0"


@pytest.fixture(scope="module")
def suite() -> Suite:
    return catalogue.load("chart-small")


@pytest.fixture
def case(suite: Suite) -> ChartCase:
    return next(c for c in suite.cases if isinstance(c, ChartCase) and c.category == "potassium")


@pytest.fixture
def encounter(suite: Suite, case: ChartCase) -> Encounter:
    encounter = Encounter(case, suite=suite, seed=4)
    drive(encounter.open(), _nobody)
    return encounter


def _nobody(request: Any) -> Any:
    raise AssertionError(f"nobody answers {request}")


def act(encounter: Encounter, action: Any) -> Observation:
    return drive(encounter.act(action), _nobody)


def make(**kwargs: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(ID, suite="chart-small", **kwargs)


def test_check_env_has_nothing_to_say() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make().unwrapped)


def test_the_doctor_is_told_the_task_and_not_who_the_patient_is(
    suite: Suite, case: ChartCase
) -> None:
    encounter = Encounter(case, suite=suite, seed=4)
    observation = drive(encounter.open(), _nobody)
    assert observation.text == case.task
    assert encounter.briefing.patient_id == ""
    env = make()
    _, info = env.reset(seed=2)
    assert info["patient"] == ""
    assert encounter.events[0].patient == NOBODY  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "action",
    [
        {"type": "say", "text": "Hello?"},
        {"type": "examine", "what": "skin"},
        {"type": "order", "test": "potassium"},
        {"type": "request_photo"},
        {"type": "finish", "diagnoses": [{"name": "hypokalaemia", "primary": True}]},
        "plain words",
    ],
)
def test_what_needs_a_patient_is_refused_and_says_what_there_is(
    encounter: Encounter, action: Any
) -> None:
    observation = act(encounter, action)
    assert observation.kind == "error"
    assert "There is no patient here" in observation.text
    assert "answer" in observation.text
    assert not encounter.over


def test_a_consult_takes_no_answer() -> None:
    consult = catalogue.load("consult")
    encounter = Encounter(consult.cases[0], suite=consult, seed=1)
    drive(encounter.open(), _nobody)
    observation = act(encounter, {"type": "answer", "values": [1]})
    assert observation.kind == "error" and "finish" in observation.text


def test_the_tools_are_those_of_the_chart(encounter: Encounter) -> None:
    observation = act(encounter, {"type": "calculate", "expression": "7 * 6"})
    names = {tool["function"]["name"] for tool in observation.tools}
    assert names == {
        "fhir_request", "search", "read", "create", "update", "calculate", "wait", "answer",
    }  # fmt: skip


def test_reward_comes_when_the_chart_is_changed_and_sums_to_the_score(case: ChartCase) -> None:
    env = make()
    env.reset(seed=1, options={"case": case.id})
    rewards = []
    for request in case.gold:
        action = json.dumps({"type": "fhir_request", **request.model_dump(exclude_none=True)})
        rewards.append(float(env.step(action)[1]))
    answer = json.dumps({"type": "answer", "values": case.gold_answer})
    _, reward, terminated, truncated, info = env.step(answer)
    assert terminated and not truncated
    assert all(part > 0 for part in (*rewards, reward)) or not case.acts
    assert sum(rewards) + float(reward) == pytest.approx(info["score"]) == pytest.approx(1)


def test_a_wrong_write_costs_what_it_spoils(encounter: Encounter, case: ChartCase) -> None:
    for request in case.gold:
        act(encounter, {"type": "fhir_request", **request.model_dump(exclude_none=True)})
    before = encounter.score
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "walk more"},
        "subject": {"reference": f"Patient/{case.patient_id}"},
    }
    act(encounter, {"type": "create", "resource": goal})
    assert encounter.score <= before / 2


def test_a_trace_replays_to_the_same_bytes_and_the_same_sheet(
    suite: Suite, case: ChartCase, encounter: Encounter
) -> None:
    act(encounter, {"type": "fhir_request", "method": "GET", "path": f"Patient/{case.patient_id}"})
    for request in case.gold:
        act(encounter, {"type": "fhir_request", **request.model_dump(exclude_none=True)})
    act(encounter, {"type": "answer", "values": list(case.gold_answer)})
    stored = encode_trace(encounter.events)
    again = replay(decode_trace(stored), case, suite)
    assert encode_trace(again.events) == stored
    assert again.sheet() == encounter.sheet()


def test_the_train_split_is_unlimited_and_of_other_patients(suite: Suite) -> None:
    env = make(split="train")
    test_ids = {case.id for case in suite.cases}
    patients = {case.patient_id for case in suite.cases}
    for seed in range(30):
        _, info = env.reset(seed=seed)
        assert info["case"] not in test_ids
        assert env.unwrapped.encounter.case.patient_id not in patients  # type: ignore[attr-defined]


def test_the_score_is_told_at_the_end_only(case: ChartCase) -> None:
    env = make(reward="final")
    _, info = env.reset(seed=1, options={"case": case.id})
    assert info["score"] is None
    for request in case.gold:
        action = json.dumps({"type": "fhir_request", **request.model_dump(exclude_none=True)})
        _, reward, _, _, info = env.step(action)
        assert info["score"] is None and reward == 0
    *_, info = env.step(json.dumps({"type": "answer", "values": case.gold_answer}))
    assert info["score"] == pytest.approx(1)


@pytest.mark.parametrize(
    "values",
    [
        "[" + "1" * 400 + ', "x"]',
        '["' + "1" + " " * 3000 + 'a\\nb"]',
        '[{"value": 1e400}, {"value": true}, {"value": {"value": []}}]',
        '[[[[[["2.8"]]]]], null, "\\ud800"]',
        json.dumps(["9" * 15_000]),
        json.dumps([{"numerator": {"value": 1}, "denominator": {"value": 0}}, {"reference": 7}]),
    ],
)
def test_no_answer_breaks_the_grader(encounter: Encounter, values: str) -> None:
    act(encounter, f'{{"type": "answer", "values": {values}}}')
    sheet = encounter.sheet()
    assert not sheet.success and 0 <= sheet.score < 1


def test_no_payload_breaks_the_grader(suite: Suite) -> None:
    cases = [c for c in suite.cases if isinstance(c, ChartCase) and c.category == "do_not_contact"]
    case = next(c for c in cases if c.acts)
    body = dict(case.gold[0].body)  # type: ignore[arg-type]
    for payload in (
        {"contentAttachment": {"contentType": "text/plain", "data": "aGk="}},
        {"contentReference": {"reference": "Appointment/x"}},
        {"_contentString": {"extension": [{"url": "http://x", "valueString": "a"}]}},
    ):
        encounter = Encounter(case, suite=suite, seed=4)
        drive(encounter.open(), _nobody)
        act(encounter, {"type": "create", "resource": {**body, "payload": [payload]}})
        act(encounter, {"type": "answer", "values": list(case.gold_answer)})
        assert not encounter.sheet().success
