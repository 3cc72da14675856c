"""Immutable layers of resources: the shared population, and a case's own start of chart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

from bedside.core.errors import CaseError
from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import Json, decode, encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import Param
from bedside.fhir_server.values import Key

if TYPE_CHECKING:
    from bedside.fhir_server.clauses import Clause

__all__ = ["BASE", "ID", "Layer", "Population", "Record", "Resources", "StartLayer"]

BASE = "https://bedside.dev/fhir"
"""What ``fullUrl`` and links are relative to."""

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""A FHIR id."""


class Record:
    """One version of one resource.

    Attributes:
        type: resource type.
        id: resource id.
        resource: parsed, decimals as :class:`decimal.Decimal`; shared, do not change.
        data: its JSON as stored and returned.
        version: 1 for a resource that says nothing of its version.
    """

    __slots__ = ("_values", "data", "id", "resource", "type", "version")

    def __init__(self, resource: Json, data: bytes) -> None:
        self.type: str = resource["resourceType"]
        self.id: str = resource["id"]
        self.resource = resource
        self.data = data
        version = resource.get("meta", {}).get("versionId", "1")
        self.version = int(version) if version.isascii() and version.isdigit() else 1
        self._values: dict[Param, tuple[Any, ...]] = {}

    @property
    def updated(self) -> str:
        """When it was last changed, as a FHIR instant; "" if it does not say."""
        return str(self.resource.get("meta", {}).get("lastUpdated", ""))

    def values(self, param: Param) -> tuple[Any, ...]:
        """The resource's values under a search parameter."""
        try:
            return self._values[param]
        except KeyError:
            found = self._values[param] = param.values(self.resource)
            return found


Records = Mapping[str, Mapping[str, Record]]


class Resources(Protocol):
    """What a population is to a chart: a :class:`Population` in memory, or a snapshot on disk."""

    @property
    def digest(self) -> str:
        """A hash of its content."""

    def __len__(self) -> int: ...

    def has(self, type: str) -> bool:
        """Whether there is any resource of a type."""

    def get(self, type: str, id: str) -> Record | None:
        """The resource, or None."""

    def of_type(self, type: str) -> Iterable[Record]:
        """All resources of a type."""

    def find(self, type: str, clauses: Sequence[Clause]) -> Sequence[Record]:
        """The resources of a type that meet every clause."""


class Layer:
    """An immutable set of resources with an index per (type, token or reference parameter).

    An index is built when it is first asked for; the layer then keeps it.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._indexes: dict[tuple[str, Param], dict[Key, tuple[Record, ...]]] = {}

    @classmethod
    def of(cls, resources: Iterable[Mapping[str, Any]]) -> Self:
        """The layer that holds a copy of `resources`, in their order.

        Raises:
            CaseError: a resource has no served type, no valid id, is no JSON, or comes twice.
        """
        records: dict[str, dict[str, Record]] = {}
        for number, resource in enumerate(resources):
            record = _record(resource, number)
            of_type = records.setdefault(record.type, {})
            if of_type.setdefault(record.id, record) is not record:
                raise CaseError(
                    f"resource {number}: {record.type}/{record.id} is there twice; drop one"
                )
        return cls(records)

    def get(self, type: str, id: str) -> Record | None:
        """The resource, or None."""
        of_type = self._records.get(type)
        return None if of_type is None else of_type.get(id)

    def of_type(self, type: str) -> Iterable[Record]:
        """All resources of a type, in order."""
        return self._records.get(type, {}).values()

    def has(self, type: str) -> bool:
        """Whether there is any resource of a type."""
        return type in self._records

    def find(self, type: str, clauses: Sequence[Clause]) -> list[Record]:
        """The resources of a type that meet every clause, in order."""
        if type not in self._records:
            return []
        lookup = min(
            (clause for clause in clauses if clause.keys),
            key=lambda clause: (clause.param.name != "_id", clause.param.kind != "reference"),
            default=None,
        )
        if lookup is None:
            candidates = self.of_type(type)
            tests = [clause.test for clause in clauses]
        else:
            candidates = self._having(type, lookup.param, lookup.keys)
            tests = [c.test for c in clauses if c is not lookup or not c.exact_keys]
        if not tests:
            return list(candidates)
        return [record for record in candidates if all(test(record) for test in tests)]

    def _having(self, type: str, param: Param, keys: tuple[Key, ...]) -> Iterable[Record]:
        if param.name == "_id":
            found = (self.get(type, id or "") for _, id in keys)
            return [record for record in found if record is not None]
        index = self._indexes.get((type, param))
        if index is None:
            index = self._indexes[type, param] = self._index(type, param)
        if len(keys) == 1:
            return index.get(keys[0], ())
        return {record.id: record for key in keys for record in index.get(key, ())}.values()

    def _index(self, type: str, param: Param) -> dict[Key, tuple[Record, ...]]:
        postings: dict[Key, dict[str, Record]] = {}
        for record in self.of_type(type):
            for key in record.values(param):
                postings.setdefault(key, {})[record.id] = record
        return {key: tuple(found.values()) for key, found in postings.items()}

    def __iter__(self) -> Iterator[Record]:
        for of_type in self._records.values():
            yield from of_type.values()

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))


class Population(Layer):
    """The resources that all charts share."""

    @cached_property
    def digest(self) -> str:
        """sha256 over type, id and JSON of every resource, whatever their order."""
        hasher = hashlib.sha256()
        for type in sorted(self._records):
            for _, record in sorted(self._records[type].items()):
                hasher.update(record.data)
                hasher.update(b"\n")
        return hasher.hexdigest()


class StartLayer(Layer):
    """What a case's chart holds at the start, over the population."""


def _record(resource: Mapping[str, Any], number: int) -> Record:
    where = f"resource {number}"
    type, id = resource.get("resourceType"), resource.get("id")
    if type not in definitions.resource_types():
        raise CaseError(f"{where}: resourceType is {type!r}, which is no resource type of R4")
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise CaseError(
            f"{where}: id of {type} is {id!r}; give 1 to 64 letters, digits, '-' or '.'"
        )
    try:
        data = encode(resource)
        return Record(decode(data), data)
    except (AttributeError, TypeError, ValueError, RecursionError, Refusal) as error:
        raise CaseError(f"{where}: {type}/{id} cannot be stored: {error}") from None
