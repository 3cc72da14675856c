"""Speed of chart tasks: python -m benchmarks.chart_tasks [--suite chart]

A reading policy takes searches of one patient; the oracle writes and is graded. The default is the
small suite; ``chart`` is measured over the hospital, which is built first if it is not there.
"""

from __future__ import annotations

import argparse
import gc
from itertools import cycle
from time import perf_counter, process_time

import gymnasium

from bedside.agents.registry import DoctorSpec, build
from bedside.envs import register
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.scenarios import catalogue
from bedside.scenarios.suite import Suite
from benchmarks.machine import plain_steps

STEPS = 20_000
READING = 10
"""Searches in an episode."""


def reading(suite: Suite) -> float:
    """Steps of ``Chart-v0`` a CPU-second: nine searches of one patient, then an answer."""
    register()
    env = gymnasium.make("bedside/Chart-v0", suite=suite).unwrapped
    patients = cycle(record.id for record in suite.population.of_type("Patient"))
    taken, begun = 0, process_time()
    while taken < STEPS:
        env.reset(seed=taken)
        who = next(patients)
        for kind in ("Condition", "MedicationRequest", "AllergyIntolerance") * 3:
            env.step({"type": "search", "resource_type": kind, "params": {"patient": who}})
        env.step({"type": "answer", "values": [taken]})
        taken += READING
    return taken / (process_time() - begun)


def graded(suite: Suite) -> float:
    """Tasks a CPU-second that the oracle does and that are graded."""
    begun = process_time()
    for case in suite.cases:
        encounter = Encounter(case, suite=suite, seed=1)
        play(encounter, build(DoctorSpec("oracle"), case=case, suite=suite))
        encounter.sheet()
    return len(suite.cases) / (process_time() - begun)


def drawn(suite: Suite) -> float:
    """Seconds to draw a case of the train split."""
    assert suite.sample is not None
    begun = process_time()
    for number in range(200):
        suite.sample(number)
    return (process_time() - begun) / 200


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", default="chart-small")
    name = parser.parse_args().suite
    begun = perf_counter()
    suite = catalogue.load(name)
    loaded = perf_counter() - begun
    gc.freeze()
    print(f"{name}: {len(suite.cases)} tasks over {len(suite.population):,} resources")
    print(f"plain Python steps, millions a second: {plain_steps():.1f}")
    print(f"loaded in {loaded:.2f} s")
    print(f"steps of Chart-v0 a CPU-second, reading: {reading(suite):,.0f}")
    print(f"oracle tasks a CPU-second, graded:       {graded(suite):,.0f}")
    print(f"a train case is drawn in                 {1000 * drawn(suite):.2f} ms")


if __name__ == "__main__":
    main()
