"""The built-in doctors in whole encounters: what the sheet says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from bedside.agents.registry import DoctorSpec, build
from bedside.agents.sheet import Sheet
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case
from bedside.scenarios.suite import Suite


def sheets(doctor: str, suite: Suite, cases: Sequence[Case]) -> list[tuple[Sheet, int]]:
    """The score sheet and the number of actions of each encounter."""
    found = []
    for case in cases:
        encounter = Encounter(case, suite=suite, seed=1, doctor=doctor)
        play(encounter, build(DoctorSpec(doctor), case=case, suite=suite))
        found.append((encounter.sheet(), encounter.turn))
    return found


def test_the_interviewer_is_short_and_thorough() -> None:
    suite = catalogue.load("consult")
    assert suite.sample is not None
    played_out = sheets("interviewer", suite, [suite.sample(number) for number in range(40)])
    assert 8 <= mean(turns for _, turns in played_out) <= 12
    assert mean(sheet.success for sheet, _ in played_out) >= 0.85
    for sheet, _ in played_out:
        met = {item.id: item.value for item in sheet.rubric}
        assert met["1.1"] == met["1.2"] == met["2.1"] == met["2.2"] == 1


def test_the_oracle_is_the_ceiling_of_the_built_in_suite() -> None:
    suite = catalogue.load("consult")
    for sheet, _ in sheets("oracle", suite, suite.cases):
        assert sheet.success
        assert sheet.score >= 0.95


def test_the_oracle_is_the_ceiling_of_imported_cases(test_data: Path) -> None:
    suite = catalogue.load(f"agentclinic:{test_data / 'agentclinic' / 'medqa.jsonl'}")
    played_out = sheets("oracle", suite, suite.cases)
    assert all(sheet.success for sheet, _ in played_out)
    assert mean(sheet.score for sheet, _ in played_out) >= 0.95


def test_the_interviewer_takes_a_whole_history_of_imported_cases(test_data: Path) -> None:
    suite = catalogue.load(f"agentclinic:{test_data / 'agentclinic' / 'medqa.jsonl'}")
    for sheet, turns in sheets("interviewer", suite, suite.cases[:10]):
        assert turns <= 20
        met = {item.id: item.value for item in sheet.rubric}
        assert met["1.1"] == met["1.2"] == met["2.1"] == met["2.2"] == 1


def test_saying_everything_at_once_is_worth_no_more_than_chance() -> None:
    suite = catalogue.load("consult")

    def score(doctor: str) -> float:
        return mean(sheet.score for sheet, _ in sheets(doctor, suite, suite.cases))

    assert score("stuffer") <= score("random") + 0.05
    assert score("nothing") == 0
