"""A small suite and small doctors for tests of runs; as a script it plays a run to be killed."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from bedside.agents.base import Briefing, Doctor
from bedside.agents.registry import DoctorSpec
from bedside.core.errors import ProviderError
from bedside.core.observation import Observation
from bedside.core.seeds import rng
from bedside.fhir_server.population import Population
from bedside.runs.plan import RunConfig
from bedside.runs.runner import run
from bedside.scenarios.case import Case
from bedside.scenarios.suite import Suite

DIAGNOSES = ("psoriasis", "scabies", "acne")
CODES = ("L40.0", "B86", "L70.0")
TEMPERAMENTS = ("sanguine", "choleric", "melancholic", "phlegmatic")


def sample_case(number: int) -> Case:
    patient = f"p{number:03d}"
    return Case.model_validate(
        {
            "id": f"sample-{number:03d}",
            "task": "Find out what is wrong.",
            "person": {
                "name": "Test Person",
                "age": 30 + number,
                "sex": "female",
                "temperament": TEMPERAMENTS[number % 4],
            },
            "facts": [
                {
                    "id": "itch",
                    "topic": "complaint",
                    "text": "my skin itches",
                    "disclosure": "opening",
                },
                {"id": "since", "topic": "onset", "text": "it began two weeks ago"},
            ],
            "findings": [
                {"id": "skin", "name": "skin", "text": "scaly plaques", "terms": ["skin"]}
            ],
            "chart": [
                {"resourceType": "Patient", "id": patient, "name": [{"text": "Test Person"}]}
            ],
            "patient_id": patient,
            "truth": {
                "diagnosis": DIAGNOSES[number % 3],
                "code": CODES[number % 3],
                "explanation": ["itch", "skin"],
            },
            "source": "Invented for this test.",
        }
    )


def sample_suite(cases: int = 4, name: str = "sample") -> Suite:
    return Suite(
        name=name,
        version="1",
        cases=tuple(map(sample_case, range(cases))),
        population=Population.of(()),
        labels=DIAGNOSES,
    )


class Guesser(Doctor):
    """Greets, examines, reads the chart, guesses: right about one time in three."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def begin(self, briefing: Briefing) -> None:
        self.steps = iter(self.script(briefing))

    def script(self, briefing: Briefing) -> list[dict[str, Any]]:
        guess = rng(briefing.seed, "guess").choice(briefing.labels)
        return [
            {"type": "say", "text": "Hello. Since when do you have this?"},
            {"type": "examine", "what": "skin"},
            {"type": "read", "resource_type": "Patient", "id": briefing.patient_id},
            {"type": "dance"},
            {"type": "finish", "diagnoses": [{"name": guess, "primary": True}]},
        ]

    def act(self, observation: Observation) -> Any:
        time.sleep(self.pause)
        return next(self.steps)


class Waiter(Guesser):
    """As the guesser, but awaits something before each action."""

    async def act(self, observation: Observation) -> Any:
        await asyncio.sleep(0)
        return next(self.steps)


class Crasher(Guesser):
    """Divides by zero in the case with this patient."""

    def __init__(self, patient: str) -> None:
        super().__init__()
        self.patient = patient

    def script(self, briefing: Briefing) -> list[dict[str, Any]]:
        if briefing.patient_id == self.patient:
            1 / 0  # noqa: B018
        return super().script(briefing)


class Leaver(Guesser):
    """Ends the process."""

    def act(self, observation: Observation) -> Any:
        sys.exit(0)


class AsyncLeaver(Leaver):
    """Ends the process from an event loop."""

    async def act(self, observation: Observation) -> Any:
        sys.exit(0)


class Offline(Waiter):
    """Its provider is down for one patient for as long as the file exists."""

    def __init__(self, patient: str, file: str) -> None:
        super().__init__()
        self.patient, self.file = patient, file

    def script(self, briefing: Briefing) -> list[dict[str, Any]]:
        if briefing.patient_id == self.patient and Path(self.file).exists():
            raise ProviderError("the model is overloaded", status=529)
        return super().script(briefing)


def spec(doctor: type[Doctor], **args: str) -> DoctorSpec:
    return DoctorSpec(f"{__file__}:{doctor.__name__}", args)


def config(directory: Path, **changes: Any) -> RunConfig:
    given: dict[str, Any] = {
        "suite": sample_suite(),
        "doctor": spec(Guesser),
        "directory": directory,
        "seed": 7,
        "trials": 2,
    }
    return RunConfig(**(given | changes))


def killable(directory: Path) -> RunConfig:
    """Sixty encounters that take a while."""
    doctor = spec(Guesser, pause="0.001")
    return config(directory, suite=sample_suite(12), doctor=doctor, trials=5, resume=True)


if __name__ == "__main__":
    run(killable(Path(sys.argv[1])))
