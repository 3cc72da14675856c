"""Immutable layers of resources: the shared population, and a case's own start of chart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from bedside.core.errors import CaseError
from bedside.fhir_server.jsontext import Json, decode, encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import PARAMETERS, TYPES, Param
from bedside.fhir_server.values import Key

__all__ = ["BASE", "ID", "Layer", "Population", "Record", "StartLayer"]

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

    __slots__ = ("_entry", "_values", "data", "id", "resource", "type", "version")

    def __init__(self, resource: Json, data: bytes) -> None:
        self.type: str = resource["resourceType"]
        self.id: str = resource["id"]
        self.resource = resource
        self.data = data
        version = resource.get("meta", {}).get("versionId", "1")
        self.version = int(version) if version.isascii() and version.isdigit() else 1
        self._values: dict[Param, tuple[Any, ...]] = {}
        self._entry: bytes | None = None

    def values(self, param: Param) -> tuple[Any, ...]:
        """The resource's values under a search parameter."""
        try:
            return self._values[param]
        except KeyError:
            found = self._values[param] = param.values(self.resource)
            return found

    @property
    def entry(self) -> bytes:
        """The resource as an entry of a searchset Bundle."""
        if self._entry is None:
            self._entry = b'{"fullUrl":"%b/%b/%b","resource":%b,"search":{"mode":"match"}}' % (
                BASE.encode(), self.type.encode(), self.id.encode(), self.data
            )  # fmt: skip
        return self._entry


Records = Mapping[str, Mapping[str, Record]]


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

    def having(self, type: str, param: Param, keys: tuple[Key, ...]) -> Iterable[Record]:
        """The resources of a type that have any of the keys under a token or reference param."""
        index = self._indexes.get((type, param))
        if index is None:
            index = self._indexes[type, param] = self._index(type, param)
        if len(keys) == 1:
            return index.get(keys[0], ())
        found = {record.id: record for key in keys for record in index.get(key, ())}
        return found.values()

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
    if type not in PARAMETERS:
        raise CaseError(f"{where}: resourceType is {type!r}; served are {', '.join(TYPES)}")
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise CaseError(
            f"{where}: id of {type} is {id!r}; give 1 to 64 letters, digits, '-' or '.'"
        )
    try:
        data = encode(resource)
        return Record(decode(data), data)
    except (AttributeError, TypeError, ValueError, RecursionError, Refusal) as error:
        raise CaseError(f"{where}: {type}/{id} cannot be stored: {error}") from None
