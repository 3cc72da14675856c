"""One encounter, readable: who said and did what, and what the score rests on.

The trace stores the patient's words and the doctor's actions; what the doctor was shown in reply is
played again from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from bedside.agents.sheet import Sheet
from bedside.core.errors import RunError, TraceError
from bedside.core.observation import Kind, Observation
from bedside.core.trace import Acted, Event, decode_trace, sha256
from bedside.envs.replay import watch
from bedside.fhir_server.population import Resources
from bedside.runs.records import Record, Run, trace_name

__all__ = ["Line", "Transcript", "find", "transcript"]

Speaker = Kind | Literal["doctor", "refused"]


class Line(msgspec.Struct, frozen=True):
    """One line of a transcript.

    Attributes:
        event: number of the event it begins with; score evidence cites these.
        minute: the encounter's clock when the line was said or shown.
        speaker: who or what speaks; ``refused`` tells the doctor why an action was not carried
            out.
        text: what was said, done or shown.
    """

    event: int
    minute: int
    speaker: Speaker
    text: str


class Transcript(msgspec.Struct, frozen=True):
    """One encounter: its record, what happened, and the sheet with the evidence."""

    record: Record
    lines: tuple[Line, ...]
    sheet: Sheet


def find(run: Run, name: str) -> Record:
    """The finished encounter called ``CASE-TRIAL``, or ``CASE`` for its first finished trial.

    Raises:
        RunError: the run has no such finished encounter.
    """
    records = run.records()
    for record in records:
        if trace_name(record.key) == f"{name}.jsonl":
            return record
    for record in records:
        if record.case == name:
            return record
    example = f", for example {records[0].case}-{records[0].trial}" if records else ""
    raise RunError(
        f"{run.path} has no finished encounter '{name}'; encounters are called CASE-TRIAL{example}"
    )


def transcript(run: Run, record: Record, population: Resources | None = None) -> Transcript:
    """The transcript of a finished encounter.

    Args:
        run: the run.
        record: which of its encounters.
        population: the one the run was made over; found by the suite's name unless given.

    Raises:
        RunError: the trace is missing, or the cases or population are not those that were run.
        TraceError: the trace was changed or does not replay.
    """
    data = run.trace(record)
    if sha256(data) != record.trace:
        raise TraceError(f"the trace of {record.case}, trial {record.trial} was changed")
    suite = run.suite(population)
    events = decode_trace(data)
    encounter, seen = watch(events, suite.case(record.case), suite)
    lines = [line for number, shown in seen for line in _lines(number, events[number], shown)]
    return Transcript(record, tuple(lines), encounter.sheet())


def _lines(number: int, event: Event, shown: Observation) -> Iterator[Line]:
    if isinstance(event, Acted):
        yield Line(number, event.minute, "doctor", _action(event.action))
    speaker: Speaker = "refused" if shown.kind == "error" else shown.kind
    yield Line(number + 1, shown.minute, speaker, shown.text)


def _action(action: Any) -> str:
    match action:
        case {"type": "say", "text": str(text), **rest} if not rest:
            return text
        case {"type": str(name), **arguments}:
            given = ", ".join(f"{key}={_json(value)}" for key, value in arguments.items())
            return f"{name}({given})"
        case str(text):
            return text
        case _:
            return _json(action)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
