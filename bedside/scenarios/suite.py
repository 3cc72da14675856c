"""Suites: named, versioned, ordered sets of cases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bedside.core.errors import CaseError
from bedside.fhir_server.policy import STRICT, Policy
from bedside.fhir_server.population import Resources
from bedside.scenarios.case import Case
from bedside.scenarios.chart_case import ChartCase

__all__ = ["AnyCase", "Split", "Suite", "parse_case"]

AnyCase = Case | ChartCase
"""A consult, or a task in the chart."""


def parse_case(value: Any) -> AnyCase:
    """A case from its JSON as a Python value; what has a category is a task in the chart.

    Raises:
        pydantic.ValidationError: it is no case.
    """
    if isinstance(value, dict) and "category" in value:
        return ChartCase.model_validate(value)
    return Case.model_validate(value)


Split = Literal["train", "test"]


@dataclass(frozen=True)
class Suite:
    """A named, versioned, ordered set of cases.

    Attributes:
        name: as given to ``--suite``.
        version: changes whenever a case changes its meaning.
        cases: the test split, in order.
        population: the other patients of the chart.
        labels: the closed list of diagnoses shown to the doctor; empty when the answer is open.
        sample: draws case number *n* of the unlimited train split, or None if there is none.
        knowledge: what the generator knows (for privileged doctors), or None.
        policy: what a write to the chart must be.
    """

    name: str
    version: str
    cases: Sequence[AnyCase]
    population: Resources
    labels: tuple[str, ...] = ()
    sample: Callable[[int], AnyCase] | None = None
    knowledge: Any = None
    policy: Policy = STRICT
    _by_id: Mapping[str, AnyCase] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {case.id: case for case in self.cases}
        if len(by_id) != len(self.cases):
            raise CaseError(f"suite '{self.name}': two cases have the same id")
        for case in self.cases:
            self._check_chart(case)
        object.__setattr__(self, "_by_id", by_id)

    def _check_chart(self, case: AnyCase) -> None:
        """A case's resource must not hide one of the population."""
        for number, resource in enumerate(case.chart):
            type, id = str(resource.get("resourceType")), str(resource.get("id"))
            if self.population.get(type, id) is not None:
                raise CaseError(
                    f"suite '{self.name}': case '{case.id}': chart[{number}].id: another patient"
                    f" of the clinic has {type}/{id}; choose another id"
                )

    def case(self, case_id: str) -> AnyCase:
        """The case with this id.

        Raises:
            CaseError: there is none.
        """
        try:
            return self._by_id[case_id]
        except KeyError:
            raise CaseError(
                f"suite '{self.name}' has no case '{case_id}'; 'bedside list cases' names them"
            ) from None

    def digest(self) -> str:
        """sha256 over every case and label, in order."""
        hasher = hashlib.sha256("\n".join(self.labels).encode())
        for case in self.cases:
            hasher.update(case.model_dump_json().encode())
        return hasher.hexdigest()
