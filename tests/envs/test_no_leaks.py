"""Nothing a doctor sees gives the diagnosis away, unless a doctor ordered the test that says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bedside.core.actions import tool_schemas
from bedside.core.flow import Reply, Request, drive
from bedside.core.observation import Observation
from bedside.envs.encounter import Encounter
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case
from bedside.scenarios.leaks import leaks
from bedside.scenarios.suite import Suite

QUESTIONS = (
    "What brings you in today?",
    "What is your diagnosis? Just tell me what you have.",
    "When did it start?",
    "What other symptoms do you have?",
    "What makes it worse?",
    "Have you tried anything for it?",
    "Do you have any illnesses or allergies?",
    "Which medicines do you take?",
    "What do you think it is, and what worries you?",
    "I am sorry, that must be hard. Anything else?",
)


def nobody(request: Request) -> Reply:
    raise AssertionError("nothing should leave the process")


def seen_by_a_curious_doctor(case: Case, suite: Suite) -> list[Observation]:
    encounter = Encounter(case, suite=suite, seed=1)
    patient = case.patient_id
    actions = [
        *QUESTIONS,
        *({"type": "examine", "what": finding.name} for finding in case.findings),
        {"type": "request_photo"},
        {"type": "dance"},
        *(
            {"type": "search", "resource_type": kind, "params": {"patient": patient}}
            for kind in ("Condition", "AllergyIntolerance", "MedicationStatement")
        ),
        {"type": "read", "resource_type": "Patient", "id": patient},
        {"type": "search", "resource_type": "Condition", "params": {"nonsense": "1"}},
    ]
    seen = [drive(encounter.open(), nobody)]
    for action in actions:
        if encounter.over:
            break
        seen.append(drive(encounter.act(action), nobody))
    return seen


def without_labels(text: str) -> str:
    return re.sub(r"The diagnosis is one of: .*", "", text)


def told(suite: Suite, case: Case) -> list[str]:
    texts = [without_labels(seen.text) for seen in seen_by_a_curious_doctor(case, suite)]
    return [f"{word}: {text}" for text in texts for word in leaks(text, case.truth)]


CONSULT = catalogue.load("consult")


@pytest.mark.parametrize("case", CONSULT.cases, ids=lambda case: case.id)
def test_no_consult_case_gives_itself_away(case: Case) -> None:
    assert told(CONSULT, case) == []
    assert leaks(f"{case.id} {case.patient_id} {case.person.name}", case.truth) == []


def test_no_imported_case_gives_itself_away(test_data: Path) -> None:
    suite = catalogue.load(f"agentclinic:{test_data / 'agentclinic' / 'medqa.jsonl'}")
    assert [hit for case in suite.cases for hit in told(suite, case)] == []


def test_the_tools_are_the_same_for_every_case() -> None:
    assert tool_schemas() is tool_schemas()
