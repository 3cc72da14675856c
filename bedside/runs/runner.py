"""The runner: plays a doctor on a suite and keeps every finished encounter."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

from bedside.agents.base import Doctor
from bedside.agents.models import Model
from bedside.agents.registry import build
from bedside.core.errors import ProviderError
from bedside.core.trace import encode_trace
from bedside.envs.drivers import AsyncAnswer, play, play_async, waits
from bedside.envs.encounter import Encounter
from bedside.runs.directory import taken
from bedside.runs.fidelity import FidelityReport, as_json, fidelity
from bedside.runs.plan import RunConfig, Unit, has_patients, kind_of, patient_model, plan
from bedside.runs.records import Failure, Record, Run, Timing, record_of
from bedside.runs.writer import Writer, append_failure, write_whole

__all__ = ["Progress", "Summary", "run"]


class Progress(NamedTuple):
    """One encounter is safely recorded, or was broken off by a provider.

    Attributes:
        done: encounters settled so far, those of an earlier start included.
        total: encounters of the whole run.
        outcome: what became of this one.
    """

    done: int
    total: int
    outcome: Record | Failure


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes:
        directory: where it is.
        total: encounters the complete run has.
        resumed: encounters that were finished before this start.
        records: every finished encounter, in the order of the cases, then trials.
        failures: encounters a provider broke off; resume to play them again.
        fidelity: how the patients behaved, also kept as ``fidelity.json``; None without patients.
        seconds: wall-clock time of this start.
    """

    directory: Path
    total: int
    resumed: int
    records: tuple[Record, ...]
    failures: tuple[Failure, ...]
    fidelity: FidelityReport | None
    seconds: float


OnProgress = Callable[[Progress], None]


def run(
    config: RunConfig, on_progress: OnProgress | None = None, patient: Model | None = None
) -> Summary:
    """Play every encounter that is not finished yet.

    Where a doctor or the patient waits for something outside, `config.concurrency` encounters are
    played at a time on an event loop of its own; otherwise one after the other.

    Args:
        config: what to run.
        on_progress: called in this thread once an encounter is safely recorded.
        patient: words the patient's answers instead of the model that `config.patient_args` names.

    Raises:
        RunError: the directory is not free, belongs to another configuration or cannot be written.
        DoctorError: the doctor cannot be built or raised an error; what was finished is kept.
    """
    begun = perf_counter()
    units = plan(config.suite, seed=config.seed, trials=config.trials)
    words = patient or patient_model(config.patient_args)
    at_once = bool(units) and (words is not None or waits(_doctor(config, units[0])))
    with taken(config) as finished:
        open_units = [unit for unit in units if unit.key not in finished]
        with Writer(config.directory) as writer, _long_lived():
            session = _Session(config, writer, len(finished), len(units), on_progress, words)
            if at_once:
                asyncio.run(session.play_together(open_units))
            else:
                session.play_in_turn(open_units)
        stored = Run(config.directory)
        measured = None
        if has_patients(config.suite):
            measured = fidelity(stored)
            write_whole(config.directory / "fidelity.json", as_json(measured))
        return Summary(
            directory=config.directory,
            total=len(units),
            resumed=len(finished),
            records=tuple(stored.records()),
            failures=tuple(stored.failures()),
            fidelity=measured,
            seconds=perf_counter() - begun,
        )


@contextmanager
def _long_lived() -> Iterator[None]:
    """Spare the garbage collector what lives as long as the run: the suite and its population."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _doctor(config: RunConfig, unit: Unit) -> Doctor:
    return build(config.doctor, case=unit.case, suite=config.suite)


class _Session:
    def __init__(
        self,
        config: RunConfig,
        writer: Writer,
        done: int,
        total: int,
        on_progress: OnProgress | None,
        words: Model | None,
    ) -> None:
        self._config = config
        self._writer = writer
        self._done = done
        self._total = total
        self._on_progress = on_progress
        self._answer = cast(AsyncAnswer, words.acomplete) if words else None

    def play_in_turn(self, units: Sequence[Unit]) -> None:
        waiting: deque[Future[Record]] = deque()
        for unit in units:
            encounter = self._encounter(unit)
            begun = perf_counter()
            try:
                play(encounter, _doctor(self._config, unit))
            except ProviderError as error:
                self._failed(unit, error)
            else:
                waiting.append(self._submit(encounter, unit, begun))
            while waiting and waiting[0].done():
                self._report(waiting.popleft().result())
        for future in waiting:
            self._report(future.result())

    async def play_together(self, units: Sequence[Unit]) -> None:
        queue = iter(units)
        workers = [self._work(queue) for _ in range(self._config.concurrency)]
        await asyncio.gather(*workers)

    async def _work(self, queue: Iterator[Unit]) -> None:
        for unit in queue:
            encounter = self._encounter(unit)
            begun = perf_counter()
            try:
                await play_async(encounter, _doctor(self._config, unit), self._answer)
            except ProviderError as error:
                self._failed(unit, error)
            else:
                written = asyncio.wrap_future(self._submit(encounter, unit, begun))
                self._report(await written)

    def _encounter(self, unit: Unit) -> Encounter:
        return Encounter(
            unit.case,
            suite=self._config.suite,
            seed=unit.seed,
            trial=unit.trial,
            doctor=self._config.doctor.name,
            patient=kind_of(self._config.suite, self._config.patient_args),
        )

    def _submit(self, encounter: Encounter, unit: Unit, begun: float) -> Future[Record]:
        trace = encode_trace(encounter.events)
        sheet = encounter.sheet()
        timing = Timing(round(perf_counter() - begun, 6))
        record = record_of(unit.case, encounter.events, trace, sheet, timing)
        return self._writer.submit(record, trace)

    def _failed(self, unit: Unit, error: ProviderError) -> None:
        failure = Failure(unit.case.id, unit.trial, str(error), error.status)
        append_failure(self._config.directory, failure)
        self._report(failure)

    def _report(self, outcome: Record | Failure) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(Progress(self._done, self._total, outcome))
