"""Search: a query string compiled once to closures, then matched against records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.parameters import COMMON, PARAMETERS, TARGETS, TYPES, Param
from bedside.fhir_server.population import Layer, Record
from bedside.fhir_server.values import Key, fold, parse_date, reference_key, token_texts

__all__ = ["MODIFIERS", "Query", "parse_query", "parse_search"]

Test = Callable[[Record], bool]
Match = Callable[[Any], bool]

MODIFIERS: dict[str, tuple[str, ...]] = {
    "token": ("missing", "not", "text"),
    "reference": ("missing", *TARGETS),
    "date": ("missing",),
    "string": ("missing", "exact", "contains"),
    "quantity": ("missing",),
}
"""Modifiers by kind; a reference takes a resource type, as in ``subject:Patient=ID``."""

CONTROLS = ("_count", "_format", "_offset", "_sort")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d.+-])")
_MOST_DIGITS = 100
_FORMATS = ("json", "application/json", "application/fhir+json")


@dataclass(frozen=True)
class _Clause:
    """One parameter of a query; `keys` are what an index can look up instead of testing."""

    param: Param
    test: Test
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Query:
    """A compiled search.

    Attributes:
        type: resource type searched.
        text: the query string as given.
        count: entries a page holds, None for all.
        offset: entries left out before the page.
    """

    type: str
    text: str
    count: int | None
    offset: int
    _clauses: tuple[_Clause, ...]
    _lookup: _Clause | None
    _sort: tuple[tuple[Param, bool], ...]

    def matches(self, record: Record) -> bool:
        """Whether the record is of the type and meets every clause."""
        return record.type == self.type and all(clause.test(record) for clause in self._clauses)

    def find(self, layer: Layer) -> list[Record]:
        """The records of the layer that match."""
        lookup = self._lookup
        if lookup is None:
            candidates = layer.of_type(self.type)
        else:
            candidates = layer.having(self.type, lookup.param, lookup.keys)
        others = [clause.test for clause in self._clauses if clause is not lookup]
        if not others:
            return list(candidates)
        return [record for record in candidates if all(test(record) for test in others)]

    def sort(self, records: list[Record]) -> list[Record]:
        """The records by ``_sort``; those without a value come last."""
        for param, descending in reversed(self._sort):
            keyed = [(_sort_keys(param, record), record) for record in records]
            present = [pair for pair in keyed if pair[0]]
            choose = max if descending else min
            order = [choose(keys) for keys, _ in present]
            ranked = sorted(range(len(present)), key=order.__getitem__, reverse=descending)
            records = [present[rank][1] for rank in ranked]
            records += [record for keys, record in keyed if not keys]
        return records


@lru_cache(maxsize=8192)
def parse_search(text: str) -> Query:
    """Compile a search such as ``Condition?patient=ID&code=L40.0``.

    Raises:
        Refusal: as :func:`parse_query`, and 404 for a type that is not served.
    """
    type, _, query = text.partition("?")
    return parse_query(type, query)


@lru_cache(maxsize=8192)
def parse_query(type: str, text: str) -> Query:
    """Compile the query string of a search for a type.

    Raises:
        Refusal: 400 for an unknown parameter, modifier or value, 404 for an unknown type, 406 for
            a format other than JSON; the message says what would do.
    """
    if type not in PARAMETERS:
        raise unknown_type(type, TYPES)
    clauses: list[_Clause] = []
    controls: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        raw_name, _, raw_value = part.partition("=")
        name, value = unquote_plus(raw_name), unquote_plus(raw_value)
        if not value.strip():
            raise _invalid(f"Search parameter '{name}' has no value; write '{name}=VALUE'.")
        if name not in CONTROLS:
            clauses.append(_clause(type, name, value))
        elif controls.setdefault(name, value) != value:
            raise _invalid(f"'{name}' may be given once only.")
    if controls.get("_format", "json") not in _FORMATS:
        raise Refusal(406, "not-supported", "Only JSON is served: use _format=json.")
    return Query(
        type=type,
        text=text,
        count=_whole_number(controls, "_count"),
        offset=_whole_number(controls, "_offset") or 0,
        _clauses=tuple(clauses),
        _lookup=_best_lookup(clauses),
        _sort=tuple(_sort_order(type, controls.get("_sort", ""))),
    )


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)


def _best_lookup(clauses: Iterable[_Clause]) -> _Clause | None:
    usable = [clause for clause in clauses if clause.keys]
    return min(
        usable,
        key=lambda clause: (clause.param is not COMMON["_id"], clause.param.kind != "reference"),
        default=None,
    )


def _param(type: str, name: str) -> Param:
    param = PARAMETERS[type].get(name) or COMMON.get(name)
    if param is None:
        known = ", ".join(sorted([*PARAMETERS[type], *COMMON, *CONTROLS]))
        raise _invalid(f"Unknown search parameter '{name}' for {type}. Valid are: {known}.")
    return param


def _clause(type: str, full_name: str, value: str) -> _Clause:
    name, _, modifier = full_name.partition(":")
    param = _param(type, name)
    if ":" in full_name and modifier not in MODIFIERS[param.kind]:
        known = ", ".join(f":{item}" for item in MODIFIERS[param.kind])
        raise _invalid(
            f"'{name}' is a {param.kind} parameter and does not take ':{modifier}'. "
            f"It takes: {known}."
        )
    if modifier == "missing":
        return _Clause(param, _missing(param, full_name, value))
    texts = _split(value, ",")
    if not all(texts):
        raise _invalid(f"'{full_name}={value}': there is nothing between two commas.")
    if param.kind in ("token", "reference"):
        return _key_clause(param, full_name, modifier, texts)
    compiled = tuple(_matcher(param, full_name, modifier, text) for text in texts)
    return _Clause(param, _any_value(param, compiled))


def _missing(param: Param, name: str, value: str) -> Test:
    if value not in ("true", "false"):
        raise _invalid(f"'{name}' is 'true' or 'false', not '{value}'.")
    wanted = value == "true"
    return lambda record: (not record.values(param)) is wanted


def _any_value(param: Param, matches: tuple[Match, ...]) -> Test:
    def test(record: Record) -> bool:
        return any(match(value) for value in record.values(param) for match in matches)

    return test


def _key_clause(param: Param, name: str, modifier: str, texts: list[str]) -> _Clause:
    if modifier == "text":
        return _Clause(param, _text_test(param, texts))
    if param.kind == "token":
        keys = tuple(_token_key(name, text) for text in texts)
    else:
        keys = tuple(_reference_key(modifier, text) for text in texts)
    wanted = frozenset(keys)
    if modifier == "not":
        return _Clause(param, lambda record: wanted.isdisjoint(record.values(param)))
    return _Clause(param, lambda record: not wanted.isdisjoint(record.values(param)), keys)


def _text_test(param: Param, texts: list[str]) -> Test:
    wanted = [fold(_unescape(text)).split() for text in texts]

    def test(record: Record) -> bool:
        return any(
            all(word in found for word in words)
            for node in param.select(record.resource)
            for found in token_texts(node)
            for words in wanted
        )

    return test


def _token_key(name: str, text: str) -> Key:
    parts = [_unescape(part) for part in _split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise _invalid(f"'{name}={text}': write CODE, SYSTEM|CODE, SYSTEM| or |CODE.")
    if len(parts) == 1:
        return (None, parts[0])
    system, code = parts
    return (system, code or None)


def _reference_key(type: str, text: str) -> Key:
    """The key looked for; one that nothing has if `text` names another type than the modifier."""
    kind, id = reference_key(_unescape(text))
    if type and kind not in (None, type):
        return (type, None)
    return (type or kind, id)


def _matcher(param: Param, name: str, modifier: str, text: str) -> Match:
    if param.kind == "string":
        return _string_match(modifier, _unescape(text))
    found = _PREFIX.match(text)
    prefix = found[1] if found else "eq"
    rest = text[2:] if found else text
    if param.kind == "date":
        return _date_match(name, prefix, rest)
    return _quantity_match(name, prefix, rest)


def _string_match(modifier: str, text: str) -> Match:
    folded = fold(text)
    if modifier == "exact":
        return lambda value: bool(value.exact == text)
    if modifier == "contains":
        return lambda value: folded in value.folded
    return lambda value: bool(value.folded.startswith(folded))


def _date_match(name: str, prefix: str, text: str) -> Match:
    wanted = parse_date(text.strip().replace(" ", "+"))
    if wanted is None:
        raise _invalid(
            f"'{name}={text}' is no date. Write YYYY, YYYY-MM, YYYY-MM-DD or "
            "YYYY-MM-DDThh:mm:ssZ, with a prefix if needed: eq, ne, gt, lt, ge, le, sa, eb, ap."
        )
    low, high = wanted
    width = high - low
    matches: dict[str, Match] = {
        "eq": lambda v: low <= v.low and v.high <= high,
        "ne": lambda v: v.low < low or high < v.high,
        "gt": lambda v: v.high > high,
        "lt": lambda v: v.low < low,
        "ge": lambda v: v.high > high or (low <= v.low and v.high <= high),
        "le": lambda v: v.low < low or (low <= v.low and v.high <= high),
        "sa": lambda v: v.low >= high,
        "eb": lambda v: v.high <= low,
        "ap": lambda v: v.low < high + width and v.high > low - width,
    }
    return matches[prefix]


def _quantity_match(name: str, prefix: str, text: str) -> Match:
    number, *unit = [_unescape(part) for part in _split(text, "|")]
    try:
        wanted = Decimal(number)
    except InvalidOperation:
        wanted = Decimal("NaN")
    readable = wanted.is_finite() and abs(wanted.adjusted()) <= _MOST_DIGITS
    if not readable or len(unit) > 2:
        raise _invalid(
            f"'{name}={text}' is no quantity. Write NUMBER or NUMBER|SYSTEM|CODE (NUMBER||UNIT), "
            "with a prefix if needed: eq, ne, gt, lt, ge, le, sa, eb, ap."
        )
    compare = _number_match(prefix, wanted, _half_step(number, wanted))
    if not unit:
        return lambda v: compare(v.value)
    system, code = (*unit, "")[:2]
    if system:
        return lambda v: compare(v.value) and v.system == system and code in ("", v.code)
    return lambda v: compare(v.value) and code in ("", v.code, v.unit)


def _half_step(number: str, wanted: Decimal) -> Decimal:
    """Half of the last digit given; R4 reads 1e2 as 95 to 105, as if it were 1.0e2."""
    exponent = int(wanted.as_tuple().exponent)
    if "e" in number.lower() and "." not in number:
        exponent -= 1
    return Decimal(5).scaleb(exponent - 1)


def _number_match(prefix: str, wanted: Decimal, half: Decimal) -> Match:
    low, high, near = wanted - half, wanted + half, abs(wanted) / 10
    matches: dict[str, Match] = {
        "eq": lambda v: low <= v < high,
        "ne": lambda v: not low <= v < high,
        "gt": lambda v: v > wanted,
        "lt": lambda v: v < wanted,
        "ge": lambda v: v >= wanted,
        "le": lambda v: v <= wanted,
        "sa": lambda v: v > wanted,
        "eb": lambda v: v < wanted,
        "ap": lambda v: wanted - near <= v <= wanted + near,
    }
    return matches[prefix]


def _sort_order(type: str, text: str) -> Iterable[tuple[Param, bool]]:
    for name in filter(None, text.split(",")):
        yield _param(type, name.removeprefix("-")), name.startswith("-")


def _sort_keys(param: Param, record: Record) -> list[Any]:
    values = record.values(param)
    if param.kind == "token":
        return [code for system, code in values if system is None]
    if param.kind == "reference":
        return [id for type, id in values if type is None]
    if param.kind == "string":
        return [value.folded for value in values]
    return [value[0] for value in values]


def _whole_number(controls: dict[str, str], name: str) -> int | None:
    text = controls.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _invalid(f"'{name}' is a whole number from 0, not '{text}'.")
    return int(text)


def _split(text: str, separator: str) -> list[str]:
    """Split at each separator that no backslash escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts = [""]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _unescape(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text) if "\\" in text else text
