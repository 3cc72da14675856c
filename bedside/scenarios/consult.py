"""The consult suite: ten diagnoses, four temperaments, synthetic patients."""

from __future__ import annotations

from functools import cache
from typing import get_args

from bedside.core.seeds import derive, opaque_id, rng
from bedside.scenarios.case import Case, Temperament
from bedside.scenarios.library import blueprints, knowledge
from bedside.scenarios.population import clinic
from bedside.scenarios.sampler import draw
from bedside.scenarios.suite import Suite

__all__ = ["NAME", "VERSION", "sample", "suite"]

NAME = "consult"
VERSION = "0.1"
_ROOT = 0
_TEMPERAMENTS: tuple[Temperament, ...] = get_args(Temperament)


@cache
def suite() -> Suite:
    """The suite with its 40 test cases in a fixed shuffled order."""
    stations = [
        (diagnosis, temperament) for diagnosis in blueprints() for temperament in _TEMPERAMENTS
    ]
    rng(_ROOT, NAME, VERSION, "order").shuffle(stations)
    return Suite(
        name=NAME,
        version=VERSION,
        cases=tuple(_case("test", n, *station) for n, station in enumerate(stations)),
        population=clinic(),
        labels=tuple(sorted(blueprints())),
        sample=sample,
        knowledge=knowledge(),
    )


def sample(n: int) -> Case:
    """Case number `n` of the unlimited train split; its seeds are disjoint from the test split."""
    chance = rng(_ROOT, NAME, VERSION, "train", n)
    return _case("train", n, chance.choice(tuple(blueprints())), chance.choice(_TEMPERAMENTS))


def _case(split: str, n: int, diagnosis: str, temperament: Temperament) -> Case:
    seed = derive(_ROOT, NAME, VERSION, split, n, "case")
    return draw(diagnosis, temperament, seed, case_id=opaque_id(NAME, VERSION, split, n))
