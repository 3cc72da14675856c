"""What was said in a run: the doctor's words and the patient's answers, out of the traces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bedside.core.actions import Say, parse_action
from bedside.core.errors import ActionError
from bedside.core.trace import Acted, Ended, Event, Spoke, decode_trace
from bedside.runs.records import Run
from bedside.scenarios.case import Case

__all__ = ["Dialogue", "Line", "dialogue_of", "dialogues"]


class Line(NamedTuple):
    """One thing the patient said.

    Attributes:
        heard: the doctor's words just before; "" for the opening.
        said: the patient's event.
    """

    heard: str
    said: Spoke


class Dialogue(NamedTuple):
    """All that was said in one encounter.

    Attributes:
        lines: the opening, then one for each time the doctor spoke.
        left: the patient ended it.
    """

    case: Case
    lines: tuple[Line, ...]
    left: bool


def dialogues(run: Run) -> Iterator[Dialogue]:
    """The dialogue of every finished encounter of a run that has a patient.

    Raises:
        RunError: a trace is missing.
        TraceError: a trace is damaged.
    """
    cases = {case.id: case for case in run.cases() if isinstance(case, Case)}
    for record in run.records():
        if record.case in cases:
            yield dialogue_of(cases[record.case], decode_trace(run.trace(record)))


def dialogue_of(case: Case, events: Sequence[Event]) -> Dialogue:
    """The dialogue of one encounter."""
    lines: list[Line] = []
    heard = ""
    for event in events:
        match event:
            case Acted(action=action):
                heard = _words(action)
            case Spoke():
                lines.append(Line(heard, event))
    last = events[-1]
    return Dialogue(case, tuple(lines), isinstance(last, Ended) and last.ending == "patient_left")


def _words(action: Any) -> str:
    try:
        said = parse_action(action)
    except ActionError:
        return ""
    return said.text if isinstance(said, Say) else ""
