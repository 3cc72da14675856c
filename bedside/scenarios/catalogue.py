"""Which suites there are, by the names given to ``--suite``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bedside.core.errors import CaseError
from bedside.scenarios.suite import Suite

__all__ = ["BUILT_IN", "IMPORTED", "Summary", "load", "prepare", "summaries"]


def _consult() -> Suite:
    from bedside.scenarios import consult

    return consult.suite()


def _private_consult(path: Path) -> Suite:
    from bedside.scenarios import consult

    return consult.private(path)


def _private_chart(path: Path) -> Suite:
    from bedside.scenarios import chart

    return chart.private(path)


def _agentclinic(path: Path) -> Suite:
    from bedside.scenarios import agentclinic

    return agentclinic.suite(path)


def _medagentbench(path: Path) -> Suite:
    from bedside.scenarios import medagentbench

    return medagentbench.suite(path)


def _symptomcheck(path: Path) -> Suite:
    from bedside.scenarios import symptomcheck

    return symptomcheck.suite(path)


def _cases(path: Path) -> Suite:
    from bedside.scenarios import files

    return files.suite(path)


def _chart() -> Suite:
    from bedside.scenarios import chart

    return chart.suite()


def _chart_small() -> Suite:
    from bedside.scenarios import chart

    return chart.small()


BUILT_IN: dict[str, Callable[[], Suite]] = {
    "consult": _consult,
    "chart": _chart,
    "chart-small": _chart_small,
}
"""Suites that come with Bedside."""

IMPORTED: dict[str, Callable[[Path], Suite]] = {
    "agentclinic": _agentclinic,
    "cases": _cases,
    "chart": _private_chart,
    "consult": _private_consult,
    "medagentbench": _medagentbench,
    "symptomcheck": _symptomcheck,
}
"""Suites read from a file, or drawn from the secret in it, named ``kind:PATH``."""


class Summary(NamedTuple):
    """A built-in suite as it is listed, without its population."""

    name: str
    version: str
    cases: int


def summaries() -> Iterator[Summary]:
    """The built-in suites."""
    from bedside.scenarios import chart, consult

    yield Summary(consult.NAME, consult.VERSION, len(consult.suite().cases))
    yield Summary(chart.NAME, chart.VERSION, len(chart.families()) * chart.EACH)
    yield Summary(chart.SMALL, chart.VERSION, len(chart.families()) * chart.FEW)


def prepare(name: str, on_progress: Callable[[int], None]) -> None:
    """Build the population that a suite lies over, where it is a large one that is not there.

    Args:
        on_progress: told from time to time how many resources are done.
    """
    if name.partition(":")[0] == "chart":
        from bedside.scenarios.hospital import store

        store.opened("hospital", on_progress, workers=2)


@cache
def load(name: str) -> Suite:
    """The suite of that name. A large population that is not there is built first, see
    :func:`prepare`.

    Raises:
        CaseError: there is no such suite, or its file cannot be read.
    """
    kind, colon, path = name.partition(":")
    if not colon and kind in BUILT_IN:
        return BUILT_IN[kind]()
    if colon and kind in IMPORTED:
        return IMPORTED[kind](Path(path))
    known = [*BUILT_IN, *(f"{kind}:PATH" for kind in IMPORTED)]
    raise CaseError(f"there is no suite '{name}'; there are: {', '.join(known)}")
