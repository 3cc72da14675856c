"""What every patient is: opens the conversation, then answers what the doctor says."""

from __future__ import annotations

from typing import Protocol

import msgspec

from bedside.core.flow import Flow

__all__ = ["Patient", "Utterance"]


class Utterance(msgspec.Struct, frozen=True):
    """What the patient says.

    Attributes:
        text: the words.
        facts: ids of the facts told or denied in them.
        topics: topics of the doctor's words that were understood.
        mood: patience left, from 0 to 1.
        leaves: the patient ends the encounter with these words.
        guard: what was wrong with wordings of a model that were refused, in order.
    """

    text: str
    facts: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    mood: float = 1.0
    leaves: bool = False
    guard: tuple[str, ...] = ()


class Patient(Protocol):
    """A patient in one encounter. Holds state; one instance serves one encounter."""

    kind: str
    """Name written to the trace, e.g. ``scripted-1``."""

    def open(self) -> Flow[Utterance]:
        """The patient's first words."""

    def hear(self, text: str) -> Flow[Utterance]:
        """The patient's answer to what the doctor said."""
