from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bedside.agents.registry import DoctorSpec
from bedside.core.errors import RunError
from bedside.core.trace import Acted, decode_trace, encode_trace, sha256
from bedside.runs.records import Manifest, Record, Run
from bedside.runs.runner import run
from bedside.runs.scoring import rescore
from tests.run_samples import config


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    run(config(tmp_path / "r"))
    return tmp_path / "r"


def rewrite(directory: Path, number: int, **changes: object) -> None:
    index = directory / "index.jsonl"
    lines = index.read_bytes().splitlines()
    record = msgspec.json.decode(lines[number], type=Record)
    lines[number] = msgspec.json.encode(msgspec.structs.replace(record, **changes))
    index.write_bytes(b"".join(line + b"\n" for line in lines))


def rewrite_manifest(directory: Path, **changes: object) -> None:
    file = directory / "manifest.json"
    manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, **changes)))


def test_an_untouched_run_scores_the_same(directory: Path) -> None:
    found = rescore(directory)
    assert found.problems == ()
    assert [record.score for record, _ in found.sheets] == [s.score for _, s in found.sheets]
    assert len(found.sheets) == 8


def test_a_changed_byte_is_reported(directory: Path) -> None:
    path = directory / "traces/sample-002-1.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = rescore(directory)
    assert [str(problem) for problem in found.problems] == [
        "sample-002, trial 1: the trace was changed: its sha256 is not the one in the index"
    ]
    assert len(found.sheets) == 7


def test_a_missing_trace_is_reported(directory: Path) -> None:
    (directory / "traces/sample-000-0.jsonl").unlink()
    (problem,) = rescore(directory).problems
    assert "sample-000, trial 0: cannot read" in str(problem)


def test_a_number_that_the_trace_does_not_give_is_reported(directory: Path) -> None:
    rewrite(directory, 0, score=0.999)
    (problem,) = rescore(directory).problems
    assert "score is 0.999 in the index, but the trace gives" in str(problem)


def test_a_forged_trace_with_a_matching_hash_does_not_replay(directory: Path) -> None:
    path = directory / "traces/sample-000-0.jsonl"
    events = decode_trace(path.read_bytes())
    spot = next(n for n, event in enumerate(events) if isinstance(event, Acted))
    events[spot] = msgspec.structs.replace(events[spot], action={"type": "examine", "what": "ear"})
    forged = encode_trace(events)
    path.write_bytes(forged)
    rewrite(directory, 0, trace=sha256(forged))
    (problem,) = rescore(directory).problems
    assert "sample-000, trial 0" in str(problem)


def test_another_doctors_traces_are_reported(directory: Path) -> None:
    rewrite_manifest(directory, doctor="mine")
    assert len(rescore(directory).problems) == 8


def test_another_seed_than_planned_is_reported(directory: Path) -> None:
    rewrite_manifest(directory, seed=1)
    assert all("the run's plan says" in str(p) for p in rescore(directory).problems)
    assert len(rescore(directory).problems) == 8


def test_numbers_of_an_older_assessor_are_not_compared(directory: Path) -> None:
    rewrite_manifest(directory, grader="rules-0")
    rewrite(directory, 0, score=0.999)
    assert rescore(directory).problems == ()


def test_a_cut_index_says_how_many_are_there(directory: Path) -> None:
    index = directory / "index.jsonl"
    index.write_bytes(b"".join(index.read_bytes().splitlines(keepends=True)[:3]))
    found = rescore(directory)
    assert (found.problems, found.finished, found.planned) == ((), 3, 8)


def test_a_run_without_an_encounter_is_refused(directory: Path) -> None:
    (directory / "index.jsonl").unlink()
    with pytest.raises(RunError, match="nothing to score"):
        rescore(directory)


@pytest.mark.parametrize(
    "change",
    [
        {"score": 7.5},
        {"parts": {"diagnosis": -0.1}},
        {"turns": -1},
        {"trial": -1},
        {"trace": "../../secrets"},
    ],
)
def test_a_number_that_cannot_be_is_damage(directory: Path, change: dict[str, object]) -> None:
    rewrite(directory, 1, **change)
    with pytest.raises(RunError, match=r"line 2 is damaged.*" + next(iter(change))):
        rescore(directory)


@pytest.mark.parametrize("name", ["oracle", "bedside.agents.oracle:OracleDoctor"])
def test_a_built_in_doctor_cannot_hide_what_it_knows(tmp_path: Path, name: str) -> None:
    run(config(tmp_path / "r", doctor=DoctorSpec(name)))
    rewrite_manifest(tmp_path / "r", privileged=False)
    with pytest.raises(RunError, match=r"manifest\.json was changed.*is privileged"):
        rescore(tmp_path / "r")


def test_changed_cases_are_refused(directory: Path) -> None:
    path = directory / "cases.jsonl"
    path.write_text(path.read_text().replace("Find out", "Guess"))
    with pytest.raises(RunError, match=r"cases\.jsonl or the labels were changed"):
        rescore(directory)


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run directory"):
        Run(tmp_path)
