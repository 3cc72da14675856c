"""One doctor meeting one case: a state machine with a clock that does no I/O.

:meth:`Encounter.open` and :meth:`Encounter.act` are flows: where they need words or chart replies
from outside they yield a request, otherwise they return at once. An encounter is a pure function
of (case, seed, actions, replies from outside).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from bedside.agents.assessor import Assessment
from bedside.agents.base import Briefing
from bedside.agents.sheet import Sheet
from bedside.core import actions, trace
from bedside.core.errors import ActionError
from bedside.core.flow import Flow, Reply, Request, noted
from bedside.core.observation import Kind, Observation
from bedside.core.seeds import derive
from bedside.envs.calculator import calculate
from bedside.envs.cast import patient_of
from bedside.envs.station import station_of
from bedside.fhir_server.chart import Chart
from bedside.patients.base import Patient, Utterance
from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios.case import Case, Test
from bedside.scenarios.suite import Suite

__all__ = ["CLINIC_OPENS", "Encounter"]

CLINIC_OPENS = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
"""When every encounter begins, so that dates in charts and stories agree."""

_Outcome = tuple[Kind, str, Any]


class Encounter:
    """One encounter.

    Args:
        case: what is examined.
        suite: the suite it belongs to: its population and its closed list of diagnoses.
        seed: all that is random in this encounter comes from it.
        trial: number of the trial, recorded only.
        doctor: name of the doctor, recorded only.
        patient: who plays the patient, by kind, or one of your own.

    Attributes:
        events: the trace so far.
        chart: the patient's live chart.
        over: whether the encounter has ended.
    """

    def __init__(
        self,
        case: Case,
        *,
        suite: Suite,
        seed: int,
        trial: int = 0,
        doctor: str = "",
        patient: Patient | str = ScriptedPatient.kind,
    ) -> None:
        self.case = case
        self.labels = suite.labels
        self.seed = seed
        self.over = False
        self.turn = 0
        self.minute = 0
        self.events: list[trace.Event] = []
        if isinstance(patient, str):
            patient = patient_of(patient, case, derive(seed, "patient"))
        self.patient = patient
        self._station = station_of(case)
        self.chart = Chart(
            suite.population,
            self._station.start,
            seed=derive(seed, "chart"),
            now=CLINIC_OPENS.isoformat(),
        )
        self._assessment = Assessment(case, suite.labels)
        self._pending: list[tuple[int, Test]] = []
        self._record(
            trace.Started(
                case=case.id,
                suite=suite.name,
                seed=seed,
                trial=trial,
                doctor=doctor,
                patient=self.patient.kind,
                max_turns=case.limits.turns,
                max_minutes=case.limits.minutes,
                population=suite.population.digest,
            )
        )

    @property
    def briefing(self) -> Briefing:
        """What the doctor is told before the encounter."""
        return Briefing(derive(self.seed, "doctor"), self.labels, self.case.patient_id)

    @property
    def score(self) -> float:
        """The score so far, in [0, 1]; it begins at 0."""
        return self._assessment.score(self.chart)

    def sheet(self) -> Sheet:
        """The assessor's sheet for what happened so far."""
        return self._assessment.sheet(self.chart)

    def note(self, request: Request, reply: Reply) -> None:
        """Record an exchange with something outside: a model or a remote chart."""
        self._record(trace.Exchanged.of(request, reply))

    def recall(self, exchanged: trace.Exchanged) -> None:
        """Record an exchange again, when a trace is replayed."""
        self._record(exchanged)

    def open(self) -> Flow[Observation]:
        """Begin: the doctor's task, then the patient's first words."""
        spoken = yield from noted(self.patient.open(), self.note)
        self._record_speech(spoken)
        lines = [self.case.task]
        if self.labels:
            lines.append(f"The diagnosis is one of: {', '.join(self.labels)}.")
        lines.append(f'The patient says: "{spoken.text}"')
        return self._observe("briefing", "\n".join(lines))

    def act(self, value: Any) -> Flow[Observation]:
        """Take one action of the doctor.

        Args:
            value: an action model, or whatever :func:`bedside.core.actions.parse_action` reads.
                What is no valid action is answered with an error observation and costs the turn.

        Raises:
            RuntimeError: the encounter is over.
        """
        if self.over:
            raise RuntimeError("the encounter is over; open a new one")
        self.turn += 1
        try:
            action = self._receive(value)
            self.minute += action.minutes if isinstance(action, actions.Wait) else action.cost
            kind, text, data = yield from self._carry_out(action)
        except ActionError as error:
            self._record(trace.Refused(str(error)))
            kind, text, data = "error", f"{error}", None
        if not self.over:
            text = "\n".join([text, *self._arrivals()])
            self._check_limits()
        return self._observe(kind, text, data)

    def _receive(self, value: Any) -> actions.AnyAction:
        raw = actions.plain_json(value)
        self._record(trace.Acted(raw, self.turn, self.minute))
        return actions.parse_action(raw)

    def _carry_out(self, action: actions.AnyAction) -> Flow[_Outcome]:
        match action:
            case actions.Say():
                return (yield from self._say(action.text))
            case actions.Examine():
                return self._examine(action.what)
            case actions.Order():
                return self._order(action.test)
            case actions.RequestPhoto():
                return "result", "No photo is available.", None
            case actions.Calculate():
                value = calculate(action.expression)
                return "result", f"{action.expression} = {value:g}", value
            case actions.Wait():
                return "result", f"It is now minute {self.minute}.", None
            case actions.Finish():
                self._end("finished")
                return "end", "The encounter is over. Thank you, doctor.", None
            case _:
                return self._ask_chart(*_chart_request(action))

    def _say(self, text: str) -> Flow[_Outcome]:
        spoken = yield from noted(self.patient.hear(text), self.note)
        self._record_speech(spoken)
        if spoken.leaves:
            self._end("patient_left")
        return "patient", spoken.text, None

    def _examine(self, what: str) -> _Outcome:
        found = self._station.findings(what)
        self._record(trace.Examined(tuple(finding.id for finding in found)))
        if not found:
            return "result", f"Examining '{what}' adds nothing.", None
        return "result", "\n".join(f"{f.name}: {f.text}" for f in found), None

    def _order(self, name: str) -> _Outcome:
        tests = self._station.tests(name)
        if not tests:
            self._record(trace.Ordered())
            return "result", f"No result can be had for '{name}' here.", None
        due = self.minute + max(test.minutes for test in tests)
        self._pending.extend((self.minute + test.minutes, test) for test in tests)
        self._record(trace.Ordered(tuple(test.id for test in tests), due))
        names = ", ".join(test.name for test in tests)
        return "result", f"Ordered: {names}. The result is due at minute {due}.", None

    def _ask_chart(self, method: str, path: str, body: Any) -> _Outcome:
        self.chart.now = (CLINIC_OPENS + timedelta(minutes=self.minute)).isoformat()
        response = self.chart.request(method, path, None, body)
        self._record(trace.Charted(method, path, response.status, trace.sha256(response.body)))
        text = response.body.decode()
        data = {"status": response.status, "body": msgspec.json.decode(response.body)}
        return "chart", f"{response.status} {text}", data

    def _arrivals(self) -> list[str]:
        due = [test for minute, test in self._pending if minute <= self.minute]
        if not due:
            return []
        self._pending = [(minute, test) for minute, test in self._pending if minute > self.minute]
        self._record(trace.Resulted(tuple(test.id for test in due)))
        return [f"Result of {test.name}: {test.text}" for test in due]

    def _check_limits(self) -> None:
        if self.turn >= self.case.limits.turns:
            self._end("turn_limit")
        elif self.minute >= self.case.limits.minutes:
            self._end("time_limit")

    def _end(self, ending: trace.Ending) -> None:
        self.over = True
        self._record(trace.Ended(ending))

    def _record_speech(self, spoken: Utterance) -> None:
        self._record(
            trace.Spoke(spoken.text, spoken.facts, spoken.topics, spoken.mood, spoken.guard)
        )

    def _record(self, event: trace.Event) -> None:
        self.events.append(event)
        self._assessment.see(event)

    def _observe(self, kind: Kind, text: str, data: Any = None) -> Observation:
        limits = self.case.limits
        return Observation(
            kind=kind,
            text=text,
            turn=self.turn,
            turns_left=max(0, limits.turns - self.turn),
            minute=self.minute,
            minutes_left=max(0, limits.minutes - self.minute),
            data=data,
            done=self.over,
        )


def _chart_request(
    action: actions.FhirRequest | actions.Search | actions.Read | actions.Create | actions.Update,
) -> tuple[str, str, Any]:
    match action:
        case actions.FhirRequest():
            return action.method, action.path, action.body
        case actions.Search():
            query = urlencode(action.params, quote_via=quote, safe="|,:/$")
            return "GET", f"{action.resource_type}?{query}", None
        case actions.Read():
            return "GET", f"{action.resource_type}/{quote(action.id, safe='')}", None
        case actions.Create():
            return "POST", _type_of(action.resource), action.resource
        case actions.Update():
            resource_id = action.resource.get("id")
            if not isinstance(resource_id, str):
                raise ActionError("update: 'resource.id' is missing. Use create for a new one.")
            return "PUT", f"{_type_of(action.resource)}/{resource_id}", action.resource


def _type_of(resource: dict[str, Any]) -> str:
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise ActionError("'resource.resourceType' is missing, for example 'Condition'.")
    return kind
