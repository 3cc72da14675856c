"""A query string compiled to clauses, an order and what the answer is to hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_plus

from bedside.fhir_server import definitions
from bedside.fhir_server.chains import chained, reverse_chained
from bedside.fhir_server.clauses import Clause, Deferred, Store, bound_clause, clause
from bedside.fhir_server.formats import is_served
from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.parameters import Param, ParameterSet
from bedside.fhir_server.population import Record

__all__ = ["CONTROLS", "Include", "Query", "bound", "parse_query"]

CONTROLS = (
    "_count", "_elements", "_format", "_include", "_page", "_pretty", "_revinclude", "_sort",
    "_summary", "_total", "_totalMethod",
)  # fmt: skip
"""Parameters that shape the answer rather than choose resources; ``_totalMethod`` is fhirpy's."""

_REPEATED = ("_include", "_revinclude")
_CHOICES = {
    "_pretty": ("true", "false"),
    "_summary": ("true", "text", "data", "count", "false"),
    "_total": ("none", "estimate", "accurate"),
    "_totalMethod": ("count",),
}


@dataclass(frozen=True)
class Include:
    """One ``_include`` or ``_revinclude``.

    Attributes:
        type: whose parameter it is; "" for any.
        name: the reference parameter; "" for all.
        target: the type referred to; "" for any.
        iterate: also for what is included itself.
    """

    type: str
    name: str
    target: str
    iterate: bool


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
    controls: dict[str, list[str]] = {}
    kept: list[str] = []
    ignored: list[str] = []
    for part in filter(None, text.split("&")):
        name, value = _decoded(part)
        try:
            if name.partition(":")[0] in CONTROLS:
                _add_control(controls, name, value)
            else:
                clauses.append(_clause(parameters, type, name, value))
        except Refusal as refusal:
            if not lenient:
                raise
            ignored.append(f"'{part}' was left out: {refusal}")
        else:
            if name != "_page":
                kept.append(part)
    return Query(
        type,
        "&".join(kept),
        tuple(clauses),
        ignored=tuple(ignored),
        **_controls(parameters, type, controls),  # type: ignore[arg-type]
    )


@lru_cache(maxsize=8192)
def _decoded(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote_plus(name), unquote_plus(value)


@lru_cache(maxsize=8192)
def _clause(parameters: ParameterSet, type: str, name: str, value: str) -> Clause | Deferred:
    if not value.strip():
        raise _invalid(f"Search parameter '{name}' has no value; write '{name}=VALUE'.")
    if name.startswith("_has:"):
        return reverse_chained(parameters, type, name, value, _clause)
    head, dot, rest = name.partition(".")
    plain, colon, modifier = head.partition(":")
    param = _param(parameters, type, plain)
    if dot:
        return chained(parameters, param, modifier, rest, value, _clause)
    if colon and not modifier:
        raise _invalid(f"'{name}' ends in a colon; a modifier follows it.")
    return clause(type, param, name, modifier, value)


def _param(parameters: ParameterSet, type: str, name: str) -> Param:
    of_type = parameters.of(type)
    if name not in of_type:
        known = ", ".join(sorted([*of_type, *CONTROLS]))
        raise _invalid(f"Unknown search parameter '{name}' for {type}. Valid are: {known}.")
    return of_type[name]


def _add_control(controls: dict[str, list[str]], name: str, value: str) -> None:
    plain, colon, modifier = name.partition(":")
    if colon and not (plain in _REPEATED and modifier in ("iterate", "recurse")):
        raise _invalid(f"'{plain}' does not take ':{modifier}'.")
    if not value.strip():
        raise _invalid(f"'{name}' has no value; write '{name}=VALUE'.")
    given = controls.setdefault(plain, [])
    if plain not in _REPEATED and given and given != [value]:
        raise _invalid(f"'{name}' may be given once only.")
    if plain in ("_count",) and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise _invalid(f"'{name}' is a whole number from 0, not '{value}'.")
    if plain in _CHOICES and value not in _CHOICES[plain]:
        raise _invalid(f"'{name}' is one of {', '.join(_CHOICES[plain])}, not '{value}'.")
    if plain == "_format" and not is_served(value):
        raise Refusal(406, "not-supported", "Only JSON is served: use _format=json.")
    given.append(f"{modifier and ':iterate='}{value}" if plain in _REPEATED else value)


def _controls(
    parameters: ParameterSet, type: str, given: dict[str, list[str]]
) -> dict[str, object]:
    if not given:
        return {}
    count = given.get("_count")
    return {
        "sort": tuple(_sort_order(parameters, type, given.get("_sort", [""])[0])),
        "count": int(count[0]) if count else None,
        "page": given.get("_page", [""])[0],
        "summary": given.get("_summary", [""])[0].replace("false", ""),
        "elements": tuple(_elements(type, given.get("_elements", [""])[0])),
        "total": given.get("_total", [""])[0] != "none",
        "included": tuple(_include(parameters, text) for text in given.get("_include", ())),
        "revincluded": tuple(_include(parameters, text) for text in given.get("_revinclude", ())),
    }


def _elements(type: str, text: str) -> Iterator[str]:
    known = [name.removesuffix("[x]") for name in definitions.elements(type)]
    for name in filter(None, (part.strip() for part in text.split(","))):
        plain = name.removeprefix(f"{type}.")
        if plain not in known:
            raise _invalid(f"'_elements={text}': {type} has no element '{name}'. It has: "
                           f"{', '.join(known)}.")  # fmt: skip
        yield plain


def _sort_order(parameters: ParameterSet, type: str, text: str) -> Iterator[tuple[Param, bool]]:
    for name in filter(None, text.split(",")):
        param = _param(parameters, type, name.removeprefix("-"))
        if param.kind in ("composite", "special"):
            raise _invalid(f"'{param.name}' is a {param.kind} parameter, which has no order.")
        yield param, name.startswith("-")


def _include(parameters: ParameterSet, text: str) -> Include:
    iterate = text.startswith(":iterate=")
    type, _, rest = text.removeprefix(":iterate=").partition(":")
    name, _, target = rest.partition(":")
    if type == "*" and not rest:
        return Include("", "", "", iterate)
    if type not in definitions.resource_types():
        raise _invalid(f"'{text}': write TYPE:PARAMETER, such as Observation:subject, or *.")
    if name in ("", "*"):
        return Include(type, "", target, iterate)
    if _param(parameters, type, name).kind != "reference":
        references = (n for n, p in parameters.of(type).items() if p.kind == "reference")
        raise _invalid(f"'{name}' of {type} is no reference. References are: "
                       f"{', '.join(sorted(references))}.")  # fmt: skip
    return Include(type, name, target, iterate)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)


class _Alone:
    """A store that holds nothing, for queries that are about one record alone."""

    base = ""
    parameters = ParameterSet({})

    def get(self, type: str, id: str) -> None:
        return None

    def find(self, type: str, clauses: object) -> list[Record]:
        raise _invalid("This search may not be chained: it is about one resource alone.")


_ALONE = _Alone()
