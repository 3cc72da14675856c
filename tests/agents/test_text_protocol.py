"""MedAgentBench's text protocol, and the doctor that speaks it for an agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bedside.agents.base import Briefing
from bedside.agents.original_grader import original_verdict
from bedside.agents.text_doctor import TextDoctor
from bedside.agents.text_protocol import (
    BASE,
    ROUNDS,
    NoAction,
    action_of,
    first_message,
    oracle_messages,
    reply_of,
)
from bedside.core.actions import parse_action
from bedside.core.errors import ActionError, DoctorError
from bedside.core.observation import Kind, Observation
from bedside.core.options import read_options
from bedside.core.trace import Ended
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.fhir_server.population import Population
from bedside.scenarios import catalogue, chart
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import Suite

ANN = {"resourceType": "Patient", "id": "ann", "birthDate": "1980-02-03"}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "weight",
    "status": "preliminary",
    "code": {"text": "weight"},
    "subject": {"reference": "Patient/ann"},
}
NOTE: dict[str, Any] = {
    "resourceType": "Condition",
    "subject": {"reference": "Patient/ann"},
    "code": {"text": "asthma"},
}


def need(path: str, value: str) -> dict[str, Any]:
    """What must be at a path."""
    want = {"kind": "same", "values": [value]}
    return {"says": f"it is {value}", "ways": [{"path": path, "want": want}]}


STATUS, NAMED = need("status", "final"), need("code.text", "asthma")


def case(*gold: dict[str, Any], rounds: int = 30) -> ChartCase:
    """Finalise the weight, chart the asthma, and say how old Ann is."""
    return ChartCase.model_validate(
        {
            "id": "weigh",
            "category": "weigh",
            "branch": "all",
            "task": "Do it.",
            "patient_id": "ann",
            "acts": True,
            "chart": [OBSERVATION],
            "writes": [
                {"id": "w", "says": "final", "select": "entry.resource.ofType(Observation)",
                 "target": "weight", "needs": [STATUS], "may_change": ["status"]},
                {"id": "c", "says": "asthma", "select": "entry.resource.ofType(Condition)",
                 "needs": [NAMED]},
            ],
            "answer": [{"says": "age", "want": {"kind": "amount", "value": 45}}],
            "gold": gold,
            "gold_answer": [45],
            "limits": {"turns": rounds, "minutes": 240},
            "source": "made here",
        }
    )  # fmt: skip


CREATE = {"method": "POST", "path": "Condition", "body": NOTE}
PUT = {"method": "PUT", "path": "Observation/weight", "body": {**OBSERVATION, "status": "final"}}
PATCH = {
    "method": "PATCH",
    "path": "Observation/weight",
    "body": [{"op": "replace", "path": "/status", "value": "final"}],
}
SUITE = Suite(
    name="weigh", version="1", cases=(case(PUT, CREATE),), population=Population.of([ANN])
)


class Playback:
    """An agent that sends what it was given."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = iter(messages)
        self.seen: list[list[dict[str, str]]] = []

    def inference(self, history: list[dict[str, str]]) -> str:
        self.seen.append(history)
        return next(self.messages)


class Repeat:
    """An agent that looks up the same thing for ever."""

    def inference(self, history: list[dict[str, str]]) -> str:
        return f"GET {BASE}Patient/ann"


def played(found: ChartCase, doctor: TextDoctor) -> Encounter:
    encounter = Encounter(found, suite=SUITE, seed=0)
    play(encounter, doctor)
    return encounter


def seen(kind: Kind, text: str, data: Any = None) -> Observation:
    return Observation(kind, text, turn=1, turns_left=9, minute=1, minutes_left=9, data=data)


def test_get_is_a_request_relative_to_the_base() -> None:
    action = action_of(f"GET {BASE}Patient?name=Ann Lee&birthdate=1980-02-03", BASE)
    assert action == {
        "type": "fhir_request",
        "method": "GET",
        "path": "Patient?name=Ann Lee&birthdate=1980-02-03",
    }
    parse_action(action)


@pytest.mark.parametrize("base", ["http://h/fhir", "http://h/fhir/"])
def test_the_last_slash_of_the_base_does_not_matter(base: str) -> None:
    assert action_of("GET http://h/fhir/Patient/ann", base)["path"] == "Patient/ann"


def test_post_has_its_payload_from_the_second_line_on() -> None:
    action = action_of(f"POST {BASE}Condition\n{json.dumps(NOTE, indent=1)}", BASE)
    assert (action["method"], action["path"], action["body"]) == ("POST", "Condition", NOTE)


@pytest.mark.parametrize("url", [BASE, BASE.rstrip("/")])
def test_a_post_to_the_base_itself_is_a_request_that_can_be_sent(url: str) -> None:
    action = action_of(f'POST {url}\n{{"resourceType": "Bundle"}}', BASE)
    assert action["path"] == "/"
    parse_action(action)


@pytest.mark.parametrize("fence", ["```tool_code\n{}\n```", "```\n{}\n```", "  {}\n"])
def test_code_fences_are_dropped(fence: str) -> None:
    message = fence.format(f"GET {BASE}Patient/ann")
    assert action_of(message, BASE)["path"] == "Patient/ann"


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("FINISH([])", []),
        ('FINISH([4.5, "2023-11-13"])', [4.5, "2023-11-13"]),
        ("FINISH(S123)", ["FINISH(S123)"]),
        ("FINISH(7)", ["FINISH(7)"]),
        ("FINISH(['S123'])", ["FINISH(['S123'])"]),
    ],
)
def test_finish_gives_its_list_or_else_the_message(message: str, values: list[Any]) -> None:
    assert action_of(message, BASE) == {"type": "answer", "values": values}


@pytest.mark.parametrize("message", ["", "I will look it up.", "PUT x", f"Now: GET {BASE}Patient"])
def test_any_other_message_is_no_action(message: str) -> None:
    with pytest.raises(NoAction, match="begins with GET, POST or FINISH"):
        action_of(message, BASE)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("GET Patient?name=Ann", f"Invalid GET request: the URL must begin with {BASE}"),
        ("GET https://elsewhere/Patient", "Invalid GET request: the URL must begin"),
        (f"GET {BASE}Patient/ann\nand so on", "Invalid GET request: send the URL alone"),
        (f"POST {BASE}Condition", "Invalid POST request: .* not JSON"),
        (f"POST {BASE}Condition\n{{'a': 1}}", "Invalid POST request: .* not JSON"),
        (f"POST {BASE}Condition\n7", "Invalid POST request: .* must be an object"),
    ],
)
def test_what_cannot_be_sent_says_why(message: str, why: str) -> None:
    with pytest.raises(ActionError, match=why) as caught:
        action_of(message, BASE)
    assert not isinstance(caught.value, NoAction)


def test_replies_say_whether_a_write_was_accepted() -> None:
    created = reply_of(seen("chart", "", {"status": 201, "body": {"id": "a"}}))
    assert created.startswith('POST request accepted and carried out (201): {"id": "a"}')
    moved = reply_of(seen("chart", "", {"status": 200, "body": {"type": "transaction-response"}}))
    assert moved.startswith("POST request accepted")
    found = reply_of(seen("chart", "", {"status": 200, "body": {"total": 0}}))
    assert found.startswith('The chart answered:\n{"total": 0}')
    refused = reply_of(seen("chart", "", {"status": 422, "body": {"issue": []}}))
    assert refused == 'Error 422 in sending the request: {"issue": []}'
    assert reply_of(seen("error", "'values' is missing.")) == "'values' is missing."


def test_the_first_message_tells_rules_functions_and_task() -> None:
    plain = first_message("Find Ann.", "http://h/fhir")
    assert "FINISH([answer" in plain and "http://h/fhir/" in plain and plain.endswith("Find Ann.")
    assert "transaction" not in plain and "functions" not in plain
    full = first_message("Find Ann.", "http://h/fhir", [{"name": "GET {api_base}/Patient"}], True)
    assert "transaction" in full and '"GET {api_base}/Patient"' in full


def test_the_oracle_posts_one_by_one_and_wraps_the_rest() -> None:
    post, bundle, finish = oracle_messages(case(CREATE, PUT, PATCH), BASE)
    assert post == f"POST {BASE}Condition\n{json.dumps(NOTE, separators=(',', ':'))}"
    assert bundle.startswith(f"POST {BASE}\n")
    entries = json.loads(bundle.partition("\n")[2])["entry"]
    assert [entry["request"]["method"] for entry in entries] == ["PUT", "PATCH"]
    assert finish == "FINISH([45])"


REFUSED = f'POST {BASE}Observation\n{{"resourceType": "Observation"}}'
"""What the chart does not take; it is told so, and counts for nothing if it is mended."""
ORIGINAL = list(chart.families())[:10]
"""The categories that are MedAgentBench's."""


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.deep)])
def test_the_oracle_passes_every_chart_task_through_the_protocol(whole: bool) -> None:
    """In 8 messages; those that change what is charted take the extension."""
    suite = catalogue.load("chart-small")
    for found in chart.cases("hospital") if whole else suite.cases:
        assert isinstance(found, ChartCase)
        messages = [REFUSED, *oracle_messages(found, BASE)]
        assert len(messages) <= ROUNDS
        extension = any(request.method != "POST" for request in found.gold)
        assert not (extension and found.category in ORIGINAL)
        encounter = Encounter(found, suite=suite, seed=0)
        agent = Playback(messages)
        play(encounter, TextDoctor(agent, extension=extension))
        told = agent.seen[1][-1]["content"]
        assert told.startswith("Error 4"), told
        assert encounter.sheet().success, (found.category, found.branch)


@pytest.mark.parametrize("change", [PUT, PATCH])
def test_the_oracle_passes_through_the_protocol(change: dict[str, Any]) -> None:
    found = case(change, CREATE)
    encounter = played(found, TextDoctor(Playback(oracle_messages(found, BASE)), extension=True))
    assert encounter.sheet().success
    assert original_verdict(found, encounter.events) is None


def test_the_agent_is_given_the_history_in_the_roles_of_medagentbench() -> None:
    agent = Playback([f"GET {BASE}Patient/ann", f"POST {BASE}Condition\n", "FINISH([45])"])
    played(case(CREATE), TextDoctor(agent))
    last = agent.seen[-1]
    assert [message["role"] for message in last] == ["user", "agent"] * 2 + ["user"]
    assert last[0]["content"].endswith("Do it.")
    assert '"birthDate": "1980-02-03"' in last[2]["content"]
    assert last[4]["content"].startswith("Invalid POST request")


@pytest.mark.parametrize(
    ("options", "asked"), [({}, 8), ({"extension": True}, 16), ({"rounds": 3}, 3)]
)
def test_after_its_last_message_the_task_ends_without_an_answer(
    options: dict[str, Any], asked: int
) -> None:
    encounter = played(case(CREATE), TextDoctor(Repeat(), **options))
    assert encounter.turn == asked + 1
    assert encounter.events[-1] == Ended("time_limit")
    assert not encounter.sheet().success


def test_a_message_that_is_no_action_ends_the_task_at_once() -> None:
    encounter = played(case(CREATE), TextDoctor(Playback(["Let me think."])))
    assert encounter.turn == 1
    assert encounter.events[-1] == Ended("time_limit")


def test_an_agent_is_found_by_file_and_class(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "class Mine:\n    def inference(self, history):\n        return 'FINISH([45])'\n"
    )
    args = {"agent": f"{file}:Mine", "rounds": "2", "extension": "true"}
    options = read_options(args, TextDoctor, who="doctor 'text'", flag="--doctor-arg")
    encounter = played(case(CREATE), TextDoctor(**options))
    assert encounter.events[-1] == Ended("finished")


def test_functions_are_read_for_the_first_message(tmp_path: Path) -> None:
    (tmp_path / "functions.json").write_text('[{"name": "GET {api_base}/Patient"}]')
    agent = Playback(["FINISH([])"])
    played(case(CREATE), TextDoctor(agent, functions=str(tmp_path)))
    assert "GET {api_base}/Patient" in agent.seen[0][0]["content"]


@pytest.mark.parametrize(
    ("agent", "why"),
    [
        ("Mine", "give 'path/to/file.py:Class'"),
        ("nowhere.py:Mine", "nowhere.py' does not exist"),
        ("json:JSONDecoder", "a class with a method inference"),
        ("json:Nobody", "a class with a method inference"),
    ],
)
def test_a_name_that_is_no_agent_says_what_would_be(agent: str, why: str) -> None:
    with pytest.raises(DoctorError, match=why):
        TextDoctor(agent)


def test_an_agent_must_answer_with_text() -> None:
    class Mute:
        def inference(self, history: list[dict[str, str]]) -> Any:
            return None

    with pytest.raises(DoctorError, match="inference returned NoneType; it must return"):
        played(case(CREATE), TextDoctor(Mute()))


def test_there_must_be_a_round() -> None:
    with pytest.raises(DoctorError, match="'rounds' must be at least 1"):
        TextDoctor(Repeat(), rounds=0)


def test_it_does_not_see_patients() -> None:
    with pytest.raises(DoctorError, match="choose a suite of chart tasks"):
        TextDoctor(Repeat()).begin(Briefing(seed=1, labels=(), patient_id="ann"))
