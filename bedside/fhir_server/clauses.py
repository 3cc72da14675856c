"""Clauses: one ``name=value`` of a query, compiled to a test of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bedside.fhir_server import definitions, matchers, terminology
from bedside.fhir_server.distance import near
from bedside.fhir_server.matchers import DateMatch, Match, split, unescape
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import Param, ParameterSet
from bedside.fhir_server.population import Record
from bedside.fhir_server.values import Key, fold, token_texts, tokens

__all__ = ["MODIFIERS", "Clause", "Deferred", "Store", "bound_clause", "clause", "id_clause"]

Test = Callable[[Record], bool]

MODIFIERS: dict[str, tuple[str, ...]] = {
    "token": ("missing", "not", "text", "in", "not-in", "above", "below", "of-type"),
    "reference": ("missing", "identifier", "text"),
    "date": ("missing",),
    "string": ("missing", "exact", "contains"),
    "number": ("missing",),
    "quantity": ("missing",),
    "uri": ("missing", "above", "below"),
    "composite": ("missing",),
    "special": ("missing",),
}
"""Modifiers by kind; a reference also takes a resource type, as in ``subject:Patient=ID``."""


@dataclass(frozen=True, eq=False)
class Clause:
    """What one parameter of a query asks of a record.

    Attributes:
        param: whose values it looks at.
        test: whether a record meets it.
        keys: only records with one of these can meet it; empty if that is not known.
        exact_keys: having one of the keys is all it asks.
        dates: for a date, the comparisons of which one is to hold for one of the values.
    """

    param: Param
    test: Test
    keys: tuple[Key, ...] = ()
    exact_keys: bool = False
    dates: tuple[DateMatch, ...] = ()


class Store(Protocol):
    """What a search needs of a chart."""

    base: str

    @property
    def parameters(self) -> ParameterSet:
        """The search parameters there are."""

    def get(self, type: str, id: str) -> Record | None:
        """The resource, or None."""

    def find(self, type: str, clauses: Sequence[Clause]) -> Sequence[Record]:
        """The resources of a type that meet every clause."""


Deferred = Callable[[Store], Clause]
"""A clause that needs other resources: it is made when the search is run."""


def bound_clause(each: Clause | Deferred, store: Store) -> Clause:
    """The clause, made if it needs other resources."""
    return each if isinstance(each, Clause) else each(store)


def clause(type: str, param: Param, full_name: str, modifier: str, value: str) -> Clause | Deferred:
    """Compile one parameter of a query.

    Args:
        type: the resource type searched.
        param: the parameter named.
        full_name: as in the query, for messages.
        modifier: what follows the colon; "" for none.
        value: decoded; alternatives are separated by commas.

    Raises:
        Refusal: 400, the modifier or the value is not valid; the message says what would be.
    """
    known = ("", *MODIFIERS[param.kind])
    names_type = param.kind == "reference" and modifier in definitions.resource_types()
    if modifier not in known and not names_type:
        raise _unknown_modifier(param, modifier)
    if modifier == "missing":
        return Clause(param, _missing(param, full_name, value))
    texts = split(value, ",")
    if not all(texts):
        raise _invalid(f"'{full_name}={value}': there is nothing between two commas.")
    if param.kind == "token":
        return _token(param, full_name, modifier, texts)
    if param.kind == "reference":
        return _reference(param, full_name, modifier, texts)
    if param.kind == "date":
        return _date(param, full_name, texts)
    if param.kind == "composite":
        return _composite(param, full_name, texts)
    if param.kind == "special":
        return Clause(param, _any_value(param, [near(full_name, text) for text in texts]))
    return Clause(
        param, _any_value(param, [_matcher(param, full_name, modifier, t) for t in texts])
    )


def id_clause(parameters: ParameterSet, type: str, ids: frozenset[str]) -> Clause:
    """The clause that only resources with one of the ids meet."""
    param = parameters.of(type)["_id"]
    keys = tuple((None, id) for id in sorted(ids))
    return Clause(param, lambda record: record.id in ids, keys, bool(keys))


def _missing(param: Param, name: str, value: str) -> Test:
    if value not in ("true", "false"):
        raise _invalid(f"'{name}' is 'true' or 'false', not '{value}'.")
    wanted = value == "true"
    if param.kind == "composite":
        return lambda record: (not record.values(param)) is wanted
    return lambda record: (not param.nodes(record.resource)) is wanted


def _keyed(param: Param, keys: tuple[Key, ...]) -> Clause:
    wanted = frozenset(keys)
    return Clause(param, lambda record: not wanted.isdisjoint(record.values(param)), keys, True)


def _token(param: Param, name: str, modifier: str, texts: list[str]) -> Clause | Deferred:
    if modifier == "text":
        return Clause(param, _text_test(param, texts))
    if modifier == "of-type":
        return Clause(param, _of_type_test(param, name, texts))
    if modifier in ("in", "not-in"):
        return _in_value_set(param, [unescape(text) for text in texts], modifier == "in")
    keys = tuple(matchers.token_wanted(name, text) for text in texts)
    if modifier in ("above", "below"):
        return lambda store: _keyed(param, terminology.related(store, modifier, keys))
    if modifier == "not":
        wanted = frozenset(keys)
        return Clause(param, lambda record: wanted.isdisjoint(record.values(param)))
    return _keyed(param, keys)


def _in_value_set(param: Param, urls: list[str], inside: bool) -> Deferred:
    def made(store: Store) -> Clause:
        members = terminology.members(store, urls)

        def test(record: Record) -> bool:
            return any(members(key) for key in record.values(param)) is inside

        return Clause(param, test)

    return made


def _text_test(param: Param, texts: list[str]) -> Test:
    wanted = [fold(unescape(text)).split() for text in texts]

    def test(record: Record) -> bool:
        return any(
            all(word in found for word in words)
            for node in param.nodes(record.resource)
            for found in token_texts(node)
            for words in wanted
        )

    return test


def _of_type_test(param: Param, name: str, texts: list[str]) -> Test:
    wanted = []
    for text in texts:
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) != 3 or not all(parts):
            raise _invalid(f"'{name}={text}': write SYSTEM|CODE|VALUE, of the identifier's type.")
        wanted.append(parts)

    def test(record: Record) -> bool:
        return any(
            node.get("value") == value
            and any(
                coding.get("system") == system and coding.get("code") == code
                for coding in node.get("type", {}).get("coding", ())
            )
            for node in param.nodes(record.resource)
            if isinstance(node, dict)
            for system, code, value in wanted
        )

    return test


def _reference(param: Param, name: str, modifier: str, texts: list[str]) -> Clause:
    if modifier == "text":
        return Clause(param, _text_test(param, texts))
    if modifier == "identifier":
        keys = tuple(matchers.token_wanted(name, text) for text in texts)
        return Clause(param, _identifier_test(param, frozenset(keys)))
    return _keyed(
        param, tuple(key for text in texts for key in matchers.reference_wanted(modifier, text))
    )


def _identifier_test(param: Param, wanted: frozenset[Key]) -> Test:
    def test(record: Record) -> bool:
        return any(
            not wanted.isdisjoint(tokens(node.get("identifier"), lambda code: ""))
            for node in param.nodes(record.resource)
            if isinstance(node, dict)
        )

    return test


def _date(param: Param, name: str, texts: list[str]) -> Clause:
    dates = tuple(matchers.date_match(name, text) for text in texts)
    return Clause(param, _any_value(param, dates), dates=dates)


def _composite(param: Param, name: str, texts: list[str]) -> Clause:
    wanted = [_component_matches(param, name, text) for text in texts]

    def test(record: Record) -> bool:
        return any(
            all(
                any(match(value) for value in found)
                for match, found in zip(matches, at_one_place, strict=True)
            )
            for at_one_place in record.values(param)
            for matches in wanted
        )

    return Clause(param, test)


def _component_matches(param: Param, name: str, text: str) -> list[Match]:
    parts = split(text, "$")
    if len(parts) != len(param.components) or not all(parts):
        form = "$".join(component.kind.upper() for component in param.components)
        raise _invalid(f"'{name}={text}': write {form}.")
    return [
        _matcher(component, name, "", part)
        for component, part in zip(param.components, parts, strict=True)
    ]


def _matcher(param: Param, name: str, modifier: str, text: str) -> Match:
    if param.kind == "token":
        token = matchers.token_wanted(name, text)
        return lambda value: bool(value == token)
    if param.kind == "reference":
        references = matchers.reference_wanted("", text)
        return lambda value: value in references
    if param.kind == "date":
        return matchers.date_match(name, text)
    if param.kind == "string":
        return matchers.string_match(modifier, text)
    if param.kind == "uri":
        return matchers.uri_match(modifier, text)
    return matchers.amount_match(name, text, unit=param.kind == "quantity")


def _any_value(param: Param, matches: Sequence[Match]) -> Test:
    if len(matches) == 1:
        (only,) = matches
        return lambda record: any(map(only, record.values(param)))

    def test(record: Record) -> bool:
        return any(match(value) for value in record.values(param) for match in matches)

    return test


def _unknown_modifier(param: Param, modifier: str) -> Refusal:
    known = [f":{item}" for item in MODIFIERS[param.kind]]
    if param.kind == "reference":
        known += [f":{type}" for type in param.targets] or [":TYPE"]
    return _invalid(
        f"'{param.name}' is a {param.kind} parameter and does not take ':{modifier}'. "
        f"It takes: {', '.join(known)}."
    )


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
