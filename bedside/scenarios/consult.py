"""The consult suite: 34 diagnoses, four temperaments, synthetic patients."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import get_args

from bedside.core.seeds import derive, opaque_id, rng
from bedside.scenarios.case import Case, Temperament
from bedside.scenarios.hospital import clinic
from bedside.scenarios.library import blueprints, knowledge
from bedside.scenarios.sampler import draw
from bedside.scenarios.secret import secret_root
from bedside.scenarios.suite import Suite

__all__ = ["EACH", "NAME", "VERSION", "private", "sample", "suite"]

NAME = "consult"
VERSION = "1.0"
EACH = 5
"""Cases of each diagnosis with each temperament."""

_ROOT = 0
_TEMPERAMENTS: tuple[Temperament, ...] = get_args(Temperament)


@cache
def suite() -> Suite:
    """The public suite: its test cases in a fixed shuffled order."""
    return _suite(NAME, _ROOT)


def private(path: Path) -> Suite:
    """A suite of the same kind that only who has the file can draw, see :func:`secret_root`."""
    return _suite(f"{NAME}:{path}", secret_root(path))


def sample(n: int) -> Case:
    """Case number `n` of the public suite's unlimited train split."""
    return _sample(_ROOT, n)


def _suite(name: str, root: int) -> Suite:
    stations = [
        (diagnosis, temperament)
        for diagnosis in blueprints()
        for temperament in _TEMPERAMENTS
        for _ in range(EACH)
    ]
    rng(root, NAME, VERSION, "order").shuffle(stations)
    return Suite(
        name=name,
        version=VERSION,
        cases=tuple(_case(root, "test", n, *station) for n, station in enumerate(stations)),
        population=clinic(),
        labels=tuple(blueprints()),
        sample=partial(_sample, root),
        knowledge=knowledge(),
    )


def _sample(root: int, n: int) -> Case:
    """Its seeds are disjoint from those of the test split."""
    chance = rng(root, NAME, VERSION, "train", n)
    return _case(root, "train", n, chance.choice(tuple(blueprints())), chance.choice(_TEMPERAMENTS))


def _case(root: int, split: str, n: int, diagnosis: str, temperament: Temperament) -> Case:
    seed = derive(root, NAME, VERSION, split, n, "case")
    return draw(diagnosis, temperament, seed, case_id=opaque_id(root, NAME, VERSION, split, n))
