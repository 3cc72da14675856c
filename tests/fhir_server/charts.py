"""Charts and requests that the tests of this room share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bedside.fhir_server import Chart, Population, StartLayer
from bedside.fhir_server.policy import STRICT, Policy

Json = dict[str, Any]

NOW = "2026-01-15T09:00:00Z"

PATIENTS: list[Json] = [
    {"resourceType": "Patient", "id": "p1", "name": [{"family": "Alder"}], "gender": "female"},
    {"resourceType": "Patient", "id": "p2", "name": [{"family": "Birch"}], "gender": "male"},
]


def chart(*resources: Json, policy: Policy = STRICT) -> Chart:
    """A chart over two patients and what else is given."""
    population = Population.of([*PATIENTS, *resources])
    return Chart(population, StartLayer.of([]), seed=1, now=NOW, policy=policy)


def call(
    mine: Chart, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Json]:
    """(status, body) of a request; an empty body is {}."""
    response = mine.request(method, url, headers, body)
    return response.status, json.loads(response.body or b"{}")


def says(outcome: Json) -> str:
    """What an OperationOutcome says first."""
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return str(outcome["issue"][0]["diagnostics"])


def ids(bundle: Json, mode: str = "match") -> list[str]:
    """Ids of a searchset's entries, in order."""
    return [e["resource"]["id"] for e in bundle.get("entry", []) if e["search"]["mode"] == mode]


def weight(kilograms: float, day: int = 1, patient: str = "p1", **more: Any) -> Json:
    """A body weight."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"2025-03-{day:02}",
        "valueQuantity": {"value": kilograms, "unit": "kg"},
        **more,
    }
