"""The command line, as a stranger types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def bedside(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bedside", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_run_show_score_board(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    done = bedside("run", "--doctor", "oracle", "--limit", "3", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)["records"]
    assert [record["success"] for record in records] == [True] * 3
    name = f"{records[0]['case']}-0"
    assert "Assessor's sheet" in bedside("show", out, name).stdout
    assert "every number is equal" in bedside("score", out).stdout
    page = tmp_path / "board.html"
    ranked = bedside("board", "show", out, "--html", str(page))
    assert "Floors and ceiling" in ranked.stdout
    assert page.read_text().startswith("<!doctype html>".upper()) or "<html" in page.read_text()


def test_a_changed_byte_is_reported(tmp_path: Path) -> None:
    out = tmp_path / "run"
    bedside("run", "--doctor", "nothing", "--limit", "2", "--out", str(out))
    trace = next((out / "traces").iterdir())
    trace.write_bytes(trace.read_bytes().replace(b'"turn":1', b'"turn":2'))
    scored = bedside("score", str(out))
    assert scored.returncode == 1
    assert "was changed" in scored.stdout


def test_floors_as_json() -> None:
    rows = json.loads(bedside("floors", "consult", "--json").stdout)["rows"]
    success = {row["doctor"]: row["success"] for row in rows}
    assert success["oracle"] == 1.0
    assert success["nothing"] == 0.0
    assert all(len(row["ci"]) == 2 for row in rows)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("run", "--doctor", "orcale"), "Did you mean 'oracle'?"),
        (("run", "--suite", "consul"), "there is no suite 'consul'"),
        (("run", "--suite", "agentclinic:nowhere.jsonl"), "nowhere.jsonl"),
        (("run", "--doctor", "missing.py:X"), "does not exist"),
        (("run", "--doctor-arg", "x"), "is not of the form k=v"),
        (("show", "nowhere"), "is no run directory"),
        (("check", "nowhere"), "is no file, nor a suite"),
    ],
)
def test_a_mistake_is_told_in_one_clear_line(args: tuple[str, ...], says: str) -> None:
    done = bedside(*args)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_in_the_docs_is_current() -> None:
    stored = json.loads((ROOT / "docs" / "case.schema.json").read_text())
    assert stored == json.loads(bedside("schema").stdout)
