from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bedside.agents.registry import DoctorSpec
from bedside.core.errors import RunError
from bedside.core.stats import mean_interval, pass_hat_k, wilson
from bedside.leaderboard.board import board
from bedside.leaderboard.estimates import Outcome, performance
from bedside.leaderboard.floors import FLOOR_DOCTORS, floors, floors_of
from bedside.runs.records import Manifest, Record, Run
from bedside.runs.runner import run
from tests.run_samples import Guesser, config, sample_suite, spec


def played(directory: Path, **changes: object) -> Path:
    run(config(directory, **changes))
    return directory


def edit(directory: Path, **changes: object) -> None:
    file = directory / "manifest.json"
    manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, **changes)))


def grade(directory: Path, success: list[bool], score: float) -> None:
    """Write the results into the index, as if the doctor had earned them."""
    records = [
        msgspec.structs.replace(record, success=won, score=score)
        for record, won in zip(Run(directory).records(), success, strict=True)
    ]
    write(directory, records)


def write(directory: Path, records: list[Record]) -> None:
    lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
    (directory / "index.jsonl").write_bytes(lines)


def test_performance_takes_the_case_as_the_unit() -> None:
    outcomes = [
        Outcome("a", True, 1.0), Outcome("a", True, 0.8),
        Outcome("b", True, 0.6), Outcome("b", False, 0.2),
    ]  # fmt: skip
    found = performance(outcomes)
    assert found.success.value == pytest.approx(0.75)
    assert (found.success.low, found.success.high) == pytest.approx(wilson(0.75, 2))
    assert found.score.value == pytest.approx(0.65)
    assert (found.score.low, found.score.high) == pytest.approx(mean_interval([0.9, 0.4]))
    assert found.pass_hat == pytest.approx((pass_hat_k([2, 1], 2, 1), pass_hat_k([2, 1], 2, 2)))


def test_cases_weigh_the_same_however_many_trials_they_have() -> None:
    found = performance([Outcome("a", True, 1.0)] * 3 + [Outcome("b", False, 0.0)])
    assert found.success.value == pytest.approx(0.5)
    assert found.pass_hat == ()


def test_runs_rank_by_success_then_score(tmp_path: Path) -> None:
    suite = sample_suite(2)
    for name, success, score in (
        ("low", [False, False], 0.9),
        ("high", [True, True], 0.6),
        ("higher", [True, True], 0.7),
        ("tie", [True, True], 0.7),
    ):
        played(tmp_path / name, suite=suite, trials=1)
        edit(tmp_path / name, doctor=name)
        grade(tmp_path / name, success, score)
    (table,) = board(sorted(tmp_path.iterdir())).tables
    assert [(row.rank, row.doctor) for row in table.rows] == [
        (1, "higher"), (1, "tie"), (3, "high"), (4, "low"),
    ]  # fmt: skip


def test_a_row_says_what_the_run_was(tmp_path: Path) -> None:
    played(tmp_path / "r", doctor=spec(Guesser, pause="0"))
    found = board([tmp_path / "r"])
    (row,) = found.tables[0].rows
    records = Run(tmp_path / "r").records()
    assert row.options == {"pause": "0"}
    assert (row.encounters, row.planned, row.complete, row.rank) == (8, 8, True, 1)
    assert row.success.value == pytest.approx(sum(r.success for r in records) / 8)
    assert row.pass_hat[0] == pytest.approx(row.success.value)
    assert len(row.pass_hat) == 2
    assert row.turns == 5
    assert found.notes == ()


def test_privileged_and_unfinished_runs_have_no_rank(tmp_path: Path) -> None:
    played(tmp_path / "plain")
    played(tmp_path / "unfinished")
    write(tmp_path / "unfinished", Run(tmp_path / "unfinished").records()[:-1])
    played(tmp_path / "oracle", doctor=DoctorSpec("oracle"))
    (table,) = board(sorted(tmp_path.iterdir())).tables
    assert {row.doctor: row.rank for row in table.rows if row.privileged} == {"oracle": None}
    assert sorted((row.encounters, row.rank) for row in table.rows if not row.privileged) == [
        (7, None), (8, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("suite_digest", "different cases"),
        ("grader", "different versions of the assessor"),
        ("population", "different populations"),
    ],
)
def test_runs_that_differ_in_meaning_are_not_ranked_together(
    tmp_path: Path, field: str, says: str
) -> None:
    played(tmp_path / "a")
    played(tmp_path / "b")
    edit(tmp_path / "b", **{field: "other"})
    found = board([tmp_path / "a", tmp_path / "b"])
    assert len(found.tables) == 2
    assert [row.rank for table in found.tables for row in table.rows] == [1, 1]
    (note,) = found.notes
    assert says in note


def test_nothing_to_rank_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least one run"):
        board([])
    played(tmp_path / "r")
    (tmp_path / "r/index.jsonl").unlink()
    with pytest.raises(RunError, match="no encounter is finished yet"):
        board([tmp_path / "r"])
    assert floors_of([tmp_path / "r"]) == []


def test_an_empty_run_does_not_hide_the_others(tmp_path: Path) -> None:
    played(tmp_path / "full")
    played(tmp_path / "bare")
    (tmp_path / "bare/index.jsonl").unlink()
    found = board([tmp_path / "bare", tmp_path / "full"])
    assert len(found.tables[0].rows) == 1
    (note,) = found.notes
    assert note.startswith("Not shown")
    assert str(tmp_path / "bare") in note


def test_a_manifest_that_hides_what_the_doctor_knows_is_refused(tmp_path: Path) -> None:
    played(tmp_path / "r", doctor=DoctorSpec("oracle"))
    edit(tmp_path / "r", privileged=False)
    with pytest.raises(RunError, match="was changed"):
        board([tmp_path / "r"])


def test_floors_lie_below_the_ceiling_and_are_deterministic() -> None:
    suite = sample_suite(6)
    found = floors(suite, seed=3)
    assert tuple(row.doctor for row in found.rows) == FLOOR_DOCTORS
    assert [row.doctor for row in found.rows if row.privileged] == ["oracle"]
    score = {row.doctor: row.score.value for row in found.rows}
    assert max(score, key=score.__getitem__) == "oracle"
    assert score["nothing"] < 0.1
    assert floors(suite, seed=3) == found


def test_floors_stand_beside_the_runs_of_their_suite(tmp_path: Path) -> None:
    played(tmp_path / "a", suite=sample_suite(3))
    played(tmp_path / "b", suite=replace(sample_suite(2), version="2"))
    measured = floors_of([tmp_path / "a"])
    tables = board([tmp_path / "a", tmp_path / "b"], measured).tables
    assert {table.cases: table.floors for table in tables} == {3: measured[0], 2: None}
