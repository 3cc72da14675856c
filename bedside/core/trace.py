"""The trace: the append-only record of one encounter, as versioned events.

A trace is JSON Lines, one event a line, in the order things happened. The position of an event is
its id; score sheets cite these numbers as evidence. Replies of the embedded chart are stored as a
hash and recomputed for reading; what came from outside the process is stored whole.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from bedside.core.errors import TraceError
from bedside.core.flow import ModelRequest, Reply, Request

__all__ = [
    "TRACE_VERSION",
    "Acted",
    "Charted",
    "Ended",
    "Ending",
    "Event",
    "Examined",
    "Exchanged",
    "Ordered",
    "Refused",
    "Resulted",
    "Spoke",
    "Started",
    "decode_trace",
    "encode_trace",
    "sha256",
]

TRACE_VERSION = 1

Ending = Literal["finished", "patient_left", "turn_limit", "time_limit"]


class _Event(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class Started(_Event, frozen=True, tag="started"):
    """Always the first event: everything a replay needs besides the case and the actions."""

    case: str
    suite: str
    seed: int
    trial: int
    doctor: str
    patient: str
    max_turns: int
    max_minutes: int
    population: str
    trace_version: int = TRACE_VERSION


class Acted(_Event, frozen=True, tag="acted"):
    """The doctor took an action; `action` is what it sent as plain JSON, see `plain_json`."""

    action: Any
    turn: int
    minute: int


class Refused(_Event, frozen=True, tag="refused"):
    """The action just before could not be carried out, for the reason shown to the doctor."""

    reason: str


class Spoke(_Event, frozen=True, tag="spoke"):
    """The patient spoke.

    Attributes:
        text: the words.
        facts: ids of the facts told or denied in them.
        topics: topics of the doctor's question that the patient understood.
        mood: the patient's patience left, from 0 (leaves) to 1.
        guard: what was wrong with wordings of a model that were refused, in order; "scripted" at
            the end where the scripted wording was said instead.
    """

    text: str
    facts: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    mood: float = 1.0
    guard: tuple[str, ...] = ()


class Examined(_Event, frozen=True, tag="examined"):
    """Findings were shown; empty when there was nothing to find under that name."""

    findings: tuple[str, ...] = ()


class Ordered(_Event, frozen=True, tag="ordered"):
    """Tests were ordered; `due` is the minute their results arrive. Empty when unknown."""

    tests: tuple[str, ...] = ()
    due: int = 0


class Resulted(_Event, frozen=True, tag="resulted"):
    """The results of ordered tests arrived."""

    tests: tuple[str, ...]


class Charted(_Event, frozen=True, tag="charted"):
    """The chart answered; `sha256` is of the reply's body."""

    method: str
    url: str
    status: int
    sha256: str


class Exchanged(_Event, frozen=True, tag="exchanged"):
    """A request left the process and was answered; `sha256` are of their canonical JSON."""

    role: str
    request_sha256: str
    reply_sha256: str
    reply: Reply

    @classmethod
    def of(cls, request: Request, reply: Reply) -> Exchanged:
        """The event for this exchange."""
        role = request.role if isinstance(request, ModelRequest) else "chart"
        return cls(role, sha256(_ENCODER.encode(request)), sha256(_ENCODER.encode(reply)), reply)


class Ended(_Event, frozen=True, tag="ended"):
    """Always the last event of a finished encounter."""

    ending: Ending


Event = (
    Started | Acted | Refused | Spoke | Examined | Ordered | Resulted | Charted | Exchanged | Ended
)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Event)


def sha256(data: bytes) -> str:
    """The hex digest by which the trace names bytes."""
    return hashlib.sha256(data).hexdigest()


def encode_trace(events: list[Event]) -> bytes:
    """The trace as JSON Lines; equal events give equal bytes."""
    return _ENCODER.encode_lines(events)


def decode_trace(data: bytes) -> list[Event]:
    """Read a trace back.

    Raises:
        TraceError: a line is no event of this trace version, or the first is not `started`.
    """
    events: list[Event] = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            events.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TraceError(f"line {number} of the trace is no event: {error}") from None
    if not events or not isinstance(events[0], Started):
        raise TraceError("the trace does not begin with a 'started' event")
    if events[0].trace_version != TRACE_VERSION:
        raise TraceError(
            f"the trace has version {events[0].trace_version}; this Bedside reads {TRACE_VERSION}"
        )
    return events
