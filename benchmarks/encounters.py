"""Whole scripted encounters and Gymnasium steps per CPU-second, with the profile's top five."""

from __future__ import annotations

import cProfile
import pstats
from time import process_time

import gymnasium

from bedside.agents.registry import DoctorSpec, build
from bedside.core.trace import encode_trace
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.scenarios import catalogue

ROUNDS = 5
STEPS = 3000


def encounters(rounds: int) -> tuple[float, float]:
    """Interviewer encounters with scoring and encoded trace; (per CPU-second, actions each)."""
    suite = catalogue.load("consult")
    turns = 0
    begun = process_time()
    for number in range(rounds):
        for case in suite.cases:
            encounter = Encounter(case, suite=suite, seed=number, doctor="interviewer")
            play(encounter, build(DoctorSpec("interviewer"), case=case, suite=suite))
            encounter.sheet()
            encode_trace(encounter.events)
            turns += encounter.turn
    count = rounds * len(suite.cases)
    return count / (process_time() - begun), turns / count


def steps(count: int) -> float:
    """Random Gymnasium steps per CPU-second, resets included."""
    env = gymnasium.make("bedside:bedside/Consult-v0")
    env.reset(seed=0)
    env.action_space.seed(0)
    begun = process_time()
    for _ in range(count):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    return count / (process_time() - begun)


def main() -> None:
    """Print the figures."""
    encounters(1)
    rate, turns = encounters(ROUNDS)
    print(f"encounters per CPU-second: {rate:.0f} ({turns:.1f} actions each; wanted 500)")
    print(f"env.step per CPU-second:   {steps(STEPS):.0f} (wanted 3000)")
    profile = cProfile.Profile()
    profile.runcall(encounters, 1)
    pstats.Stats(profile).sort_stats("tottime").print_stats(5)


if __name__ == "__main__":
    main()
