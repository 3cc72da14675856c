"""What a search brings along: the resources its matches refer to, and those that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bedside.fhir_server import definitions
from bedside.fhir_server.clauses import Clause, Store
from bedside.fhir_server.parameters import Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.query import Include, Query
from bedside.fhir_server.values import Key

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
                for type, id in record.values(param):
                    if type and id and include.target in ("", type):
                        target = store.get(type, id)
                        if target is not None:
                            yield target


def _referring(store: Store, include: Include, records: Sequence[Record]) -> Iterator[Record]:
    keys = tuple((record.type, record.id) for record in records)
    for type in [include.type] if include.type else definitions.resource_types():
        for param in _references(store, type, include.name):
            yield from store.find(type, (_refers_to(param, keys),))


def _refers_to(param: Param, keys: tuple[Key, ...]) -> Clause:
    wanted = frozenset(keys)
    return Clause(param, lambda record: not wanted.isdisjoint(record.values(param)), keys, True)


def _references(store: Store, type: str, name: str) -> Iterator[Param]:
    of_type = store.parameters.of(type)
    if name:
        if name in of_type:
            yield of_type[name]
        return
    for each in of_type.values():
        if each.kind == "reference":
            yield each
