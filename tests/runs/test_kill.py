"""A run that is killed at any moment and resumed is the run that was never killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bedside.runs.records import Run
from bedside.runs.runner import run
from tests import run_samples
from tests.run_samples import killable


def content(directory: Path) -> tuple[dict[Any, Any], dict[str, bytes]]:
    records = Run(directory).records()
    index = {r.key: msgspec.structs.replace(r, timing=None) for r in records}
    assert len(index) == len(records)
    return index, {path.name: path.read_bytes() for path in (directory / "traces").iterdir()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("whole") / "r"
    run(killable(directory))
    return content(directory)


def kill_after(directory: Path, lines: int, delay: float) -> None:
    """Run in a process of its own and kill it once the index has so many lines."""
    process = subprocess.Popen([sys.executable, run_samples.__file__, str(directory)])
    index = directory / "index.jsonl"
    try:
        while process.poll() is None:
            if lines == 0 or (index.exists() and index.read_bytes().count(b"\n") >= lines):
                time.sleep(delay)
                break
            time.sleep(0.0005)
    finally:
        process.kill()
        process.wait()


def check(directory: Path, uninterrupted: Any, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(2):
        kill_after(directory, moments.randrange(1, 50), moments.uniform(0, 0.01))
    before = {record.key for record in Run(directory).records()}
    assert before
    summary = run(killable(directory))
    assert summary.resumed == len(before)
    assert content(directory) == uninterrupted


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_resumed(tmp_path: Path, uninterrupted: Any, seed: int) -> None:
    check(tmp_path / "r", uninterrupted, seed)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 120))
def test_killed_and_resumed_often(tmp_path: Path, uninterrupted: Any, seed: int) -> None:
    check(tmp_path / "r", uninterrupted, seed)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(20))
def test_killed_while_starting(tmp_path: Path, uninterrupted: Any, seed: int) -> None:
    kill_after(tmp_path / "r", 0, random.Random(seed).uniform(0.3, 1.2))
    run(killable(tmp_path / "r"))
    assert content(tmp_path / "r") == uninterrupted
