"""Doctors written as one generator that reads like the consultation it conducts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bedside.agents.base import Briefing, Doctor
from bedside.core.observation import Observation

__all__ = ["Script", "ScriptedDoctor"]

Script = Generator[Any, Observation, Any]
"""Yields actions, is resumed with what each brought, and returns the last action."""


class ScriptedDoctor(Doctor):
    """A doctor whose conduct is written in :meth:`consult`."""

    briefing: Briefing

    def __init__(self) -> None:
        self._script: Script | None = None
        self._last: Any = None

    def begin(self, briefing: Briefing) -> None:
        self.briefing = briefing

    def consult(self, observation: Observation) -> Script:
        """Conduct the consultation, from its first observation to its last action."""
        raise NotImplementedError(f"{type(self).__name__} must define consult(observation)")

    def act(self, observation: Observation) -> Any:
        try:
            if self._script is None:
                self._script = self.consult(observation)
                return next(self._script)
            return self._script.send(observation)
        except StopIteration as stop:
            if stop.value is not None:
                self._last = stop.value
            return self._last
