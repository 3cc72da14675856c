"""The examples run as the README shows them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["my_doctor.py", "rollout.py"])
def test_the_readme_shows_the_example(name: str) -> None:
    assert (ROOT / "examples" / name).read_text().strip() in README


def test_the_rollout_runs() -> None:
    run = subprocess.run(
        [sys.executable, "examples/rollout.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "return " in run.stdout.splitlines()[-1]
