"""The doctor: one method to write, ``act``."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from bedside.core.actions import Station
from bedside.core.flow import Flow
from bedside.core.observation import Observation

if TYPE_CHECKING:
    from bedside.agents.models import Model

__all__ = ["Briefing", "Doctor", "ThinkingDoctor"]


class Briefing(msgspec.Struct, frozen=True):
    """What a doctor is told before an encounter begins.

    Attributes:
        seed: for the doctor's own random choices; the same encounter gives the same seed.
        labels: the closed list of diagnoses, the same for every case of the suite, or empty.
        patient_id: id of the patient's Patient resource in the chart; "" in a chart task, where the
            patient is to be found.
        station: with a patient, or with the chart alone.
    """

    seed: int
    labels: tuple[str, ...]
    patient_id: str
    station: Station = "consult"


class Doctor:
    """Base class of every doctor. One instance serves one encounter.

    Subclass it and write :meth:`act`. Options given with ``--doctor-arg k=v`` arrive as keyword
    arguments of ``__init__``.
    """

    privileged: ClassVar[bool] = False
    """True for doctors that know more than a doctor can; they are marked wherever they appear."""

    def begin(self, briefing: Briefing) -> None:
        """Called once before the first observation."""

    def act(self, observation: Observation) -> Any | Awaitable[Any]:
        """Choose the next action: an action model, its JSON as a mapping or text, or plain text,
        which is said to the patient. May be ``async``.

        Args:
            observation: what the last action brought; the first one is the briefing.
        """
        raise NotImplementedError(f"{type(self).__name__} must define act(observation)")


class ThinkingDoctor(Protocol):
    """A doctor that asks a model through the encounter's driver instead of calling it itself, so
    that every call is in the trace."""

    model: Model
    """Answers the requests."""

    def decide(self, observation: Observation) -> Flow[Any]:
        """As :meth:`Doctor.act`, as a flow of model requests."""
