"""A query string compiled to clauses, an order and what the answer is to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_plus

from bedside.fhir_server import definitions
from bedside.fhir_server.chains import chained, reverse_chained
from bedside.fhir_server.clauses import Clause, Deferred, Store, bound_clause, clause
from bedside.fhir_server.controls import CONTROLS, Controls, Include, param_named
from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.parameters import Param, ParameterSet
from bedside.fhir_server.population import Record

__all__ = ["CONTROLS", "Include", "Query", "bound", "parse_query"]

_MOST_LINKS = 10


@dataclass(frozen=True, eq=False)
class Query:
    """A compiled search.

    Attributes:
        type: resource type searched.
        text: the query string, without what was ignored.
        clauses: what a resource must meet.
        sort: parameters to sort by, and whether the highest comes first.
        count: entries a page holds, None for all.
        page: token of the page asked for, "" for the first.
        summary: the ``_summary`` asked for, "" for none.
        elements: the elements asked for, empty for all.
        total: whether to say how many match.
        included: the ``_include`` parameters.
        revincluded: the ``_revinclude`` parameters.
        ignored: parameters that a lenient search left out, each with the reason.
    """

    type: str
    text: str = ""
    clauses: tuple[Clause | Deferred, ...] = ()
    sort: tuple[tuple[Param, bool], ...] = ()
    count: int | None = None
    page: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    total: bool = True
    included: tuple[Include, ...] = ()
    revincluded: tuple[Include, ...] = ()
    ignored: tuple[str, ...] = field(default=())

    def matches(self, record: Record) -> bool:
        """Whether a record is of the type and meets every clause, none of which may be chained.

        Raises:
            Refusal: a clause needs other resources.
        """
        return record.type == self.type and all(
            each.test(record) for each in bound(self.clauses, _ALONE)
        )


def bound(clauses: Iterable[Clause | Deferred], store: Store) -> tuple[Clause, ...]:
    """The clauses, those made that need other resources."""
    return tuple(bound_clause(each, store) for each in clauses)


@lru_cache(maxsize=8192)
def parse_query(parameters: ParameterSet, type: str, text: str, *, lenient: bool = False) -> Query:
    """Compile the query string of a search for a type.

    Args:
        parameters: the search parameters there are.
        type: resource type searched.
        text: what follows the question mark, still encoded.
        lenient: leave out a parameter that is not valid instead of refusing the search.

    Raises:
        Refusal: 400 for an unknown parameter, modifier or value, 404 for an unknown type, 406 for
            a format other than JSON; the message says what would do.
    """
    if type not in definitions.resource_types():
        raise unknown_type(type, definitions.resource_types())
    clauses: list[Clause | Deferred] = []
    controls = Controls(parameters, type)
    kept: list[str] = []
    ignored: list[str] = []
    for part in filter(None, text.split("&")):
        name, value = _decoded(part)
        try:
            if name.partition(":")[0] in CONTROLS:
                controls.add(name, value)
            else:
                clauses.append(_clause(parameters, type, name, value))
        except Refusal as refusal:
            if not lenient:
                raise
            ignored.append(f"'{part}' was left out: {refusal}")
        else:
            if name != "_page":
                kept.append(part)
    fields = controls.fields
    if fields.get("summary") == "count":
        fields["total"] = True
    return Query(type, "&".join(kept), tuple(clauses), ignored=tuple(ignored), **fields)


@lru_cache(maxsize=8192)
def _decoded(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote_plus(name), unquote_plus(value)


@lru_cache(maxsize=8192)
def _clause(parameters: ParameterSet, type: str, name: str, value: str) -> Clause | Deferred:
    if not value.strip():
        raise _invalid(f"Search parameter '{name}' has no value; write '{name}=VALUE'.")
    if name.count(".") + name.count("_has:") > _MOST_LINKS:
        raise _invalid(f"A chain has at most {_MOST_LINKS} links; '{name[:100]}' has more.")
    if name.startswith("_has:"):
        return reverse_chained(parameters, type, name, value, _clause)
    head, dot, rest = name.partition(".")
    plain, colon, modifier = head.partition(":")
    param = param_named(parameters, type, plain)
    if dot:
        return chained(parameters, param, modifier, rest, value, _clause)
    if colon and not modifier:
        raise _invalid(f"'{name}' ends in a colon; a modifier follows it.")
    return clause(type, param, name, modifier, value)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)


class _Alone:
    """A store that holds nothing, for queries that are about one record alone."""

    base = ""
    parameters = ParameterSet({})

    def get(self, type: str, id: str) -> None:
        return None

    def find(self, type: str, clauses: object) -> Sequence[Record]:
        raise _invalid("This search may not be chained: it is about one resource alone.")


_ALONE = _Alone()
