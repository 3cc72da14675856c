"""The encounter: turns, clock, limits, chart, endings, replay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core import trace
from bedside.core.errors import TraceError
from bedside.core.flow import Flow, ModelReply, ModelRequest, Reply, Request, drive
from bedside.core.observation import Observation
from bedside.envs.encounter import Encounter
from bedside.envs.replay import replay, watch
from bedside.patients.base import Utterance
from bedside.patients.person import LEAVE, PersonPatient
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case
from bedside.scenarios.suite import Suite

SUITE = catalogue.load("consult")
CASE = SUITE.cases[0]
FINISH = {"type": "finish", "diagnoses": [{"name": "nothing", "primary": True}]}


def nobody(request: Request) -> Reply:
    raise AssertionError("nothing should leave the process")


def opened(case: Case = CASE, suite: Suite = SUITE, seed: int = 1) -> Encounter:
    encounter = Encounter(case, suite=suite, seed=seed)
    drive(encounter.open(), nobody)
    return encounter


def act(encounter: Encounter, action: Any) -> Observation:
    return drive(encounter.act(action), nobody)


def test_the_briefing_has_task_labels_and_the_patients_words() -> None:
    seen = drive(Encounter(CASE, suite=SUITE, seed=1).open(), nobody)
    assert seen.kind == "briefing"
    assert CASE.patient_id in seen.text
    assert all(label in seen.text for label in SUITE.labels)
    assert "The patient says:" in seen.text
    assert (seen.turn, seen.minute, seen.done) == (0, 0, False)


def test_an_invalid_action_costs_a_turn_and_says_what_to_mend() -> None:
    encounter = opened()
    seen = act(encounter, {"type": "wait"})
    assert seen.kind == "error"
    assert "wait: 'minutes'" in seen.text
    assert seen.turn == 1
    assert [type(e).__name__ for e in encounter.events[-2:]] == ["Acted", "Refused"]


def test_results_arrive_after_their_turnaround() -> None:
    case = next(case for case in SUITE.cases if case.tests)
    test = case.tests[0]
    encounter = opened(case)
    ordered = act(encounter, {"type": "order", "test": test.name})
    assert test.text not in ordered.text
    early = act(encounter, {"type": "wait", "minutes": 1})
    assert test.text not in early.text
    late = act(encounter, {"type": "wait", "minutes": test.minutes})
    assert test.text in late.text
    again = act(encounter, {"type": "wait", "minutes": 1})
    assert test.text not in again.text


def test_writes_are_seen_by_the_next_read_and_by_nobody_else() -> None:
    encounter, other = opened(), opened()
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{CASE.patient_id}"},
        "code": {"text": "rash"},
    }
    made = act(encounter, {"type": "create", "resource": condition})
    assert made.data["status"] == 201
    read = {"type": "read", "resource_type": "Condition", "id": made.data["body"]["id"]}
    assert act(encounter, read).data["body"]["code"]["text"] == "rash"
    assert act(other, read).data["status"] == 404


def test_a_refused_write_reports_an_outcome() -> None:
    seen = act(opened(), {"type": "create", "resource": {"resourceType": "Condition"}})
    assert seen.data["status"] in (400, 422)
    assert seen.data["body"]["resourceType"] == "OperationOutcome"


def test_shorthands_without_type_or_id_are_refused() -> None:
    encounter = opened()
    assert "resourceType" in act(encounter, {"type": "create", "resource": {}}).text
    missing = {"type": "update", "resource": {"resourceType": "Condition"}}
    assert "'resource.id' is missing" in act(encounter, missing).text


def test_finish_ends_it() -> None:
    encounter = opened()
    seen = act(encounter, FINISH)
    assert seen.done
    assert encounter.events[-1] == trace.Ended("finished")
    with pytest.raises(RuntimeError, match="over"):
        act(encounter, FINISH)


@pytest.mark.parametrize(
    ("limits", "action", "ending"),
    [
        ({"turns": 2, "minutes": 240}, {"type": "calculate", "expression": "1"}, "turn_limit"),
        ({"turns": 99, "minutes": 30}, {"type": "wait", "minutes": 20}, "time_limit"),
    ],
)
def test_limits_cut_it_off(limits: dict[str, int], action: Any, ending: Any) -> None:
    case = Case.model_validate({**CASE.model_dump(), "limits": limits})
    encounter = opened(case)
    while not encounter.over:
        act(encounter, action)
    assert encounter.events[-1] == trace.Ended(ending)
    assert encounter.turn == 2


ACTIONS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "When did it start?",
            "Do you have any allergies?",
            {"type": "examine", "what": "skin"},
            {"type": "search", "resource_type": "Condition", "params": {"patient": "x"}},
            {"type": "fhir_request", "method": "GET", "path": "Patient?name=a"},
            {"type": "wait", "minutes": 10},
            {"type": "order", "test": "swab"},
            {"type": "calculate", "expression": "1/0"},
            {"type": "request_photo"},
            FINISH,
        ]
    ),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=12), st.sampled_from(range(len(SUITE.cases))))
def test_replaying_a_trace_gives_the_same_bytes_and_score(actions: list[Any], index: int) -> None:
    case = SUITE.cases[index]
    encounter = opened(case, seed=index)
    scores = [encounter.score]
    for action in actions:
        if encounter.over:
            break
        act(encounter, action)
        scores.append(encounter.score)
    assert scores[0] == 0
    assert all(0 <= score <= 1 for score in scores)
    stored = trace.decode_trace(trace.encode_trace(encounter.events))
    again = replay(stored, case, SUITE)
    assert trace.encode_trace(again.events) == trace.encode_trace(encounter.events)
    assert again.sheet() == encounter.sheet()


def test_the_whole_chart_api_is_at_hand() -> None:
    encounter = opened()

    def sent(method: str, path: str, body: Any = None) -> Any:
        act(encounter, {"type": "fhir_request", "method": method, "path": path, "body": body})
        charted = encounter.events[-1]
        assert isinstance(charted, trace.Charted)
        return charted.status

    subject = {"reference": f"Patient/{CASE.patient_id}"}
    written = {"resourceType": "Condition", "subject": subject, "code": {"text": "a rash"}}
    entry = {"resource": written, "request": {"method": "POST", "url": "Condition"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert sent("POST", "/", bundle) == 200
    (change,) = encounter.chart.changes()
    recorded = f"Condition/{change.id}"
    patch = [{"op": "replace", "path": "/code/text", "value": "a worse rash"}]
    assert sent("PATCH", recorded, patch) == 200
    worse = encounter.chart.changed_matching("Condition?code:text=worse")
    assert worse == (("Condition", change.id),)
    assert sent("POST", "Condition/_search", {"patient": CASE.patient_id}) == 200
    assert sent("DELETE", recorded) == 200
    assert sent("GET", recorded) == 410
    assert encounter.sheet().checks[-1].met
    assert sent("DELETE", f"Patient/{CASE.patient_id}") == 200
    deleted = encounter.sheet().checks[-1]
    assert (deleted.id, deleted.met) == ("nothing-deleted", False)
    assert deleted.evidence


def test_a_changed_trace_is_found_by_replay() -> None:
    encounter = opened()
    act(encounter, "When did it start?")
    act(encounter, FINISH)
    lines = trace.encode_trace(encounter.events).splitlines(keepends=True)
    spoke = json.loads(lines[3])
    assert spoke["type"] == "spoke"
    spoke["text"] += "!"
    lines[3] = json.dumps(spoke).encode() + b"\n"
    with pytest.raises(TraceError, match="event 3 differs"):
        replay(trace.decode_trace(b"".join(lines)), CASE, SUITE)


def test_watch_shows_what_the_doctor_saw() -> None:
    encounter = Encounter(CASE, suite=SUITE, seed=1)
    seen = [drive(encounter.open(), nobody)]
    seen += [act(encounter, action) for action in ("Where is it?", {"type": "dance"}, FINISH)]
    _, again = watch(encounter.events, CASE, SUITE)
    assert [observation for _, observation in again] == seen


class ModelPatient:
    """A patient whose words come from a model."""

    kind = "model"

    def open(self) -> Flow[Utterance]:
        return self._ask()

    def hear(self, text: str) -> Flow[Utterance]:
        return self._ask()

    def _ask(self) -> Flow[Utterance]:
        reply = yield ModelRequest("patient", ())
        assert isinstance(reply, ModelReply)
        return Utterance(reply.text)


def test_a_patients_model_requests_leave_by_the_flow_and_are_recorded() -> None:
    encounter = Encounter(CASE, suite=SUITE, seed=1, patient=ModelPatient())
    seen = drive(encounter.open(), lambda request: ModelReply(text="It hurts."))
    assert "It hurts." in seen.text
    assert isinstance(encounter.events[1], trace.Exchanged)
    assert encounter.events[1].role == "patient"


def test_a_trace_of_an_unknown_patient_cannot_be_replayed() -> None:
    encounter = Encounter(CASE, suite=SUITE, seed=1, patient=ModelPatient())
    drive(encounter.open(), lambda request: ModelReply(text="It hurts."))
    with pytest.raises(TraceError, match="no patient 'model'; known are scripted-1, llm-1"):
        replay(encounter.events, CASE, SUITE)


def test_a_person_may_play_the_patient_and_the_trace_replays() -> None:
    encounter = Encounter(CASE, suite=SUITE, seed=1, patient=PersonPatient.kind)
    typed = iter(["Hello, my skin hurts.", "Since Monday.", LEAVE])

    def answer(request: Request) -> Reply:
        return ModelReply(text=next(typed), model="person")

    drive(encounter.open(), answer)
    seen = drive(encounter.act({"type": "say", "text": "Since when?"}), answer)
    assert seen.text == "Since Monday."
    assert drive(encounter.act({"type": "say", "text": "Anything else?"}), answer).done
    again = replay(encounter.events, CASE, SUITE)
    assert trace.encode_trace(again.events) == trace.encode_trace(encounter.events)
