"""The two small drivers that play an encounter: one synchronous, one asynchronous.

A doctor's ``act`` is a black box to both. The model requests of a thinking doctor are answered by
its own ``model`` and recorded in the trace.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from bedside.agents.base import Doctor, ThinkingDoctor
from bedside.core.errors import BedsideError, DoctorError
from bedside.core.flow import Flow, Reply, Request, drive, drive_async, noted
from bedside.core.observation import Observation
from bedside.envs.encounter import Encounter

__all__ = ["Answer", "AsyncAnswer", "play", "play_async", "waits"]

Answer = Callable[[Request], Reply]
AsyncAnswer = Callable[[Request], Awaitable[Reply]]


def waits(doctor: Doctor) -> bool:
    """Whether the doctor waits for something outside, so that several can be awaited at once."""
    return _thinker(doctor) is not None or inspect.iscoroutinefunction(doctor.act)


def play(encounter: Encounter, doctor: Doctor, answer: Answer | None = None) -> None:
    """Play an encounter to its end. May be called inside a running event loop (a notebook).

    Args:
        encounter: a fresh encounter.
        doctor: a fresh doctor.
        answer: answers the encounter's own requests (an LLM patient, a remote chart).

    Raises:
        DoctorError: the doctor raised an error of its own.
        ProviderError: a model or remote service failed.
    """
    if inspect.iscoroutinefunction(doctor.act):
        played = play_async(encounter, doctor, _awaitable(answer or _nobody))
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, played).result()
    thinker = _thinker(doctor)
    at_fault = _DoctorAtFault(encounter, doctor)
    with at_fault:
        doctor.begin(encounter.briefing)
    observation = drive(encounter.open(), answer or _nobody)
    while not observation.done:
        with at_fault:
            if thinker is not None:
                flow = _think(encounter, thinker, observation)
                action = drive(flow, cast(Answer, thinker.model.complete))
            else:
                action = doctor.act(observation)
                if inspect.isawaitable(action):
                    raise TypeError("act returned an awaitable: declare it with 'async def act'")
        observation = drive(encounter.act(action), answer or _nobody)


async def play_async(
    encounter: Encounter, doctor: Doctor, answer: AsyncAnswer | None = None
) -> None:
    """As :func:`play`, awaiting the doctor and every answer."""
    answer = answer or _awaitable(_nobody)
    thinker = _thinker(doctor)
    at_fault = _DoctorAtFault(encounter, doctor)
    with at_fault:
        doctor.begin(encounter.briefing)
    observation = await drive_async(encounter.open(), answer)
    while not observation.done:
        with at_fault:
            if thinker is not None:
                flow = _think(encounter, thinker, observation)
                action = await drive_async(flow, cast(AsyncAnswer, thinker.model.acomplete))
            else:
                action = doctor.act(observation)
                if inspect.isawaitable(action):
                    action = await action
        observation = await drive_async(encounter.act(action), answer)


def _thinker(doctor: Doctor) -> ThinkingDoctor | None:
    return cast(ThinkingDoctor, doctor) if hasattr(doctor, "decide") else None


def _think(encounter: Encounter, doctor: ThinkingDoctor, observation: Observation) -> Flow[Any]:
    return noted(doctor.decide(observation), encounter.note)


class _DoctorAtFault:
    """Turns an error of the doctor's own, raised within, into a :class:`DoctorError`."""

    __slots__ = ("_doctor", "_encounter")

    def __init__(self, encounter: Encounter, doctor: Doctor) -> None:
        self._encounter = encounter
        self._doctor = doctor

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BedsideError):
            return
        if isinstance(error, Exception | SystemExit):
            raise DoctorError(
                f"doctor {type(self._doctor).__name__} failed in encounter "
                f"{self._encounter.case.id} at turn {self._encounter.turn + 1}: "
                f"{type(error).__name__}: {error}"
            ) from error


def _nobody(request: Request) -> Reply:
    raise DoctorError(f"nobody answers {type(request).__name__}s here: pass 'answer'")


def _awaitable(answer: Answer) -> AsyncAnswer:
    async def answer_async(request: Request) -> Reply:
        return answer(request)

    return answer_async
