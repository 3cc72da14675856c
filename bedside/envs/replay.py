"""Replay: play a stored trace again and demand the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from bedside.core.errors import TraceError
from bedside.core.flow import Reply, Request, drive
from bedside.core.observation import Observation
from bedside.core.trace import Acted, Event, Exchanged, Started, encode_trace
from bedside.envs.encounter import Encounter
from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["replay", "watch"]


def replay(events: Sequence[Event], case: AnyCase, suite: Suite) -> Encounter:
    """Play the actions of a trace again, with the recorded replies from outside.

    Raises:
        TraceError: what happens now differs from what the trace says happened then.
    """
    encounter, _ = watch(events, case, suite)
    return encounter


def watch(
    events: Sequence[Event], case: AnyCase, suite: Suite
) -> tuple[Encounter, list[tuple[int, Observation]]]:
    """As :func:`replay`, with every observation and the number of the event it followed.

    Raises:
        TraceError: what happens now differs from what the trace says happened then.
    """
    started = events[0]
    if not isinstance(started, Started) or started.case != case.id:
        raise TraceError(f"the trace is not of case {case.id}")
    encounter = Encounter(
        case,
        suite=suite,
        seed=started.seed,
        trial=started.trial,
        doctor=started.doctor,
        patient=started.patient,
    )

    def recorded(request: Request) -> Reply:
        event = _at(events, len(encounter.events))
        if not isinstance(event, Exchanged):
            raise TraceError(f"event {len(encounter.events)}: no reply was recorded here")
        return event.reply

    seen = [(0, drive(encounter.open(), recorded))]
    while len(encounter.events) < len(events) and not encounter.over:
        number = len(encounter.events)
        match events[number]:
            case Acted(action=action):
                seen.append((number, drive(encounter.act(action), recorded)))
            case Exchanged() as exchanged:
                encounter.recall(exchanged)
            case other:
                raise TraceError(f"event {number}: {type(other).__name__} was not caused here")
    _demand_equal(events, encounter.events)
    return encounter, seen


def _at(events: Sequence[Event], number: int) -> Event | None:
    return events[number] if number < len(events) else None


def _demand_equal(then: Sequence[Event], now: Sequence[Event]) -> None:
    for number, (old, new) in enumerate(zip(then, now, strict=False)):
        if encode_trace([old]) != encode_trace([new]):
            raise TraceError(f"event {number} differs when replayed: {type(old).__name__}")
    if len(then) != len(now):
        raise TraceError(f"the trace has {len(then)} events, its replay {len(now)}")
