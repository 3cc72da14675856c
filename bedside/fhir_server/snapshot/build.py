"""Building a snapshot: sort by id, then index in parallel, then name it."""

from __future__ import annotations

import hashlib
import mmap
import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from bedside.core.disk import sync
from bedside.core.errors import PopulationError
from bedside.core.lock import locked
from bedside.fhir_server import definitions
from bedside.fhir_server.bulk import Line
from bedside.fhir_server.jsontext import decode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import STANDARD
from bedside.fhir_server.population import ID
from bedside.fhir_server.snapshot.layout import (
    EVER,
    FORMAT,
    MANIFEST,
    UNIT,
    Manifest,
    TypeEntry,
    file_hash,
    hash_key,
)
from bedside.fhir_server.values import Key

__all__ = ["build", "checked_head"]

_ROWS = 20_000
"""Resources indexed by one task."""


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str = ""


class _Keys(NamedTuple):
    """The index of some rows: (hash, row) pairs of each keyed parameter, and dated columns."""

    keyed: dict[str, tuple[Any, Any]]
    dated: dict[str, tuple[Any, Any] | None]


def build(
    lines: Iterable[Line],
    target: Path,
    *,
    workers: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Write a snapshot of some resources.

    Args:
        lines: the resources in any order; each has a type, an id, and JSON as it is to be stored.
        target: the folder to make; an older snapshot there is replaced once the new one is whole.
        workers: processes that index.
        on_progress: told from time to time how many resources are indexed.

    Raises:
        PopulationError: a resource cannot be stored, or the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent, PopulationError, "another process is building a snapshot"):
            return _build(lines, target, workers, on_progress or (lambda done: None))
    except OSError as error:
        raise PopulationError(f"cannot write {target}: {error.strerror or error}") from None


def _build(
    lines: Iterable[Line], target: Path, workers: int, on_progress: Callable[[int], None]
) -> Manifest:
    if target.exists() and not (target / MANIFEST).exists():
        raise PopulationError(f"{target} is there and is no snapshot; choose another folder")
    work = target.with_name(f".{target.name}.building")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        counts = _sorted_by_id(lines, work)
        entries = _indexed(work, counts, workers, on_progress)
        manifest = _manifest(work, entries)
        (work / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        for path in [*work.iterdir(), work]:
            sync(path)
        if target.exists():
            old = target.with_name(f".{target.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
            work.rename(target)
            shutil.rmtree(old)
        else:
            work.rename(target)
        return manifest
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sorted_by_id(lines: Iterable[Line], work: Path) -> dict[str, int]:
    """Write each type's JSON, ids and offsets in the order of the ids; how many there are."""
    heaps: dict[str, _Heap] = {}
    for line in lines:
        head = checked_head(line)
        heap = heaps.get(head.resourceType)
        if heap is None:
            heap = heaps[head.resourceType] = _Heap(work, head.resourceType)
        heap.add(head.id, line)
    for heap in heaps.values():
        heap.sort()
    return {type: len(heap.ids) for type, heap in sorted(heaps.items())}


def checked_head(line: Line) -> _Head:
    """The type and id of a resource.

    Raises:
        PopulationError: it is no JSON, or has no type of R4 or no id.
    """
    try:
        head = msgspec.json.decode(line.text, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PopulationError(f"{line.origin}: this is no FHIR resource as JSON: {error}") from None
    if head.resourceType not in definitions.resource_types():
        raise PopulationError(
            f"{line.origin}: resourceType is {head.resourceType!r}, which is no resource type of R4"
        )
    if not ID.fullmatch(head.id):
        raise PopulationError(
            f"{line.origin}: id of the {head.resourceType} is {head.id!r}; give it 1 to 64 "
            "letters, digits, '-' or '.'"
        )
    return head


class _Heap:
    """The resources of a type as they come, in a file of their own."""

    def __init__(self, work: Path, type: str) -> None:
        self._path = work / f"{type}.heap"
        self._target = work / type
        self._type = type
        self._file = self._path.open("wb")
        self._starts = array("Q", [0])
        self.ids: list[str] = []

    def add(self, id: str, line: Line) -> None:
        self.ids.append(id)
        self._file.write(line.text)
        self._starts.append(self._starts[-1] + len(line.text))

    def sort(self) -> None:
        self._file.close()
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        ids = [self.ids[i] for i in order]
        for one, other in pairwise(ids):
            if one == other:
                raise PopulationError(f"{self._type}/{one} is there twice; drop one")
        starts = self._starts
        offsets = np.zeros(len(order) + 1, dtype=np.uint64)
        with (
            self._path.open("rb") as heap,
            mmap.mmap(heap.fileno(), 0, access=mmap.ACCESS_READ) as text,
            Path(f"{self._target}.json").open("wb") as out,
        ):
            for row, i in enumerate(order):
                out.write(text[starts[i] : starts[i + 1]])
                offsets[row + 1] = offsets[row] + np.uint64(starts[i + 1] - starts[i])
        self._path.unlink()
        np.save(f"{self._target}.offsets.npy", offsets)
        np.save(f"{self._target}.ids.npy", np.array([id.encode() for id in ids]))


def _indexed(
    work: Path, counts: dict[str, int], workers: int, on_progress: Callable[[int], None]
) -> dict[str, TypeEntry]:
    tasks = [
        (str(work), type, low, min(low + _ROWS, count))
        for type, count in counts.items()
        for low in range(0, count, _ROWS)
    ]
    parts: dict[str, list[_Keys]] = {type: [] for type in counts}
    done = 0
    for task, part in zip(tasks, _worked(tasks, workers), strict=True):
        parts[task[1]].append(part)
        done += task[3] - task[2]
        on_progress(done)
    return {type: _write_columns(work, type, counts[type], parts.pop(type)) for type in counts}


def _worked(tasks: list[tuple[str, str, int, int]], workers: int) -> Iterator[_Keys]:
    if workers < 2 or sum(high - low for _, _, low, high in tasks) <= _ROWS:
        yield from map(_index_rows, tasks)
        return
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(_index_rows, tasks)
    except BrokenProcessPool:
        raise PopulationError(
            "an indexing process ended early: memory ran out, or the script that builds does not "
            "keep its work under if __name__ == '__main__'"
        ) from None


def _index_rows(task: tuple[str, str, int, int]) -> _Keys:
    folder, type, low, high = task
    offsets = np.load(f"{folder}/{type}.offsets.npy", mmap_mode="r")
    params = [
        param
        for name, param in STANDARD.of(type).items()
        if param.kind in ("token", "reference", "date") and name != "_id"
    ]
    keyed = {p.name: (array("Q"), array("I")) for p in params if p.kind != "date"}
    dated: dict[str, tuple[array[int], array[int]] | None] = {
        p.name: (array("q"), array("q")) for p in params if p.kind == "date"
    }
    hashes: dict[Key, int] = {}
    with Path(f"{folder}/{type}.json").open("rb") as file:
        text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for row in range(low, high):
            resource = _resource(text[int(offsets[row]) : int(offsets[row + 1])], type)
            for param in params:
                absent = param.members and param.members.isdisjoint(resource)
                found = () if absent else param.values(resource)
                if param.kind == "date":
                    _add_date(dated, param.name, found)
                elif found:
                    to_hashes, to_rows = keyed[param.name]
                    for key in set(found):
                        hashed = hashes.get(key)
                        if hashed is None:
                            hashed = hashes[key] = hash_key(key)
                        to_hashes.append(hashed)
                        to_rows.append(row)
    return _Keys(
        {
            name: (np.frombuffer(h, dtype=np.uint64), np.frombuffer(r, dtype=np.uint32))
            for name, (h, r) in keyed.items()
            if h
        },
        {
            name: None
            if pair is None
            else (np.frombuffer(pair[0], dtype=np.int64), np.frombuffer(pair[1], dtype=np.int64))
            for name, pair in dated.items()
        },
    )


def _resource(text: bytes, type: str) -> Any:
    try:
        return decode(text)
    except Refusal as refusal:
        raise PopulationError(f"a {type} cannot be stored: {refusal}") from None


def _add_date(
    dated: dict[str, tuple[array[int], array[int]] | None], name: str, found: tuple[Any, ...]
) -> None:
    """Add a resource's date; a parameter with several, or finer than a microsecond, has none."""
    pair = dated[name]
    if pair is None:
        return
    if len(found) > 1 or (found and (found[0].low % UNIT or found[0].high % UNIT)):
        dated[name] = None
        return
    low, high = (found[0].low // UNIT, found[0].high // UNIT) if found else (EVER, -EVER)
    pair[0].append(low)
    pair[1].append(high)


def _write_columns(work: Path, type: str, count: int, parts: list[_Keys]) -> TypeEntry:
    keyed = sorted({name for part in parts for name in part.keyed})
    for name in keyed:
        pairs = [part.keyed[name] for part in parts if name in part.keyed]
        hashes = np.concatenate([pair[0] for pair in pairs])
        rows = np.concatenate([pair[1] for pair in pairs])
        order = np.lexsort((rows, hashes))
        keys, starts = np.unique(hashes[order], return_index=True)
        ends = np.append(starts, len(rows)).astype(np.uint64)
        np.save(work / f"{type}.{name}.keys.npy", keys)
        np.save(work / f"{type}.{name}.starts.npy", ends)
        np.save(work / f"{type}.{name}.rows.npy", rows[order])
    dated = []
    for name in parts[0].dated if parts else ():
        columns = [pair for part in parts if (pair := part.dated[name]) is not None]
        if len(columns) < len(parts) or all((low == EVER).all() for low, _ in columns):
            continue
        dated.append(name)
        np.save(work / f"{type}.{name}.low.npy", np.concatenate([low for low, _ in columns]))
        np.save(work / f"{type}.{name}.high.npy", np.concatenate([high for _, high in columns]))
    return TypeEntry(count, tuple(keyed), tuple(dated))


def _manifest(work: Path, entries: dict[str, TypeEntry]) -> Manifest:
    names = sorted(path.name for path in work.iterdir())
    content = hashlib.sha256()
    for type in sorted(entries):
        content.update(f"{type}\n".encode())
        content.update(bytes.fromhex(file_hash(work / f"{type}.json")))
        content.update(bytes.fromhex(file_hash(work / f"{type}.offsets.npy")))
    return Manifest(
        FORMAT,
        content.hexdigest(),
        entries,
        {name: (work / name).stat().st_size for name in names},
        {name: file_hash(work / name) for name in names},
    )
