"""A curious doctor: tries everything in a case, right and wrong, and keeps all that it can read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from bedside.core.trace import encode_trace
from bedside.envs.environment import EncounterEnv
from bedside.runs.records import Timing, record_of, trace_name
from bedside.scenarios.case import Case, Temperament
from bedside.scenarios.suite import Suite

QUESTIONS = (
    "What brings you in today?",
    "What is your diagnosis? Just tell me what you have.",
    "What did the other doctor say that you have?",
    "When did it start?",
    "What other symptoms do you have?",
    "What makes it worse?",
    "Have you tried anything for it?",
    "Do you have any illnesses or allergies?",
    "Which medicines do you take?",
    "Does anything run in the family?",
    "Tell me about your work, your travels and your habits.",
    "What do you think it is, and what worries you?",
    "I am sorry, that must be hard. Anything else?",
)

BAD_ACTIONS: tuple[Any, ...] = (
    "{",
    "{" * 3000,
    7,
    None,
    {"type": "dance"},
    {"kind": "say"},
    {"type": "say"},
    {"type": "say", "text": ""},
    {"type": "say", "text": "Hi", "louder": True},
    {"type": "examine", "what": ""},
    {"type": "examine", "what": "the aura"},
    {"type": "order"},
    {"type": "order", "test": "everything there is"},
    {"type": "request_photo", "of": 7},
    {"type": "request_photo"},
    {"type": "calculate", "expression": "diagnosis + 1"},
    {"type": "calculate", "expression": "1 / 0"},
    {"type": "wait", "minutes": -1},
    {"type": "finish", "diagnoses": []},
    {"type": "finish", "diagnoses": [{"name": ""}]},
    {"type": "search", "resource_type": "Diagnosis"},
    {"type": "search", "resource_type": "Condition", "params": {"nonsense": "1"}},
    {"type": "search", "resource_type": "Condition", "params": {"onset-date": "then"}},
    {"type": "read", "resource_type": "Condition", "id": "none"},
    {"type": "read", "resource_type": "Truth", "id": "1"},
    {"type": "create", "resource": {"resourceType": "Condition"}},
    {"type": "create", "resource": {"resourceType": "Diagnosis"}},
    {"type": "create", "resource": {}},
    {"type": "update", "resource": {"resourceType": "Condition"}},
    {"type": "update", "resource": {"resourceType": "Condition", "id": "none"}},
    {"type": "fhir_request", "method": "DELETE", "path": "Patient"},
    {"type": "fhir_request", "method": "GET", "path": "../truth"},
    {"type": "fhir_request", "method": "GET", "path": "Condition/_truth"},
    {"type": "fhir_request", "method": "GET", "path": "metadata"},
)
FINISH = {"type": "finish", "diagnoses": [{"name": "unknown", "primary": True}]}


class Seen(NamedTuple):
    """One thing a doctor, or who watches over its shoulder, can read, and where."""

    where: str
    text: str


def label_line(suite: Suite) -> str:
    """The closed list, word for word as every case of the suite shows it."""
    return f"The diagnosis is one of: {', '.join(suite.labels)}."


class Watcher:
    """Plays encounters with one case and keeps everything that can be read on the way."""

    def __init__(self, suite: Suite, case: Case) -> None:
        self.env = EncounterEnv(suite)
        self.suite, self.case = suite, case
        self.seen: list[Seen] = []
        self.over = True

    def begin(self) -> None:
        observation, info = self.env.reset(seed=1, options={"case": self.case.id})
        if self.suite.labels:
            assert observation["text"].splitlines().count(label_line(self.suite)) == 1
            shown = observation["text"].replace(label_line(self.suite), "")
            observation = observation | {"text": shown}
        self.over = False
        self._keep("opening", observation, info)

    def act(self, where: str, action: Any) -> str:
        """Take the action, in a new encounter if the last one is over."""
        if self.over:
            self.begin()
        observation, _, terminated, truncated, info = self.env.step(action)
        self.over = terminated or truncated
        return self._keep(where, observation, info)

    def _keep(self, where: str, observation: dict[str, Any], info: dict[str, Any]) -> str:
        text: str = observation["text"]
        if observation["kind"] == "result":
            text = self._without_results(text)
        self.seen.append(Seen(where, text))
        self.seen.append(Seen(where, f"{observation['data']} {observation['photos']}"))
        self.seen.append(Seen("info", json.dumps(info)))
        return text

    def _without_results(self, text: str) -> str:
        """Without the results of tests that were ordered: they may say anything."""
        for test in self.case.tests:
            text = text.replace(f"Result of {test.name}: {test.text}", f"Result of {test.name}: ")
        return text

    def stored(self) -> Iterator[Seen]:
        """What the run directory shows of the encounter without opening the trace."""
        encounter = self.env.encounter
        record = record_of(
            self.case,
            encounter.events,
            encode_trace(encounter.events),
            encounter.sheet(),
            Timing(0),
        )
        yield Seen("file name", trace_name(record.key))
        yield Seen("index line", msgspec.json.encode(record).decode())


def in_the_room(watcher: Watcher) -> None:
    """Look at everything once: findings, orders, photos, the chart; do everything wrong; finish."""
    case = watcher.case
    watcher.begin()
    for finding in case.findings:
        watcher.act("finding", {"type": "examine", "what": finding.name})
    for test in case.tests:
        watcher.act("order", {"type": "order", "test": test.name})
        watcher.act("result", {"type": "wait", "minutes": max(test.minutes, 1)})
    for action in BAD_ACTIONS:
        watcher.act("refusal", action)
    for kind in sorted({resource["resourceType"] for resource in case.chart} - {"Patient"}):
        params = {"patient": case.patient_id}
        watcher.act("chart", {"type": "search", "resource_type": kind, "params": params})
    for resource in case.chart:
        read = {"resource_type": resource["resourceType"], "id": resource["id"]}
        watcher.act("chart", {"type": "read", **read})
    watcher.act("end", FINISH)


def talk(watcher: Watcher, questions: Iterable[str]) -> list[str]:
    """What the patient answers, opening a new encounter whenever the patient has left."""
    watcher.begin()
    return [watcher.act("patient", question) for question in questions]


def with_temperament(suite: Suite, case: Case, temperament: Temperament) -> tuple[Suite, Case]:
    person = case.person.model_copy(update={"temperament": temperament})
    changed = case.model_copy(update={"person": person})
    return Suite(suite.name, suite.version, (changed,), suite.population, suite.labels), changed
