"""A case prepared for play: what every encounter with it shares, built once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

from bedside.fhir_server.population import StartLayer
from bedside.scenarios.case import Case
from bedside.scenarios.suite import AnyCase

__all__ = ["Station", "station_of"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def terms(self) -> tuple[str, ...]: ...


N = TypeVar("N", bound=_Named)


class Station:
    """The immutable parts of an encounter.

    Attributes:
        case: the case.
        start: its start of the chart, ready to lie over a population.
    """

    def __init__(self, case: AnyCase) -> None:
        self.case = case
        self.start = StartLayer.of(case.chart)
        self.findings = _Finder(case.findings if isinstance(case, Case) else ())
        self.tests = _Finder(case.tests if isinstance(case, Case) else ())


class _Finder(list[tuple[re.Pattern[str], N]]):
    """Finds the items that a doctor's free text asks for, by name or term."""

    def __init__(self, items: Sequence[N]) -> None:
        super().__init__((_pattern((item.name, *item.terms)), item) for item in items)

    def __call__(self, text: str) -> tuple[N, ...]:
        return tuple(item for pattern, item in self if pattern.search(text))


def _pattern(terms: Sequence[str]) -> re.Pattern[str]:
    words = sorted({re.escape(term.strip()) for term in terms if term.strip()}, key=len)
    return re.compile(rf"\b(?:{'|'.join(reversed(words))})(?:s|es)?\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def station_of(case: AnyCase) -> Station:
    """The prepared form of a case, kept while it is in use."""
    return Station(case)
