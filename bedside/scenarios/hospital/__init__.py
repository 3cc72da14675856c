"""Synthetic hospitals: populations of any size from a seed, the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from bedside.core.seeds import opaque_id
from bedside.fhir_server import Population
from bedside.scenarios.hospital.chart import chart
from bedside.scenarios.hospital.lives import Life, Size, draw
from bedside.scenarios.hospital.resources import people_at_work

__all__ = ["SEED", "SIZES", "charts", "charts_of", "clinic", "lives"]

SIZES = {
    "hospital": Size(patients=400, years=5, admitted=0.75, admissions=3),
    "clinic": Size(patients=60, years=1, admitted=0, admissions=0),
}
"""The sizes that have a name."""

SEED = 20260115
"""The seed of the public populations."""


def lives(size: Size, seed: int = SEED) -> Iterator[Life]:
    """The lives of a population, in order."""
    return (draw(seed, number, size) for number in range(size.patients))


def charts(size: Size, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Every resource of a population."""
    yield from people_at_work()
    yield from charts_of(size, range(size.patients), seed)


def charts_of(size: Size, numbers: range, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """The charts of some of the lives, by their numbers."""
    for number in numbers:
        life = draw(seed, number, size)
        yield from chart(life, seed, opaque_id(seed, "patient", number))


@cache
def clinic() -> Population:
    """The bystanders of suites without a hospital: 60 people with a year of visits, in memory."""
    return Population.of(charts(SIZES["clinic"]))
