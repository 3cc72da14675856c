"""The patient's side of a consultation: who speaks, what an examination and a test show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core import actions, trace
from bedside.core.flow import Flow, noted
from bedside.patients.base import Patient, Utterance
from bedside.scenarios.case import Case, Test

if TYPE_CHECKING:
    from bedside.envs.encounter import Encounter, Outcome

__all__ = ["Visit"]


class Visit:
    """A patient in the room.

    Args:
        encounter: the encounter that takes place here.
        case: its case.
        patient: who plays the patient.
    """

    def __init__(self, encounter: Encounter, case: Case, patient: Patient) -> None:
        self._encounter = encounter
        self._case = case
        self._patient = patient
        self._pending: list[tuple[int, Test]] = []

    def open(self) -> Flow[str]:
        """The doctor's task, then the patient's first words."""
        spoken = yield from noted(self._patient.open(), self._encounter.note)
        self._record_speech(spoken)
        lines = [self._case.task]
        if labels := self._encounter.labels:
            lines.append(f"The diagnosis is one of: {', '.join(labels)}.")
        lines.append(f'The patient says: "{spoken.text}"')
        return "\n".join(lines)

    def carry_out(self, action: actions.AnyAction) -> Flow[Outcome]:
        """What only a visit has: talk, examination, tests, photos, and its end."""
        match action:
            case actions.Say():
                return (yield from self._say(action.text))
            case actions.Examine():
                return self._examine(action.what)
            case actions.Order():
                return self._order(action.test)
            case actions.RequestPhoto():
                return "result", "No photo is available.", None
            case _:
                self._encounter.end("finished")
                return "end", "The encounter is over. Thank you, doctor.", None

    def arrivals(self) -> list[str]:
        """The results that are back by now, in words."""
        now = self._encounter.minute
        due = [test for minute, test in self._pending if minute <= now]
        if not due:
            return []
        self._pending = [(minute, test) for minute, test in self._pending if minute > now]
        self._encounter.record(trace.Resulted(tuple(test.id for test in due)))
        return [f"Result of {test.name}: {test.text}" for test in due]

    def _say(self, text: str) -> Flow[Outcome]:
        spoken = yield from noted(self._patient.hear(text), self._encounter.note)
        self._record_speech(spoken)
        if spoken.leaves:
            self._encounter.end("patient_left")
        return "patient", spoken.text, None

    def _examine(self, what: str) -> Outcome:
        found = self._encounter.station.findings(what)
        self._encounter.record(trace.Examined(tuple(finding.id for finding in found)))
        if not found:
            return "result", f"Examining '{what}' adds nothing.", None
        return "result", "\n".join(f"{f.name}: {f.text}" for f in found), None

    def _order(self, name: str) -> Outcome:
        tests = self._encounter.station.tests(name)
        if not tests:
            self._encounter.record(trace.Ordered())
            return "result", f"No result can be had for '{name}' here.", None
        now = self._encounter.minute
        due = now + max(test.minutes for test in tests)
        self._pending.extend((now + test.minutes, test) for test in tests)
        self._encounter.record(trace.Ordered(tuple(test.id for test in tests), due))
        names = ", ".join(test.name for test in tests)
        return "result", f"Ordered: {names}. The result is due at minute {due}.", None

    def _record_speech(self, spoken: Utterance) -> None:
        self._encounter.record(
            trace.Spoke(spoken.text, spoken.facts, spoken.topics, spoken.mood, spoken.guard)
        )
