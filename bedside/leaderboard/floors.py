"""Floors and ceiling: what a suite gives to doctors that know nothing, and to one that knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bedside.agents.registry import DoctorSpec, build, resolve
from bedside.agents.sheet import GRADER_VERSION
from bedside.core.seeds import derive
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.leaderboard.estimates import Estimate, Outcome, performance
from bedside.runs.records import Run
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
    """The floors and the ceiling of a suite, one encounter a case."""

    suite_digest: str
    population: str
    grader: str
    rows: tuple[Floor, ...]


def floors(suite: Suite, seed: int) -> Floors:
    """Play the five doctors on every case, in memory."""
    return Floors(
        suite.digest(),
        suite.population.digest,
        GRADER_VERSION,
        tuple(_floor(name, suite, seed) for name in FLOOR_DOCTORS),
    )


def _floor(name: str, suite: Suite, seed: int) -> Floor:
    outcomes = []
    for case in suite.cases:
        encounter = Encounter(case, suite=suite, seed=derive(seed, case.id, 0), doctor=name)
        play(encounter, build(DoctorSpec(name), case=case, suite=suite))
        sheet = encounter.sheet()
        outcomes.append(Outcome(case.id, sheet.success, sheet.score))
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
