"""Scoring again: every number of a run, from its traces alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from bedside.agents.sheet import Sheet
from bedside.core.errors import RunError, TraceError
from bedside.core.seeds import derive
from bedside.core.trace import Event, Started, decode_trace, sha256
from bedside.envs.replay import replay
from bedside.fhir_server.population import Resources
from bedside.runs.records import Manifest, Record, Run, record_of
from bedside.scenarios.suite import Suite

__all__ = ["Rescoring", "rescore", "rescore_one"]


@dataclass(frozen=True)
class Rescoring:
    """What scoring a run again gave.

    Attributes:
        sheets: the new sheet of every encounter whose trace could be replayed.
        problems: one error for each encounter that is not what the index says.
        finished: encounters in the index.
        planned: encounters of the complete run.
    """

    sheets: tuple[tuple[Record, Sheet], ...]
    problems: tuple[TraceError, ...]
    finished: int
    planned: int


def rescore(directory: Path, population: Resources | None = None) -> Rescoring:
    """Score every finished encounter of a run again and compare it with the index.

    The numbers are compared if the run was scored by this version of the assessor; a run of an
    older version is scored by today's, and only its traces are checked.

    Args:
        directory: the run directory.
        population: the one the run was made over; found by the suite's name unless given.

    Raises:
        RunError: it is no run directory, the index is empty or damaged, or the cases or the
            population are not those of the manifest.
    """
    run = Run(directory)
    suite = run.suite(population)
    sheets: list[tuple[Record, Sheet]] = []
    problems: list[TraceError] = []
    records = run.records()
    if not records:
        raise RunError(f"{directory}: no encounter is finished yet, so there is nothing to score")
    for record in records:
        try:
            sheet, again = rescore_one(run, record, suite)
            sheets.append((record, sheet))
            _compare(record, again, same_grader=sheet.version == run.manifest.grader)
        except TraceError as error:
            problems.append(TraceError(f"{record.case}, trial {record.trial}: {error}"))
    return Rescoring(tuple(sheets), tuple(problems), len(records), run.total)


def rescore_one(run: Run, record: Record, suite: Suite) -> tuple[Sheet, Record]:
    """Score one encounter again from its trace.

    Returns:
        The new sheet, and the record as it would be written now with the old timing.

    Raises:
        TraceError: the trace is missing, was changed, or does not replay.
    """
    try:
        trace = run.trace(record)
    except RunError as error:
        raise TraceError(str(error)) from None
    if sha256(trace) != record.trace:
        raise TraceError("the trace was changed: its sha256 is not the one in the index")
    events = decode_trace(trace)
    case = suite.case(record.case)
    sheet = replay(events, case, suite).sheet()
    again = record_of(case, events, trace, sheet, record.timing)
    _demand_planned(run.manifest, events[0], again)
    return sheet, again


def _demand_planned(manifest: Manifest, started: Event, record: Record) -> None:
    if isinstance(started, Started) and started.doctor != manifest.doctor:
        raise TraceError(f"it was played by '{started.doctor}', not by '{manifest.doctor}'")
    seed = derive(manifest.seed, record.case, record.trial)
    if record.seed != seed:
        raise TraceError(f"it was played with seed {record.seed}; the run's plan says {seed}")
    if not 0 <= record.trial < manifest.trials:
        raise TraceError(f"the run has {manifest.trials} trials only")


def _compare(stored: Record, again: Record, *, same_grader: bool) -> None:
    scored = {"success", "score", "parts", "diagnosis", "fault", "medagentbench"}
    for name in Record.__struct_fields__:
        if name in scored and not same_grader:
            continue
        old, new = getattr(stored, name), getattr(again, name)
        if old != new:
            raise TraceError(
                f"{name} is {_text(old)} in the index, but the trace gives {_text(new)}"
            )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
