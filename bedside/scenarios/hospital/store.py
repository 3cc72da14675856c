"""Named populations on disk: built on first use, kept in the user's cache directory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import msgspec

from bedside.fhir_server.bulk import Line
from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.snapshot import Snapshot, build, open_snapshot
from bedside.scenarios.hospital import SEED, SIZES, charts

__all__ = ["folder", "lines", "opened"]


def opened(name: str, on_progress: Callable[[int], None] | None = None) -> Snapshot:
    """A named population, built first if it is not there.

    Args:
        name: one of `SIZES`.
        on_progress: told from time to time how many resources are done.

    Raises:
        PopulationError: it cannot be written or read.
    """
    place = folder(name)
    if not place.exists():
        build(lines(name), place, on_progress=on_progress)
    return open_snapshot(place)


def folder(name: str) -> Path:
    """Where a named population is kept; another recipe has another folder."""
    from platformdirs import user_cache_path

    return user_cache_path("bedside") / "populations" / f"{name}-{_recipe(name)}"


def lines(name: str) -> Iterator[Line]:
    """The resources of a named population."""
    return (Line(encode(resource), name) for resource in charts(SIZES[name]))


def _recipe(name: str) -> str:
    """A hash of all that decides what the population is: size, seed, data and code."""
    hasher = hashlib.sha256(msgspec.json.encode((name, SIZES[name], SEED)))
    package = resources.files("bedside.scenarios")
    for place in ("hospital", "data/hospital", "data/consult/people.toml"):
        found = package.joinpath(place)
        files = [found] if found.is_file() else sorted(found.iterdir(), key=lambda file: file.name)
        for file in files:
            if file.name.endswith((".py", ".toml")):
                hasher.update(file.read_bytes())
    return hasher.hexdigest()[:12]
