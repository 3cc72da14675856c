from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bedside.agents.registry import DoctorSpec, resolve
from bedside.core.errors import DoctorError, RunError
from bedside.core.seeds import derive
from bedside.core.trace import sha256
from bedside.runs.plan import default_directory, plan
from bedside.runs.records import Failure, Record, Run
from bedside.runs.runner import Progress, run
from tests import run_samples
from tests.run_samples import Crasher, Guesser, Offline, Waiter, config, sample_suite, spec


def numbers(directory: Path) -> dict[Any, Any]:
    """The index by encounter, apart from timing."""
    records = Run(directory).records()
    assert len({record.key for record in records}) == len(records)
    return {r.key: msgspec.structs.replace(r, timing=None) for r in records}


def traces(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / "traces").iterdir()}


def files(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()}


def test_a_plan_seeds_every_encounter_by_case_and_trial() -> None:
    suite = sample_suite(3)
    units = plan(suite, seed=5, trials=2)
    assert [unit.key for unit in units][:4] == [
        ("sample-000", 0), ("sample-001", 0), ("sample-002", 0), ("sample-000", 1),
    ]  # fmt: skip
    assert all(unit.seed == derive(5, *unit.key) for unit in units)


def test_a_run_leaves_everything_needed(tmp_path: Path) -> None:
    seen: list[Progress] = []
    summary = run(config(tmp_path / "r"), seen.append)
    assert (summary.total, summary.resumed, len(summary.records)) == (8, 0, 8)
    assert [progress.done for progress in seen] == list(range(1, 9))
    stored = Run(tmp_path / "r")
    assert stored.suite().digest() == sample_suite().digest()
    assert stored.total == 8
    record = stored.records()[0]
    assert record.key == ("sample-000", 0)
    assert record.ending == "finished"
    assert (record.turns, record.refused) == (5, 1)
    assert set(record.parts) == {"diagnosis", "chart", "rubric"}
    assert record.timing.seconds > 0


def test_progress_is_told_only_of_what_is_on_disk(tmp_path: Path) -> None:
    def on_disk(progress: Progress) -> None:
        assert isinstance(progress.outcome, Record)
        assert progress.outcome in Run(tmp_path / "r").records()
        assert Run(tmp_path / "r").trace(progress.outcome)

    run(config(tmp_path / "r"), on_disk)


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(config(tmp_path / name))
    run(config(tmp_path / "c", seed=8))
    assert numbers(tmp_path / "a") == numbers(tmp_path / "b") != numbers(tmp_path / "c")
    assert traces(tmp_path / "a") == traces(tmp_path / "b")
    assert (tmp_path / "a/manifest.json").read_bytes() == (
        tmp_path / "b/manifest.json"
    ).read_bytes()


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_waiting_doctors_give_the_same_run_at_any_concurrency(
    tmp_path: Path, concurrency: int
) -> None:
    run(config(tmp_path / "sync", doctor=spec(Guesser)))
    run(config(tmp_path / "async", doctor=spec(Waiter), concurrency=concurrency))
    sync, waiting = numbers(tmp_path / "sync"), numbers(tmp_path / "async")
    assert sync.keys() == waiting.keys()
    for key, record in sync.items():
        assert msgspec.structs.replace(waiting[key], trace="") == msgspec.structs.replace(
            record, trace=""
        )


def test_a_failing_doctor_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DoctorError, match=r"Crasher.*sample-002.*ZeroDivisionError"):
        run(config(tmp_path / "r", doctor=spec(Crasher, patient="p002")))
    assert list(numbers(tmp_path / "r")) == [("sample-000", 0), ("sample-001", 0)]


def test_a_broken_off_encounter_is_played_again_on_resume(tmp_path: Path) -> None:
    flag = tmp_path / "down"
    flag.touch()
    doctor = spec(Offline, patient="p001", file=str(flag))
    summary = run(config(tmp_path / "r", doctor=doctor))
    assert len(summary.records) == 6
    assert summary.failures == tuple(
        Failure("sample-001", trial, "the model is overloaded", 529) for trial in (0, 1)
    )
    flag.unlink()
    summary = run(config(tmp_path / "r", doctor=doctor, resume=True))
    assert (summary.resumed, len(summary.records), summary.failures) == (6, 8, ())
    run(config(tmp_path / "whole", doctor=doctor))
    assert numbers(tmp_path / "r") == numbers(tmp_path / "whole")


def test_resuming_a_complete_run_changes_nothing(tmp_path: Path) -> None:
    run(config(tmp_path / "r"))
    before = files(tmp_path / "r"), traces(tmp_path / "r")
    summary = run(config(tmp_path / "r", resume=True))
    assert summary.resumed == summary.total == 8
    assert (files(tmp_path / "r"), traces(tmp_path / "r")) == before


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    run(config(tmp_path / "r"))
    with pytest.raises(RunError, match=r"not empty.*--resume"):
        run(config(tmp_path / "r"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="something else"):
        run(config(tmp_path / "other", resume=True))
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_a_changed_configuration_is_refused_with_what_changed(tmp_path: Path) -> None:
    run(config(tmp_path / "r"))
    with pytest.raises(RunError) as refused:
        run(config(tmp_path / "r", seed=9, suite=sample_suite(3), resume=True))
    text = str(refused.value)
    assert "seed: was 7, now 9" in text
    assert "suite_digest: was" in text
    assert "trials" not in text


CAREFUL = """
from bedside.agents.base import Doctor

class Careful(Doctor):
    def act(self, observation):
        return {"type": "finish", "diagnoses": [{"name": "acne", "primary": True}]}
"""


@pytest.mark.parametrize("named", ["{file}:Careful", "careful_doctor:Careful"])
def test_an_edited_doctor_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    file = tmp_path / "careful_doctor.py"
    file.write_text(CAREFUL)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "careful_doctor", raising=False)
    name = named.format(file=file)
    resolve.cache_clear()
    run(config(tmp_path / "r", doctor=DoctorSpec(name)))
    assert Run(tmp_path / "r").manifest.doctor_source == sha256(CAREFUL.encode())
    run(config(tmp_path / "r", doctor=DoctorSpec(name), resume=True))
    file.write_text(CAREFUL.replace("acne", "scabies"))
    with pytest.raises(RunError) as refused:
        run(config(tmp_path / "r", doctor=DoctorSpec(name), resume=True))
    assert f"the code of '{name}' was edited" in str(refused.value)
    assert "Change it back, or name another directory" in str(refused.value)


def test_resuming_without_a_finished_trace_is_refused(tmp_path: Path) -> None:
    run(config(tmp_path / "r"))
    trace = tmp_path / "r/traces/sample-001-1.jsonl"
    whole = trace.read_bytes()
    trace.write_bytes(whole.replace(b'"turn":1', b'"turn":2'))
    with pytest.raises(RunError, match=r"sample-001-1\.jsonl was changed.*Put it back"):
        run(config(tmp_path / "r", resume=True))
    trace.unlink()
    with pytest.raises(RunError, match=r"sample-001-1\.jsonl is missing.*Put it back"):
        run(config(tmp_path / "r", resume=True))
    index = tmp_path / "r/index.jsonl"
    kept = [line for line in index.read_bytes().splitlines(keepends=True)
            if b'"sample-001","trial":1' not in line]  # fmt: skip
    index.write_bytes(b"".join(kept))
    assert run(config(tmp_path / "r", resume=True)).resumed == 7
    assert trace.read_bytes() == whole


@pytest.mark.parametrize("doctor", ["Leaver", "AsyncLeaver"])
def test_a_doctor_that_exits_is_named(tmp_path: Path, doctor: str) -> None:
    with pytest.raises(DoctorError, match=r"Leaver failed in encounter sample-000.*SystemExit: 0"):
        run(config(tmp_path / "r", doctor=DoctorSpec(f"{run_samples.__file__}:{doctor}")))


def test_a_run_that_could_not_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"4,000,000,000 encounters.*lower 'trials'"):
        config(tmp_path / "r", trials=1_000_000_000)


def test_runs_with_other_options_are_kept_elsewhere() -> None:
    paths = {
        default_directory("consult", "llm", {"model": model})
        for model in ("openai/gpt-4o", "ollama/llama3.1", "x" * 500, "x" * 501)
    }
    assert Path("runs/consult-llm-openai-gpt-4o") in paths
    assert len(paths) == 4
    assert all(len(path.name) < 120 for path in paths)


def test_torn_lines_and_unfinished_traces_are_cleared_on_resume(tmp_path: Path) -> None:
    run(config(tmp_path / "whole"))
    run(config(tmp_path / "r"))
    index = tmp_path / "r/index.jsonl"
    index.write_bytes(index.read_bytes()[:-20])
    (tmp_path / "r/traces/sample-003-1.jsonl.tmp").write_bytes(b'{"type":"sta')
    assert len(Run(tmp_path / "r").records()) == 7
    assert run(config(tmp_path / "r", resume=True)).resumed == 7
    assert numbers(tmp_path / "r") == numbers(tmp_path / "whole")
    assert traces(tmp_path / "r") == traces(tmp_path / "whole")


def test_a_damaged_index_line_is_an_error_that_names_it(tmp_path: Path) -> None:
    run(config(tmp_path / "r"))
    index = tmp_path / "r/index.jsonl"
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join([lines[0], b"garbage\n", *lines[2:]]))
    with pytest.raises(RunError, match="line 2 is damaged"):
        Run(tmp_path / "r").records()


@pytest.mark.parametrize(("field", "value"), [("trials", 0), ("concurrency", -1)])
def test_a_bad_field_is_named(tmp_path: Path, field: str, value: int) -> None:
    with pytest.raises(RunError, match=f"{field} must be at least 1"):
        config(tmp_path, **{field: value})


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot make the run directory"):
        run(config(tmp_path / "file" / "r"))
    with pytest.raises(RunError, match="is a file"):
        run(config(tmp_path / "file"))


@pytest.mark.skipif(sys.platform == "win32", reason="permissions differ")
def test_a_read_only_directory_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r").chmod(0o500)
    try:
        (tmp_path / "r" / "probe").touch()
    except PermissionError:
        with pytest.raises(RunError, match="cannot make the run directory"):
            run(config(tmp_path / "r"))
    else:
        pytest.skip("this user may write everywhere")
