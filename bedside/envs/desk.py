"""A desk with the chart and a task, and no patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core import actions
from bedside.core.flow import Flow
from bedside.scenarios.chart_case import ChartCase

if TYPE_CHECKING:
    from bedside.envs.encounter import Encounter, Outcome

__all__ = ["Desk"]


class Desk:
    """Where a chart task is done.

    Args:
        encounter: the encounter that takes place here.
        case: the task.
    """

    def __init__(self, encounter: Encounter, case: ChartCase) -> None:
        self._encounter = encounter
        self._case = case

    def open(self) -> Flow[str]:
        """The task."""
        return self._case.task
        yield

    def carry_out(self, action: actions.AnyAction) -> Flow[Outcome]:
        """The answer ends the task."""
        self._encounter.end("finished")
        return "end", "The task is over. Thank you, doctor.", None
        yield

    def arrivals(self) -> list[str]:
        """Nothing comes by itself."""
        return []
