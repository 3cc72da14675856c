"""The board: runs that can be compared, ranked side by side.

Runs are comparable if they played the same cases over the same population, met the same kind of
patient, and were scored by the same version of the assessor; each such group has its own table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from bedside.core.errors import RunError
from bedside.leaderboard.estimates import Estimate, Outcome, performance
from bedside.leaderboard.floors import Floors
from bedside.runs.records import Manifest, Run

__all__ = ["Board", "Contest", "Row", "Table", "board"]


class Contest(msgspec.Struct, frozen=True, order=True):
    """What runs must share to be ranked together."""

    suite: str
    suite_version: str
    suite_digest: str
    population: str
    grader: str
    patient: str


class Row(msgspec.Struct, frozen=True):
    """One run.

    Attributes:
        rank: from 1; equal success and score share a rank. None for privileged doctors and for
            runs that are not complete.
        options: the doctor's options.
        encounters: finished.
        planned: encounters of the complete run.
        success: share of successes.
        score: mean score.
        pass_hat: pass^k for k = 1 up to the number of trials.
        needs_judge: share of encounters whose diagnosis the rules could not judge; they count as
            wrong.
        turns: mean number of actions.
    """

    rank: int | None
    doctor: str
    options: dict[str, str]
    privileged: bool
    seed: int
    encounters: int
    planned: int
    success: Estimate
    score: Estimate
    pass_hat: tuple[float, ...]
    needs_judge: float
    turns: float

    @property
    def complete(self) -> bool:
        """Whether every planned encounter is finished."""
        return self.encounters == self.planned


class Table(msgspec.Struct, frozen=True):
    """Comparable runs, best first, and the floors of their suite if they were measured."""

    contest: Contest
    cases: int
    rows: tuple[Row, ...]
    floors: Floors | None


class Board(msgspec.Struct, frozen=True):
    """All tables.

    Attributes:
        tables: one for each group of comparable runs.
        notes: why there is more than one table, and which runs are not shown, in words.
    """

    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def board(directories: Sequence[Path], floors: Iterable[Floors] = ()) -> Board:
    """Rank runs by success, then by score.

    Args:
        directories: run directories.
        floors: measured floors; each is shown with the table of its suite and grader.

    Raises:
        RunError: there is no run, one is damaged, or none has a finished encounter.
    """
    if not directories:
        raise RunError("name at least one run directory")
    groups: dict[Contest, list[Run]] = {}
    empty: list[Path] = []
    for run in map(Run, directories):
        if run.records():
            groups.setdefault(_contest(run.manifest), []).append(run)
        else:
            empty.append(run.path)
    without = f"no encounter is finished yet in: {', '.join(map(str, empty))}"
    if not groups:
        raise RunError(f"{without}; resume a run first")
    known = list(floors)
    tables = tuple(_table(contest, runs, known) for contest, runs in sorted(groups.items()))
    notes = _notes([table.contest for table in tables])
    return Board(tables, (*notes, f"Not shown, {without}.") if empty else notes)


def _contest(manifest: Manifest) -> Contest:
    return Contest(
        manifest.suite,
        manifest.suite_version,
        manifest.suite_digest,
        manifest.population,
        manifest.grader,
        _patient(manifest),
    )


def _patient(manifest: Manifest) -> str:
    """The patient's kind, and the model that worded its answers."""
    model = manifest.patient_args.get("model", "")
    return f"{manifest.patient} by {model}" if model else manifest.patient


def _table(contest: Contest, runs: Sequence[Run], floors: Sequence[Floors]) -> Table:
    rows = sorted(map(_row, runs), key=lambda row: (*_merit(row), row.doctor, row.seed))
    contenders = [_merit(row) for row in rows if row.complete and not row.privileged]
    ranked = tuple(
        msgspec.structs.replace(row, rank=1 + contenders.index(_merit(row)))
        if row.complete and not row.privileged
        else row
        for row in rows
    )
    key = (contest.suite_digest, contest.population, contest.grader)
    measured = next((f for f in floors if (f.suite_digest, f.population, f.grader) == key), None)
    return Table(contest, len(runs[0].cases()), ranked, measured)


def _merit(row: Row) -> tuple[float, float]:
    return -row.success.value, -row.score.value


def _row(run: Run) -> Row:
    manifest, records = run.manifest, run.records()
    found = performance(Outcome(r.case, r.success, r.score) for r in records)
    return Row(
        rank=None,
        doctor=manifest.doctor,
        options=manifest.doctor_args,
        privileged=manifest.privileged,
        seed=manifest.seed,
        encounters=len(records),
        planned=run.total,
        success=found.success,
        score=found.score,
        pass_hat=found.pass_hat,
        needs_judge=fmean(r.diagnosis == "needs_judge" for r in records),
        turns=fmean(r.turns for r in records),
    )


def _notes(contests: Sequence[Contest]) -> tuple[str, ...]:
    reasons = {
        "suite_digest": "they played different cases",
        "population": "their charts lie over different populations",
        "patient": "their patients differ",
        "grader": "they were scored by different versions of the assessor",
    }
    first = contests[0]
    return tuple(
        f"Not all runs can be ranked together: {reason}. Each group has its own table."
        for name, reason in reasons.items()
        if any(getattr(contest, name) != getattr(first, name) for contest in contests)
    )
