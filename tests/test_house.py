"""The layout of the house: imports point one way, modules stay small, nothing loads early."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "bedside"
ROOMS = [
    {"core"},
    {"fhir_server"},
    {"scenarios"},
    {"agents", "patients"},
    {"envs"},
    {"runs"},
    {"leaderboard"},
    {"console"},
    {"console_fidelity"},
    {"cli_ehr", "cli_suites"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "bedside":
            rooms.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bedside."):
            rooms.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            rooms.update(a.name.split(".")[1] for a in node.names if a.name.startswith("bedside."))
    return rooms & set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for other in imported_rooms(path) - {room}:
        assert LEVEL[other] < LEVEL[room], f"{room} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in run.stdout.splitlines()[-1].split()}


def test_import_loads_gymnasium_and_nothing_heavy() -> None:
    loaded = loaded_by(
        "import bedside, gymnasium; assert 'bedside/Consult-v0' in gymnasium.registry"
    )
    assert "gymnasium" in loaded
    assert not loaded & {"litellm", "fhir", "fastapi", "networkx", "openai", "rich", "jinja2"}
    assert not loaded & {"pydantic", "simple_icd_10_cm", "rapidfuzz", "msgspec"}


def test_command_line_loads_nothing_heavy() -> None:
    loaded = loaded_by("import sys; sys.argv = ['bedside']; import bedside.cli")
    assert not loaded & {"gymnasium", "numpy", "litellm", "fhir", "fastapi", "networkx", "pydantic"}
