"""Search: a query run over a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, unquote_plus

from bedside.fhir_server import definitions
from bedside.fhir_server.bundle import searchset
from bedside.fhir_server.clauses import Store, id_clause
from bedside.fhir_server.include import included
from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.paging import following, starting
from bedside.fhir_server.parameters import STANDARD, Param
from bedside.fhir_server.population import Record
from bedside.fhir_server.query import CONTROLS, Query, bound, parse_query

__all__ = ["answer", "in_compartment", "matching", "only_match", "page_of", "parse_search"]

Run = Callable[[Any, Query], Sequence[Record]]
"""What finds the records of a query in a store."""


class Dated(Store, Protocol):
    """A store that can be seen as it was."""

    @property
    def log(self) -> Any:
        """Every version written; its length dates a state."""

    def as_of(self, length: int) -> Self:
        """The store as it was when so many versions were written."""


def parse_search(text: str) -> Query:
    """Compile a search such as ``Condition?patient=ID&code=L40.0``, by the parameters of R4.

    Raises:
        Refusal: as :func:`parse_query`.
    """
    type, _, query = text.partition("?")
    return parse_query(STANDARD, type, query)


def matching(store: Store, type: str, text: str) -> Sequence[Record]:
    """The resources of a type that match a query string, in its order.

    Raises:
        Refusal: as :func:`parse_query`.
    """
    return _run(store, parse_query(store.parameters, type, text))


def only_match(store: Store, type: str, text: str) -> Record | None:
    """The one resource that a condition matches, or None.

    Raises:
        Refusal: 412 if several match, 400 if it asks for nothing; as :func:`parse_query`.
    """
    if text.startswith(f"{type}?"):
        raise Refusal(400, "invalid", f"The condition is '{text}'; drop '{type}?' from it.")
    text = text.removeprefix("?")
    query = parse_query(store.parameters, type, text)
    if not query.clauses:
        raise Refusal(400, "invalid", f"The condition '{type}?{text}' asks for nothing; give it a "
                      "search parameter, such as identifier=VALUE.")  # fmt: skip
    found = _run(store, query)
    if len(found) > 1:
        raise Refusal(412, "multiple-matches", f"{len(found)} resources match '{type}?{text}'; "
                      "make it narrower.")  # fmt: skip
    return found[0] if found else None


def answer(store: Dated, type: str, text: str, *, lenient: bool = False) -> bytes:
    """The searchset Bundle of a query.

    Args:
        store: the chart.
        type: resource type searched.
        text: the query string, still encoded.
        lenient: leave out parameters that are not valid, and say so in the Bundle.

    Raises:
        Refusal: as :func:`parse_query`, and 400 for a page that is not of this search.
    """
    query = parse_query(store.parameters, type, text, lenient=lenient)
    return page_of(store, query, f"{store.base}/{type}", _run)


def in_compartment(
    store: Dated, compartment: str, id: str, type: str, text: str, *, lenient: bool = False
) -> bytes:
    """The searchset Bundle of a search within a compartment.

    Args:
        store: the chart.
        compartment: its type.
        id: of the resource whose compartment it is.
        type: resource type searched; ``*`` for all, by the parameters that all types have and
            ``_type``.
        text: the query string, still encoded.
        lenient: as in :func:`answer`.

    Raises:
        Refusal: 404, there is no such compartment or type; as :func:`answer`.
    """
    members = definitions.compartments().get(compartment)
    if members is None:
        known = ", ".join(sorted(definitions.compartments()))
        raise Refusal(404, "not-supported", f"{compartment} has no compartment; {known} do.")
    if type not in ("*", *definitions.resource_types()):
        raise unknown_type(type, definitions.resource_types())
    path = f"{store.base}/{compartment}/{id}/{type}"
    types, rest, named = ((type,), text, "") if type != "*" else _types_named(text, members)

    def query_for(each: str) -> Query:
        return parse_query(store.parameters, each, rest, lenient=lenient)

    if type == "*":
        _refuse_particular(rest, f"{compartment}/{id}")
    query = query_for(types[0] if types else compartment)
    if named:
        query = replace(query, text="&".join(filter(None, [query.text, named])))

    def run(store: Store, query: Query) -> Sequence[Record]:
        found = [
            record
            for each in types
            for record in _members(
                store, compartment, id, each, members.get(each, ()), query_for(each)
            )
        ]
        return _sorted(found, query.sort)

    return page_of(store, query, path, run)


def _types_named(text: str, members: Iterable[str]) -> tuple[tuple[str, ...], str, str]:
    """The types that a query's ``_type`` leaves of some, the rest of it, and the ``_type``."""
    parts = [part for part in text.split("&") if part]
    said = [part for part in parts if part.startswith("_type=")]
    rest = "&".join(part for part in parts if part not in said)
    named = [name for part in said for name in unquote_plus(part[6:]).split(",")]
    for name in named:
        if name not in definitions.resource_types():
            raise unknown_type(name, definitions.resource_types())
    return tuple(each for each in members if not said or each in named), rest, "&".join(said)


def _refuse_particular(text: str, compartment: str) -> None:
    """Refuse parameters that not all types have, where all are searched."""
    common = definitions.search_definitions("Resource")
    given = parse_qsl(text, keep_blank_values=True)
    names = [name.partition(":")[0] for name, _ in given]
    sorts = [key.strip("-") for name, value in given if name == "_sort" for key in value.split(",")]
    for name in [name for name in names if name not in CONTROLS] + sorts:
        if name not in common:
            raise Refusal(
                400,
                "not-supported",
                f"{compartment}/* takes _type, {', '.join(common)}, not '{name}'; name a type, "
                f"e.g. {compartment}/Observation.",
            )


def _members(
    store: Store, compartment: str, id: str, type: str, names: tuple[str, ...], query: Query
) -> Sequence[Record]:
    ids = {
        record.id
        for name in names
        if name != "{def}"
        for record in matching(store, type, f"{name}={compartment}/{id}")
    }
    if "{def}" in names and type == compartment:
        ids.add(id)
    if not ids:
        return []
    clauses = bound(query.clauses, store)
    return store.find(type, (id_clause(store.parameters, type, frozenset(ids)), *clauses))


def _run(store: Store, query: Query) -> Sequence[Record]:
    return _sorted(store.find(query.type, bound(query.clauses, store)), query.sort)


def page_of(store: Dated, query: Query, path: str, run: Run) -> bytes:
    """The searchset Bundle of one page of what is found, from the chart as the first page saw it.

    Args:
        store: the chart.
        query: says which page, how long it is, and what is shown.
        path: address of the search, without its query.
        run: finds what the pages show.

    Raises:
        Refusal: 400, the page is not of this search.
    """
    written, offset = len(store.log), 0
    if query.page:
        written, offset = starting(query.page, f"{path}?{query.text}", written)
        store = store.as_of(written)
    found = run(store, query)
    end = len(found) if query.count is None else offset + query.count
    page = found[offset:end]
    links = [("self", query.text)]
    if query.count and end < len(found) and query.summary != "count":
        token = following(f"{path}?{query.text}", written, end)
        links.append(("next", "&".join(filter(None, [query.text, f"_page={token}"]))))
    return searchset(
        store.base,
        page,
        included(store, query, page) if query.included or query.revincluded else (),
        links=[(relation, f"{path}?{text}" if text else path) for relation, text in links],
        total=len(found) if query.total else None,
        query=query,
    )


def _sorted(records: Sequence[Record], order: tuple[tuple[Param, bool], ...]) -> Sequence[Record]:
    """The records in order; those without a value come last."""
    for param, descending in reversed(order):
        choose = max if descending else min
        key_of = _SORT_KEYS.get(param.kind, _first)
        ranked = []
        last = []
        for record in records:
            values = record.values(param)
            key = key_of(values, choose) if values else None
            if key is None:
                last.append(record)
            else:
                ranked.append((key, record))
        ranked.sort(key=itemgetter(0), reverse=descending)
        records = [record for _, record in ranked] + last
    return records


def _code(values: tuple[Any, ...], choose: Any) -> Any:
    return choose((code for system, code in values if system is None and code), default=None)


def _first(values: tuple[Any, ...], choose: Any) -> Any:
    return choose(values)[0]


_SORT_KEYS: dict[str, Callable[[tuple[Any, ...], Any], Any]] = {
    "token": _code,
    "reference": _code,
    "string": lambda values, choose: choose(value.folded for value in values),
    "uri": lambda values, choose: choose(values),
}
"""By kind of parameter: what a resource is sorted by, of its values the least or the greatest."""
