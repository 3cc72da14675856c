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


LOUD = """
from bedside.agents.base import Doctor

class Loud(Doctor):
    def act(self, observation):
        return "\\x1b[2J\\x1b]0;owned\\x07 Hello \\u202e"

class Rude(Doctor):
    def act(self, observation):
        raise ValueError("\\x1b[2J")
"""


def test_a_doctor_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "loud.py"
    file.write_text(LOUD)
    out = str(tmp_path / "run")
    bedside("run", "--doctor", f"{file}:Loud", "--limit", "1", "--out", out)
    name = json.loads(bedside("show", out, "--json").stdout)[0]["case"]
    shown = bedside("show", out, name).stdout
    assert r"\x1b[2J\x1b]0;owned\x07 Hello \u202e" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    rude = bedside("run", "--doctor", f"{file}:Rude", "--limit", "1", "--out", f"{out}2")
    assert rude.returncode == 2
    assert r"\x1b[2J" in rude.stderr


def test_a_cut_run_is_not_called_whole(tmp_path: Path) -> None:
    out = tmp_path / "run"
    bedside("run", "--doctor", "nothing", "--limit", "3", "--out", str(out))
    index = out / "index.jsonl"
    index.write_bytes(index.read_bytes().splitlines(keepends=True)[0])
    scored = bedside("score", str(out))
    assert scored.returncode == 0
    assert "1 of 3 planned encounters" in scored.stdout
    index.unlink()
    assert bedside("score", str(out)).returncode == 2


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
        (("run", "--trials", "1000000000"), "lower 'trials'"),
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
