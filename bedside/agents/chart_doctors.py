"""What the floors and the ceiling do with a chart task."""

from __future__ import annotations

from random import Random
from typing import Any

from bedside.agents.charting import prescribe, request_service, search_chart
from bedside.agents.script import Script, ScriptedDoctor
from bedside.core.actions import Answer, Calculate, FhirRequest
from bedside.core.observation import Observation
from bedside.scenarios.chart_case import ChartCase

__all__ = ["ChartOracle", "random_work"]

_BROAD = ("Patient", "Condition", "MedicationRequest", "AllergyIntolerance")
_OF_ONE = (*_BROAD, "Observation", "DocumentReference")
_MEDICINES = ("potassium chloride", "magnesium sulfate", "amoxicillin", "metformin")
_SERVICES = ("potassium", "HbA1c", "orthopedic surgery referral", "colonoscopy")
_ANSWERS: tuple[Any, ...] = (-1, 0, 1, 4.0, 100, "yes", "no", "Patient not found", "2026-01-15")
_MOST_STEPS = 6


class ChartOracle(ScriptedDoctor):
    """Knows the task: makes the writes of a perfect doctor, then gives its answer."""

    def __init__(self, case: ChartCase) -> None:
        super().__init__()
        self._case = case

    def consult(self, observation: Observation) -> Script:
        for request in self._case.gold:
            yield FhirRequest(method=request.method, path=request.path, body=request.body)
        return Answer(values=self._case.gold_answer)


def random_work(dice: Random, observation: Observation) -> Script:
    """Random searches and orders for patients that happen to be found, then a random answer."""
    patient = ""
    for _ in range(dice.randint(1, _MOST_STEPS)):
        match dice.choice(("search", "search", "prescribe", "service", "calculate", "invalid")):
            case "search":
                seen = yield FhirRequest(method="GET", path=f"{dice.choice(_BROAD)}?_count=5")
                patient = _somebody(dice, seen) or patient
            case "prescribe" if patient:
                yield prescribe(patient, dice.choice(_MEDICINES))
            case "service" if patient:
                yield request_service(patient, dice.choice(_SERVICES))
            case "calculate":
                yield Calculate(expression="2 * 21")
            case "invalid":
                yield {"type": "search", "of": dice.choice(_OF_ONE)}
            case _:
                yield search_chart(dice.choice(_OF_ONE), patient or "unknown")
    return Answer(values=tuple(dice.choice(_ANSWERS) for _ in range(dice.randint(0, 2))))


def _somebody(dice: Random, observation: Observation) -> str:
    """The id of a patient that a search found, or ""."""
    body = observation.data.get("body", {}) if isinstance(observation.data, dict) else {}
    found = [entry["resource"] for entry in body.get("entry", ()) if "resource" in entry]
    ids = [resource["id"] for resource in found if resource["resourceType"] == "Patient"]
    return dice.choice(ids) if ids else ""
