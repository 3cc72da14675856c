"""What refers to what: by type and id, or by a canonical address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from bedside.fhir_server import definitions
from bedside.fhir_server.clauses import Clause, Store
from bedside.fhir_server.parameters import Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.values import Key

__all__ = ["referred_to", "refers_to"]

Address = tuple[str, str]
"""Canonical address and version; the version is "" where none is said."""


def refers_to(param: Param, records: Sequence[Record]) -> Clause:
    """The clause that what refers to one of some resources meets."""
    keys: tuple[Key, ...] = tuple((record.type, record.id) for record in records)
    wanted = frozenset(keys)
    if not param.canonical:
        return Clause(
            param, lambda record: not wanted.isdisjoint(record.values(param)), keys, bool(keys)
        )
    addresses = frozenset(address for record in records for address in _addresses(record))
    urls = tuple({(None, url): None for url, _ in sorted(addresses)})

    def test(record: Record) -> bool:
        return not (
            wanted.isdisjoint(record.values(param)) and addresses.isdisjoint(_named(param, record))
        )

    return Clause(param, test, (*keys, *urls))


def referred_to(store: Store, param: Param, record: Record, type: str = "") -> Iterator[Record]:
    """The resources there are that one refers to, of a type, or with "" of any.

    An address without a version means every version that is stored under it.
    """
    for kind, id in record.values(param):
        if kind and id and type in ("", kind):
            target = store.get(kind, id)
            if target is not None:
                yield target
    if param.canonical:
        wanted = frozenset(_named(param, record))
        for each in (type,) if type else param.targets or _canonical_types():
            yield from _with_address(store, each, wanted)


def _with_address(store: Store, type: str, wanted: frozenset[Address]) -> Iterable[Record]:
    if not wanted or type not in _canonical_types():
        return ()
    return (each for each in store.find(type, ()) if not wanted.isdisjoint(_addresses(each)))


@cache
def _canonical_types() -> tuple[str, ...]:
    """The types whose resources have canonical addresses."""
    types = definitions.resource_types()
    return tuple(type for type in types if "url" in definitions.elements(type))


def _addresses(record: Record) -> tuple[Address, ...]:
    """What a canonical address of a resource may be."""
    url = record.resource.get("url")
    if not isinstance(url, str):
        return ()
    version = record.resource.get("version")
    return ((url, ""), (url, version)) if isinstance(version, str) else ((url, ""),)


def _named(param: Param, record: Record) -> Iterator[Address]:
    """The canonical addresses that a resource has."""
    for node in param.nodes(record.resource):
        if isinstance(node, str):
            url, _, version = node.partition("#")[0].partition("|")
            yield url, version
