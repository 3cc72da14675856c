from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bedside.core.errors import RunError
from bedside.core.lock import locked
from bedside.core.trace import sha256
from bedside.runs import writer as writing
from bedside.runs.records import Record, Timing, trace_name
from bedside.runs.writer import Writer, write_whole


def record(number: int, trace: bytes = b"{}\n") -> Record:
    return Record(
        case=f"case-{number}",
        trial=0,
        seed=2**64 - 1,
        temperament="sanguine",
        trace=sha256(trace),
        ending="finished",
        turns=10,
        success=True,
        score=0.75,
        parts={"diagnosis": 1.0, "chart": 0.5, "rubric": 0.625},
        diagnosis="right",
        refused=0,
        timing=Timing(0.002),
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "traces").mkdir()
    return tmp_path


def test_a_resolved_future_is_on_disk(directory: Path) -> None:
    with Writer(directory) as writer:
        for number in range(20):
            done = writer.submit(record(number), b"{}\n").result(timeout=10)
            assert (directory / "traces" / trace_name(done.key)).read_bytes() == b"{}\n"
            assert (directory / "index.jsonl").read_bytes().count(b"\n") == number + 1


def test_leaving_the_context_writes_what_was_submitted(directory: Path) -> None:
    with Writer(directory) as writer:
        futures = [writer.submit(record(number), b"{}\n") for number in range(600)]
    assert all(future.done() for future in futures)
    assert (directory / "index.jsonl").read_bytes().count(b"\n") == 600
    assert len(list((directory / "traces").iterdir())) == 600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error_and_nothing_hangs(directory: Path) -> None:
    (directory / "index.jsonl").symlink_to("/dev/full")
    with Writer(directory) as writer:
        first = writer.submit(record(0), b"{}\n")
        with pytest.raises(RunError, match=r"No space left.*--resume"):
            first.result(timeout=10)
        with pytest.raises(RunError, match="No space left"):
            writer.submit(record(1), b"{}\n")


def test_a_vanished_directory_is_one_clear_error(directory: Path) -> None:
    (directory / "traces").rmdir()
    with Writer(directory) as writer, pytest.raises(RunError, match="cannot write"):
        writer.submit(record(0), b"{}\n").result(timeout=10)


def test_submitting_waits_for_the_disk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PENDING", 4)
    most = 0
    with Writer(directory) as writer:
        futures = []
        for number in range(50):
            futures.append(writer.submit(record(number), b"{}\n"))
            most = max(most, sum(not future.done() for future in futures))
    assert most <= 4


def test_write_whole_leaves_no_temporary_file(directory: Path) -> None:
    write_whole(directory / "a.json", b"one")
    write_whole(directory / "a.json", b"two")
    assert (directory / "a.json").read_bytes() == b"two"
    assert not list(directory.glob("*.tmp"))


def test_one_writer_a_directory(directory: Path) -> None:
    with (
        locked(directory, RunError, "another process is at work"),
        pytest.raises(RunError, match="another process"),
        locked(directory, RunError, "another process is at work"),
    ):
        pass
    with locked(directory, RunError, "another process is at work"):
        pass


def test_a_lock_dies_with_its_process(directory: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from bedside.core.errors import RunError\nfrom bedside.core.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), RunError, 'busy'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match="another process"),
            locked(directory, RunError, "another process is at work"),
        ):
            pass
    finally:
        process.kill()
        process.communicate()
    with locked(directory, RunError, "another process is at work"):
        pass


def test_an_error_inside_the_lock_is_not_taken_for_one_of_the_lock(directory: Path) -> None:
    with (
        pytest.raises(sqlite3.OperationalError, match="mine"),
        locked(directory, RunError, "another process is at work"),
    ):
        raise sqlite3.OperationalError("mine")


def test_the_writer_costs_little(directory: Path) -> None:
    trace = b'{"type":"acted","action":{"type":"say","text":"Hello"},"turn":1,"minute":1}\n' * 30
    records = [record(number, trace) for number in range(500)]
    begun = time.process_time()
    with Writer(directory) as writer:
        for item in records:
            writer.submit(item, trace)
    assert (time.process_time() - begun) / len(records) < 0.002
