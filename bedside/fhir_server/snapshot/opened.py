"""An open snapshot: a population whose resources are read from the disk when they are used."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, reduce
from operator import or_
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from bedside.core.errors import PopulationError
from bedside.fhir_server.clauses import Clause
from bedside.fhir_server.jsontext import Json, decode
from bedside.fhir_server.matchers import DateMatch
from bedside.fhir_server.parameters import STANDARD, Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.snapshot.layout import (
    EVER,
    UNIT,
    Manifest,
    column,
    hash_key,
    read_manifest,
)
from bedside.fhir_server.values import Key, Range

__all__ = ["Snapshot", "open_snapshot"]

_BATCH = 4096
_POSTINGS = 4096
_BITMAPS = 64
"""Bitmaps kept; of a million resources each takes 125 kB."""
_MANY = 64
"""Rows from which on a bitmap finds those that are in a long posting faster than a search does."""
_LONG = 4096


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

    def find(self, type: str, clauses: Sequence[Clause]) -> Sequence[Record]:
        """The resources of a type that meet every clause, by id."""
        rows = self._type(type)
        return [] if rows is None else rows.find(clauses)

    def _type(self, type: str) -> _Type | None:
        found = self._types.get(type)
        if found is None and type in self.manifest.types:
            found = self._types[type] = _Type(self._folder, type, self.manifest)
        return found


_Dated = tuple[tuple[DateMatch, ...], Any, Any]
"""Comparisons of which one is to hold, and from when to when each resource's date is."""


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
        self._dates: dict[Param, tuple[Any, Any] | None] = {}
        self._with = lru_cache(maxsize=_POSTINGS)(self._find_posting)
        self._bitmap = lru_cache(maxsize=_BITMAPS)(self._make_bitmap)
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
        return None if row < 0 else self.records(np.array([row]))[0]

    def row(self, id: str) -> int:
        """The row of an id, or -1."""
        wanted = id.encode(errors="surrogatepass")
        row = bisect_left(self.ids, wanted)
        return row if row < self.count and self.ids[row] == wanted else -1

    def every(self) -> Iterator[Record]:
        for low in range(0, self.count, _BATCH):
            yield from self.records(np.arange(low, min(low + _BATCH, self.count)))

    def text(self, row: int) -> bytes:
        return self._text[self.offsets.item(row) : self.offsets.item(row + 1)]

    def records(self, rows: Any) -> list[_Row]:
        ids = self.ids[rows].tolist()
        return [_Row(self, row, id.decode()) for row, id in zip(rows.tolist(), ids, strict=True)]

    def find(self, clauses: Sequence[Clause]) -> Sequence[Record]:
        keyed: list[_Posting] = []
        dated: list[_Dated] = []
        tests = []
        for clause in clauses:
            posting = self._having(clause)
            if posting is not None:
                keyed.append(posting)
                if not clause.exact_keys:
                    tests.append(clause.test)
                continue
            columns = self.dates(clause.param) if clause.dates else None
            if columns is not None and all(date.fits(UNIT) for date in clause.dates):
                dated.append((clause.dates, *columns))
            else:
                tests.append(clause.test)
        rows = self._rows(keyed, dated) if keyed or dated else np.arange(self.count)
        records = _Found(self, rows)
        return (
            records
            if not tests
            else [record for record in records if all(test(record) for test in tests)]
        )

    def dates(self, param: Param) -> tuple[Any, Any] | None:
        """From when to when each resource's only date under a parameter is, if a column tells."""
        try:
            return self._dates[param]
        except KeyError:
            name = param.name
            known = name in self._dated and STANDARD.of(self.type).get(name) is param
            columns = (self.column(f"{name}.low"), self.column(f"{name}.high")) if known else None
            return self._dates.setdefault(param, columns)

    def _rows(self, keyed: list[_Posting], dated: list[_Dated]) -> Any:
        """The rows that are in every posting and have the dates asked for."""
        keyed.sort(key=lambda posting: len(posting.rows))
        rows = keyed[0].rows if keyed else None
        for other in keyed[1:]:
            rows = self._among(rows, other)
        for dates, lows, highs in dated:
            if rows is not None:
                lows, highs = lows[rows], highs[rows]
            inside = reduce(or_, [date.among(lows, highs, UNIT) for date in dates])
            inside &= lows != EVER
            rows = np.flatnonzero(inside) if rows is None else rows[inside]
        return rows

    def _among(self, rows: Any, other: _Posting) -> Any:
        """Those of some rows that are in another posting."""
        if len(rows) >= _MANY and len(other.rows) >= _LONG and other.key:
            bits = self._bitmap(*other.key)
            return rows[(bits[rows >> 3] >> (rows & 7)) & 1 == 1]
        if not len(other.rows):
            return other.rows
        at = np.minimum(other.rows.searchsorted(rows), len(other.rows) - 1)
        return rows[other.rows[at] == rows]

    def _make_bitmap(self, name: str, key: Key) -> Any:
        """A bit for each row: whether it has a key."""
        marked = np.zeros(self.count, dtype=bool)
        marked[self._with(name, key)] = True
        return np.packbits(marked, bitorder="little")

    def _having(self, clause: Clause) -> _Posting | None:
        """The rows with one of a clause's keys; None where no index tells."""
        param, keys = clause.param, clause.keys
        if not keys or STANDARD.of(self.type).get(param.name) is not param:
            return None
        if param.name == "_id":
            found = {self.row(str(id)) for _, id in keys}
            return _Posting(np.array(sorted(row for row in found if row >= 0), dtype=np.uint32))
        if param.name not in self._keyed:
            return _Posting(np.empty(0, dtype=np.uint32))
        if len(keys) == 1:
            return _Posting(self._with(param.name, keys[0]), (param.name, keys[0]))
        parts = [self._with(param.name, key) for key in keys]
        return _Posting(np.unique(np.concatenate(parts)))

    def _find_posting(self, name: str, key: Key) -> Any:
        keys = self.column(f"{name}.keys")
        wanted = hash_key(key)
        at = bisect_left(keys, wanted)
        if at == len(keys) or keys[at] != wanted:
            return np.empty(0, dtype=np.uint32)
        starts = self.column(f"{name}.starts")
        return self.column(f"{name}.rows")[int(starts[at]) : int(starts[at + 1])]


class _Posting(NamedTuple):
    """The rows, in order, that have some keys; `key` names parameter and key where it is one."""

    rows: Any
    key: tuple[str, Key] | None = None


class _Found(Sequence[Record]):
    """Some rows of a type, in order; a resource is made when it is asked for."""

    __slots__ = ("_rows", "_source")

    def __init__(self, source: _Type, rows: Any) -> None:
        self._source = source
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        for low in range(0, len(self._rows), _BATCH):
            yield from self._source.records(self._rows[low : low + _BATCH])

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return self._source.records(self._rows[place])
        return self._source.records(self._rows[[place]])[0]


class _Row(Record):
    """A resource of a snapshot; its JSON is parsed when something of it is asked for."""

    __slots__ = ("_json", "_row", "_source")

    def __init__(self, source: _Type, row: int, id: str) -> None:
        self.type = source.type
        self.id = id
        self._source = source
        self._row = row
        self._json: Json | None = None
        self._values = {}

    @property
    def data(self) -> bytes:  # type: ignore[override]
        return self._source.text(self._row)

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

    def values(self, param: Param) -> tuple[Any, ...]:
        dates = self._source.dates(param)
        if dates is None:
            return super().values(param)
        low, high = dates[0].item(self._row), dates[1].item(self._row)
        return () if low == EVER else (Range(low * UNIT, high * UNIT),)
