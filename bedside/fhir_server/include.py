"""What a search brings along: the resources its matches refer to, and those that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bedside.fhir_server import definitions
from bedside.fhir_server.clauses import Store
from bedside.fhir_server.parameters import Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.query import Include, Query
from bedside.fhir_server.referring import referred_to, refers_to

__all__ = ["included"]


def included(store: Store, query: Query, matches: Sequence[Record]) -> list[Record]:
    """The resources to bring along with some matches, each once, none of them a match."""
    seen = {(record.type, record.id) for record in matches}
    found: list[Record] = []
    latest: Sequence[Record] = matches
    first = True
    while latest:
        new = []
        for record in _round(store, query, latest, first):
            if (record.type, record.id) not in seen:
                seen.add((record.type, record.id))
                new.append(record)
        found += new
        latest, first = new, False
    return found


def _round(store: Store, query: Query, records: Sequence[Record], first: bool) -> Iterator[Record]:
    for include in query.included:
        if first or include.iterate:
            yield from _referred_to(store, include, records)
    for include in query.revincluded:
        if first or include.iterate:
            yield from _referring(store, include, records)


def _referred_to(store: Store, include: Include, records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        if include.type in ("", record.type):
            for param in _references(store, record.type, include.name):
                yield from referred_to(store, param, record, include.target)


def _referring(store: Store, include: Include, records: Sequence[Record]) -> Iterator[Record]:
    targets = [record for record in records if include.target in ("", record.type)]
    if not targets:
        return
    for type in [include.type] if include.type else definitions.resource_types():
        for param in _references(store, type, include.name):
            yield from store.find(type, (refers_to(param, targets),))


def _references(store: Store, type: str, name: str) -> Iterator[Param]:
    of_type = store.parameters.of(type)
    if name:
        if name in of_type:
            yield of_type[name]
        return
    for each in of_type.values():
        if each.kind == "reference":
            yield each
