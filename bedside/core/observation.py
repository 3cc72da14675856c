"""What a doctor sees after each action."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bedside.core.actions import Station, tool_schemas

__all__ = ["Kind", "Observation", "Photo"]

Kind = Literal["briefing", "patient", "result", "chart", "error", "end"]


class Photo(msgspec.Struct, frozen=True):
    """One photo.

    Attributes:
        id: opaque id.
        media_type: for example ``image/jpeg``.
        data: the encoded image.
    """

    id: str
    media_type: str
    data: bytes


class Observation(msgspec.Struct, frozen=True):
    """What the doctor sees.

    Attributes:
        kind: what `text` is: the briefing with the patient's opening words, what the patient said,
            a finding or test result, a chart reply, an error to mend, or the end.
        text: everything there is to see, readable.
        data: the same as JSON where there is structure (a chart reply: ``{"status", "body"}``).
        photos: photos shown with this observation.
        turn: actions taken so far.
        turns_left: actions that remain before the encounter is cut off.
        minute: minutes since the encounter began.
        minutes_left: minutes that remain.
        done: the encounter is over; no further action is accepted.
        station: where the encounter takes place; it decides which actions there are.
    """

    kind: Kind
    text: str
    turn: int
    turns_left: int
    minute: int
    minutes_left: int
    data: Any = None
    photos: tuple[Photo, ...] = ()
    done: bool = False
    station: Station = "consult"

    @property
    def tools(self) -> tuple[dict[str, Any], ...]:
        """The actions that may be taken, as function-tool schemas."""
        return tool_schemas(self.station)
