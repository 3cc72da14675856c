"""Named populations on disk: built on first use, kept in the user's cache directory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from bedside.fhir_server.bulk import Line
from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.snapshot import Snapshot, build, open_snapshot
from bedside.scenarios.hospital import SEED, SIZES, charts_of
from bedside.scenarios.hospital.resources import people_at_work
from bedside.scenarios.synthetic import TODAY

__all__ = ["folder", "lines", "opened"]

_NO_RECIPE = ("plots.py", "report.py", "store.py")
_LIVES = 10
"""Lives that a process makes at once."""


def opened(
    name: str, on_progress: Callable[[int], None] | None = None, *, workers: int = 1
) -> Snapshot:
    """A named population, built first if it is not there.

    Args:
        name: one of `SIZES`.
        on_progress: told from time to time how many resources are done.
        workers: processes that build it. More than one import the caller's main module again, so
            that it must guard what it does by ``if __name__ == "__main__"``.

    Raises:
        PopulationError: it cannot be written or read.
    """
    place = folder(name)
    if not place.exists():
        build(lines(name, workers=workers), place, workers=workers, on_progress=on_progress)
    return open_snapshot(place)


def folder(name: str) -> Path:
    """Where a named population is kept; another recipe has another folder."""
    from platformdirs import user_cache_path

    return user_cache_path("bedside") / "populations" / f"{name}-{_recipe(name)}"


def lines(name: str, *, workers: int = 1) -> Iterator[Line]:
    """The resources of a named population, made by several processes if so asked."""
    size = SIZES[name]
    yield from (_line(name, resource) for resource in people_at_work())
    if workers == 1 or not size.admitted:
        yield from _made(name, range(size.patients))
        return
    starts = range(0, size.patients, _LIVES)
    parts = [range(low, min(low + _LIVES, size.patients)) for low in starts]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for made in pool.map(partial(_made, name), parts):
            yield from made


def _made(name: str, numbers: range) -> list[Line]:
    """The charts of these lives."""
    return [_line(name, resource) for resource in charts_of(SIZES[name], numbers)]


def _line(name: str, resource: dict[str, Any]) -> Line:
    return Line(encode(resource), name)


def _recipe(name: str) -> str:
    """A hash of all that decides what the population is: size, seed, data and code."""
    hasher = hashlib.sha256(msgspec.json.encode((name, SIZES[name], SEED, TODAY)))
    package = resources.files("bedside.scenarios")
    for place in ("hospital", "data/hospital", "data/consult/people.toml"):
        found = package.joinpath(place)
        files = [found] if found.is_file() else sorted(found.iterdir(), key=lambda file: file.name)
        for file in files:
            if file.name.endswith((".py", ".toml")) and file.name not in _NO_RECIPE:
                hasher.update(file.read_bytes())
    return hasher.hexdigest()[:12]
