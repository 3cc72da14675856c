"""An open snapshot: a population whose resources are read from the disk when they are used."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bedside.core.errors import PopulationError
from bedside.fhir_server.clauses import Clause
from bedside.fhir_server.jsontext import Json, decode
from bedside.fhir_server.parameters import STANDARD, Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.snapshot.layout import Manifest, column, hash_key, read_manifest
from bedside.fhir_server.values import FOREVER, Key, Range

__all__ = ["Snapshot", "open_snapshot"]

_NANOSECONDS = 1000
_LATEST = 2**62
_EVER = FOREVER // _NANOSECONDS
_BATCH = 4096


def open_snapshot(folder: Path) -> Snapshot:
    """Open a snapshot; its manifest and the sizes of its files are checked, nothing else is read.

    Raises:
        PopulationError: the folder is no snapshot that can be used.
    """
    return Snapshot(folder, read_manifest(folder))


class Snapshot:
    """A population on disk, to be used as a :class:`population.Population` is.

    Attributes:
        manifest: what it holds.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = folder
        self._types: dict[str, _Type] = {}

    @property
    def digest(self) -> str:
        """The content's hash."""
        return self.manifest.digest

    def __len__(self) -> int:
        return self.manifest.count

    def __iter__(self) -> Iterator[Record]:
        for type in self.manifest.types:
            yield from self.of_type(type)

    def has(self, type: str) -> bool:
        """Whether there is any resource of a type."""
        return type in self.manifest.types

    def get(self, type: str, id: str) -> Record | None:
        """The resource, or None."""
        rows = self._type(type)
        return None if rows is None else rows.get(id)

    def of_type(self, type: str) -> Iterable[Record]:
        """All resources of a type, by id."""
        rows = self._type(type)
        return () if rows is None else rows.every()

    def find(self, type: str, clauses: Sequence[Clause]) -> list[Record]:
        """The resources of a type that meet every clause, by id."""
        rows = self._type(type)
        return [] if rows is None else rows.find(clauses)

    def _type(self, type: str) -> _Type | None:
        found = self._types.get(type)
        if found is None and type in self.manifest.types:
            found = self._types[type] = _Type(self._folder, type, self.manifest)
        return found


class _Type:
    """The resources of one type: a file of JSON, and columns that are mapped when first used."""

    def __init__(self, folder: Path, type: str, manifest: Manifest) -> None:
        entry = manifest.types[type]
        self._folder = folder
        self.type = type
        self.count = entry.count
        self._keyed = frozenset(entry.keyed)
        self._dated = frozenset(entry.dated)
        self._columns: dict[str, Any] = {}
        path = folder / f"{type}.json"
        try:
            with path.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise PopulationError(f"cannot read {path}: {error}; build it again") from None

    def column(self, name: str) -> Any:
        found = self._columns.get(name)
        if found is None:
            try:
                found = column(self._folder, self.type, name)
            except (OSError, ValueError, EOFError) as error:
                path = self._folder / f"{self.type}.{name}.npy"
                raise PopulationError(f"cannot read {path}: {error}; build it again") from None
            self._columns[name] = found
        return found

    @cached_property
    def offsets(self) -> Any:
        return self.column("offsets")

    @cached_property
    def ids(self) -> Any:
        return self.column("ids")

    def get(self, id: str) -> Record | None:
        row = self.row(id)
        return None if row < 0 else self._records(np.array([row]))[0]

    def row(self, id: str) -> int:
        """The row of an id, or -1."""
        wanted = id.encode(errors="surrogatepass")
        row = bisect_left(self.ids, wanted)
        return row if row < self.count and self.ids[row] == wanted else -1

    def every(self) -> Iterator[Record]:
        for low in range(0, self.count, _BATCH):
            yield from self._records(np.arange(low, min(low + _BATCH, self.count)))

    def text(self, start: int, end: int) -> bytes:
        return self._text[start:end]

    def _records(self, rows: Any) -> list[_Row]:
        ids = self.ids[rows].tolist()
        starts, ends = self.offsets[rows].tolist(), self.offsets[rows + 1].tolist()
        return [
            _Row(self, id.decode(), start, end)
            for id, start, end in zip(ids, starts, ends, strict=True)
        ]

    def find(self, clauses: Sequence[Clause]) -> list[Record]:
        postings = []
        tests = []
        for clause in clauses:
            rows = self._having(clause)
            if rows is None:
                tests.append(clause.test)
            else:
                postings.append(rows)
                if not clause.exact_keys:
                    tests.append(clause.test)
        rows = _together(postings)
        for clause in clauses:
            rows = self._within(clause, rows)
        if rows is None:
            records: Iterable[Record] = self.every()
        else:
            found = self._records(rows)
            for clause in clauses:
                if clause.span is not None and self._is_dated(clause.param):
                    self._date(found, rows, clause.param)
            records = found
        if not tests:
            return list(records)
        return [record for record in records if all(test(record) for test in tests)]

    def _is_dated(self, param: Param) -> bool:
        return param.name in self._dated and STANDARD.of(self.type).get(param.name) is param

    def _date(self, records: list[_Row], rows: Any, param: Param) -> None:
        """Give records their values of a date parameter from its columns, unparsed."""
        lows = self.column(f"{param.name}.low")[rows].tolist()
        highs = self.column(f"{param.name}.high")[rows].tolist()
        for record, low, high in zip(records, lows, highs, strict=True):
            record.give(param, () if low == _LATEST else (_range(low, high),))

    def _having(self, clause: Clause) -> Any:
        """The rows with one of a clause's keys, in order; None where no index tells."""
        param, keys = clause.param, clause.keys
        if not keys or STANDARD.of(self.type).get(param.name) is not param:
            return None
        if param.name == "_id":
            found = {self.row(str(id)) for _, id in keys}
            return np.array(sorted(row for row in found if row >= 0), dtype=np.uint32)
        if param.name not in self._keyed:
            return np.empty(0, dtype=np.uint32)
        parts = [self._posting(param.name, key) for key in keys]
        return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))

    def _posting(self, name: str, key: Key) -> Any:
        keys = self.column(f"{name}.keys")
        wanted = hash_key(key)
        at = bisect_left(keys, wanted)
        if at == len(keys) or keys[at] != wanted:
            return np.empty(0, dtype=np.uint32)
        starts = self.column(f"{name}.starts")
        return self.column(f"{name}.rows")[int(starts[at]) : int(starts[at + 1])]

    def _within(self, clause: Clause, rows: Any) -> Any:
        """The rows whose date overlaps a clause's span, as far as a column tells."""
        param, span = clause.param, clause.span
        if span is None or not self._is_dated(param):
            return rows
        low, high = self.column(f"{param.name}.low"), self.column(f"{param.name}.high")
        if rows is not None:
            low, high = low[rows], high[rows]
        inside = (low <= span[1] // _NANOSECONDS + 1) & (high >= span[0] // _NANOSECONDS)
        return np.flatnonzero(inside) if rows is None else rows[inside]


class _Row(Record):
    """A resource of a snapshot; its JSON is parsed when something of it is asked for."""

    __slots__ = ("_end", "_json", "_source", "_start")

    def __init__(self, source: _Type, id: str, start: int, end: int) -> None:
        self.type = source.type
        self.id = id
        self._source = source
        self._start = start
        self._end = end
        self._json: Json | None = None
        self._values = {}

    @property
    def data(self) -> bytes:  # type: ignore[override]
        return self._source.text(self._start, self._end)

    @property
    def resource(self) -> Json:  # type: ignore[override]
        if self._json is None:
            self._json = decode(self.data)
        return self._json

    @property
    def version(self) -> int:  # type: ignore[override]
        if self._json is None and b'"versionId"' not in self.data:
            return 1
        version = self.resource.get("meta", {}).get("versionId", "1")
        return int(version) if version.isascii() and version.isdigit() else 1

    @property
    def updated(self) -> str:
        if self._json is None and b'"lastUpdated"' not in self.data:
            return ""
        return super().updated

    def give(self, param: Param, values: tuple[Any, ...]) -> None:
        """Keep its values under a parameter."""
        self._values[param] = values


def _together(postings: list[Any]) -> Any:
    """The rows that are in every posting, smallest first; None without any."""
    if not postings:
        return None
    first, *others = sorted(postings, key=len)
    for other in others:
        at = np.minimum(other.searchsorted(first), max(len(other) - 1, 0))
        first = first[other[at] == first] if len(other) else other
    return first


def _range(low: int, high: int) -> Range:
    """A range from its columns, where what is before or after all time is cut short."""
    return Range(
        low * _NANOSECONDS if low > -_EVER else -FOREVER,
        high * _NANOSECONDS if high < _EVER else FOREVER,
    )
