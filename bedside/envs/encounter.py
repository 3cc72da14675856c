"""One doctor meeting one case: a state machine with a clock that does no I/O.

:meth:`Encounter.open` and :meth:`Encounter.act` are flows: where they need words or chart replies
from outside they yield a request, otherwise they return at once. An encounter is a pure function
of (case, seed, actions, replies from outside).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from bedside.agents.base import Briefing
from bedside.agents.grading import assessment_of
from bedside.agents.sheet import Sheet
from bedside.core import actions, trace
from bedside.core.errors import ActionError
from bedside.core.flow import Flow, Reply, Request
from bedside.core.observation import Kind, Observation
from bedside.core.seeds import derive
from bedside.envs.calculator import calculate
from bedside.envs.cast import patient_of
from bedside.envs.desk import Desk
from bedside.envs.station import station_of
from bedside.envs.visit import Visit
from bedside.fhir_server.chart import Chart
from bedside.patients.base import Patient
from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["CLINIC_OPENS", "NOBODY", "Encounter", "Outcome"]

CLINIC_OPENS = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
"""When every encounter begins, so that dates in charts and stories agree."""

NOBODY = "nobody"
"""Who plays the patient where there is none."""

Outcome = tuple[Kind, str, Any]
"""What an action brings: its kind, as text, and as JSON where there is structure."""


class Room(Protocol):
    """Where an encounter takes place: what it opens with, and the actions only known there."""

    def open(self) -> Flow[str]:
        """What the doctor is told first."""

    def carry_out(self, action: actions.AnyAction) -> Flow[Outcome]:
        """Carry out an action that is not of the chart."""

    def arrivals(self) -> list[str]:
        """What has come by now, in words."""


class Encounter:
    """One encounter.

    Args:
        case: a consult, or a task in the chart.
        suite: the suite it belongs to: its population and its closed list of diagnoses.
        seed: all that is random in this encounter comes from it.
        trial: number of the trial, recorded only.
        doctor: name of the doctor, recorded only.
        patient: who plays the patient of a consult, by kind, or one of your own.

    Attributes:
        events: the trace so far.
        chart: the patient's live chart.
        over: whether the encounter has ended.
    """

    def __init__(
        self,
        case: AnyCase,
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
        self.station = station_of(case)
        self.chart = Chart(
            suite.population,
            self.station.start,
            seed=derive(seed, "chart"),
            now=CLINIC_OPENS.isoformat(),
            policy=suite.policy,
        )
        self._assessment = assessment_of(case, suite.labels)
        self._room: Room
        if isinstance(case, ChartCase):
            kind, self._room = NOBODY, Desk(self, case)
        else:
            if isinstance(patient, str):
                patient = patient_of(patient, case, derive(seed, "patient"))
            kind, self._room = patient.kind, Visit(self, case, patient)
        self.record(
            trace.Started(
                case=case.id,
                suite=suite.name,
                seed=seed,
                trial=trial,
                doctor=doctor,
                patient=kind,
                max_turns=case.limits.turns,
                max_minutes=case.limits.minutes,
                population=suite.population.digest,
            )
        )

    @property
    def briefing(self) -> Briefing:
        """What the doctor is told before the encounter."""
        seed = derive(self.seed, "doctor")
        if isinstance(self.case, ChartCase):
            return Briefing(seed, self.labels, "", "chart")
        return Briefing(seed, self.labels, self.case.patient_id)

    @property
    def _place(self) -> actions.Station:
        return "chart" if isinstance(self.case, ChartCase) else "consult"

    @property
    def score(self) -> float:
        """The score so far, in [0, 1]; it begins at 0."""
        return self._assessment.score(self.chart)

    def sheet(self) -> Sheet:
        """The assessor's sheet for what happened so far."""
        return self._assessment.sheet(self.chart)

    def note(self, request: Request, reply: Reply) -> None:
        """Record an exchange with something outside: a model or a remote chart."""
        self.record(trace.Exchanged.of(request, reply))

    def recall(self, exchanged: trace.Exchanged) -> None:
        """Record an exchange again, when a trace is replayed."""
        self.record(exchanged)

    def open(self) -> Flow[Observation]:
        """Begin: what the doctor is told."""
        return self._observe("briefing", (yield from self._room.open()))

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
            actions.refuse_elsewhere(action, self._place)
            self.minute += action.minutes if isinstance(action, actions.Wait) else action.cost
            kind, text, data = yield from self._carry_out(action)
        except ActionError as error:
            self.record(trace.Refused(str(error)))
            kind, text, data = "error", f"{error}", None
        if not self.over:
            text = "\n".join([text, *self._room.arrivals()])
            self._check_limits()
        return self._observe(kind, text, data)

    def _receive(self, value: Any) -> actions.AnyAction:
        raw = actions.plain_json(value)
        self.record(trace.Acted(raw, self.turn, self.minute))
        return actions.parse_action(raw)

    def _carry_out(self, action: actions.AnyAction) -> Flow[Outcome]:
        match action:
            case actions.Calculate():
                value = calculate(action.expression)
                return "result", f"{action.expression} = {value:g}", value
            case actions.Wait():
                return "result", f"It is now minute {self.minute}.", None
            case (
                actions.FhirRequest()
                | actions.Search()
                | actions.Read()
                | actions.Create()
                | actions.Update()
            ):
                return self._ask_chart(*_chart_request(action))
            case _:
                return (yield from self._room.carry_out(action))

    def _ask_chart(self, method: str, path: str, body: Any) -> Outcome:
        self.chart.now = (CLINIC_OPENS + timedelta(minutes=self.minute)).isoformat()
        response = self.chart.request(method, path, None, body)
        self.record(trace.Charted(method, path, response.status, trace.sha256(response.body)))
        text = response.body.decode()
        data = {"status": response.status, "body": msgspec.json.decode(response.body)}
        return "chart", f"{response.status} {text}", data

    def _check_limits(self) -> None:
        if self.turn >= self.case.limits.turns:
            self.end("turn_limit")
        elif self.minute >= self.case.limits.minutes:
            self.end("time_limit")

    def end(self, ending: trace.Ending) -> None:
        """End the encounter."""
        self.over = True
        self.record(trace.Ended(ending))

    def record(self, event: trace.Event) -> None:
        """Append an event to the trace, where the assessor sees it."""
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
            station=self._place,
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
