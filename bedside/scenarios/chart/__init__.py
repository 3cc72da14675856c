"""The chart suite: tasks in the chart that doing nothing cannot pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from bedside.core.seeds import derive, opaque_id, rng
from bedside.fhir_server.population import Resources
from bedside.scenarios.chart.draft import Draft
from bedside.scenarios.chart.family import families, family
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.hospital import SIZES, clinic, lives
from bedside.scenarios.hospital.lives import Life
from bedside.scenarios.secret import secret_root
from bedside.scenarios.suite import Suite

__all__ = [
    "EACH",
    "FEW",
    "NAME",
    "SMALL",
    "VERSION",
    "cases",
    "families",
    "private",
    "sample",
    "small",
    "suite",
]

NAME = "chart"
SMALL = "chart-small"
VERSION = "1.0"
EACH = 30
"""Cases of each category."""
FEW = 4
"""Cases of each category of the small suite."""

_ROOT = 0


def suite() -> Suite:
    """The public suite over the hospital, which is built first if it is not there."""
    from bedside.scenarios.hospital import store

    return _suite(NAME, "hospital", store.opened("hospital"), EACH)


def private(path: Path) -> Suite:
    """A suite of the same kind that only who has the file can draw, see :func:`secret_root`."""
    from bedside.scenarios.hospital import store

    root = secret_root(path)
    return _suite(f"{NAME}:{path}", "hospital", store.opened("hospital"), EACH, root)


@cache
def small() -> Suite:
    """A few cases of each category over the clinic, ready in a second."""
    return _suite(SMALL, "clinic", clinic(), FEW)


def _suite(name: str, size: str, population: Resources, each: int, root: int = _ROOT) -> Suite:
    return Suite(
        name=name,
        version=VERSION,
        cases=cases(size, root=root, each=each),
        population=population,
        sample=partial(sample, size, root=root),
    )


def cases(size: str, *, root: int = _ROOT, each: int = EACH) -> tuple[ChartCase, ...]:
    """The test split over a population: the same number of each category, in a fixed shuffle."""
    plan = [(name, n) for name in families() for n in _chosen(size, root, name, each)]
    rng(root, NAME, VERSION, size, "order").shuffle(plan)
    pool = _pool(size, "test")
    return tuple(_case(size, root, "test", name, n, pool) for name, n in plan)


def sample(size: str, n: int, *, root: int = _ROOT) -> ChartCase:
    """Case number `n` of the unlimited train split: other seeds and other patients."""
    name = rng(root, NAME, VERSION, size, "train", n).choice(tuple(families()))
    return _case(size, root, "train", name, n, _pool(size, "train"))


def _chosen(size: str, root: int, name: str, each: int) -> list[int]:
    """The numbers of the cases that are taken: of a few, half in which something is written."""
    if each >= EACH:
        return list(range(each))
    acting = [_situation(size, root, "test", name, n) in family(name).acts for n in range(EACH)]
    rank = [acting[:n].count(acting[n]) for n in range(EACH)]
    return sorted(sorted(range(EACH), key=lambda n: (rank[n], n))[:each])


def _situation(size: str, root: int, split: str, name: str, n: int) -> str:
    """The branch of case number `n`: every thirty cases have each as often as it should be."""
    found = family(name).branches
    situations = [branch for branch, count in found.items() for _ in range(count)]
    lap, place = divmod(n, len(situations))
    rng(root, NAME, VERSION, size, split, name, lap).shuffle(situations)
    return situations[place]


def _case(size: str, root: int, split: str, name: str, n: int, pool: Sequence[Life]) -> ChartCase:
    labels = (root, NAME, VERSION, size, split, name)
    draft = Draft(
        name,
        family(name),
        _situation(size, root, split, name, n),
        opaque_id(*labels, n),
        derive(root, *labels[1:], n),
        pool,
    )
    families()[name](draft)
    return draft.finished()


@cache
def _pool(size: str, split: str) -> tuple[Life, ...]:
    """The people of a split: every second one of the population."""
    return tuple(life for life in lives(SIZES[size]) if life.number % 2 == (split == "train"))
