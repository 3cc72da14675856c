"""Floors and ceiling: what a suite gives to doctors that know nothing, and to one that knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bedside.agents.grading import grader_of
from bedside.agents.registry import DoctorSpec, build, resolve
from bedside.core.seeds import derive
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.leaderboard.estimates import Estimate, Outcome, performance
from bedside.runs.records import Run
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import Suite

__all__ = ["FLOOR_DOCTORS", "Floor", "Floors", "floors", "floors_of"]

FLOOR_DOCTORS = ("nothing", "constant", "random", "no-information", "oracle")


class Floor(msgspec.Struct, frozen=True):
    """What one of the doctors reaches."""

    doctor: str
    privileged: bool
    success: Estimate
    score: Estimate


class Floors(msgspec.Struct, frozen=True):
    """The floors and the ceiling of a suite, one encounter a case.

    Attributes:
        acting: the same of the chart tasks in which something must be written; empty if the suite
            has none.
    """

    suite_digest: str
    population: str
    grader: str
    rows: tuple[Floor, ...]
    acting: tuple[Floor, ...] = ()


def floors(suite: Suite, seed: int) -> Floors:
    """Play the five doctors on every case, in memory."""
    acting = {case.id for case in suite.cases if isinstance(case, ChartCase) and case.acts}
    played = {name: _played(name, suite, seed) for name in FLOOR_DOCTORS}
    rows = tuple(_floor(name, outcomes) for name, outcomes in played.items())
    of_acting = tuple(
        _floor(name, [outcome for outcome in outcomes if outcome.case in acting])
        for name, outcomes in played.items()
        if acting
    )
    return Floors(suite.digest(), suite.population.digest, grader_of(suite), rows, of_acting)


def _played(name: str, suite: Suite, seed: int) -> list[Outcome]:
    outcomes = []
    for case in suite.cases:
        encounter = Encounter(case, suite=suite, seed=derive(seed, case.id, 0), doctor=name)
        play(encounter, build(DoctorSpec(name), case=case, suite=suite))
        sheet = encounter.sheet()
        outcomes.append(Outcome(case.id, sheet.success, sheet.score))
    return outcomes


def _floor(name: str, outcomes: Sequence[Outcome]) -> Floor:
    found = performance(outcomes)
    return Floor(name, resolve(name).privileged, found.success, found.score)


def floors_of(directories: Sequence[Path]) -> list[Floors]:
    """The floors of every suite that these runs were made on, with the run's own cases.

    Runs without a finished encounter are passed over.

    Raises:
        RunError: a directory is no run, or its cases or population are not those that were run.
    """
    measured: dict[str, Floors] = {}
    for run in map(Run, directories):
        if not run.records():
            continue
        suite = run.suite()
        if run.manifest.suite_digest not in measured:
            measured[run.manifest.suite_digest] = floors(suite, run.manifest.seed)
    return list(measured.values())
