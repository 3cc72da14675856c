"""Forms that many invariants have: elements that need, exclude or replace each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.values import parse_date

__all__ = [
    "Invariant",
    "any_of",
    "distinct",
    "exactly_one",
    "has",
    "in_order",
    "not_both",
    "only_with",
    "unless",
    "when",
    "where",
]

Invariant = Callable[[Json], bool]


def has(node: Json, name: str) -> bool:
    """Whether an element is there, or its extensions; a choice is named ``value[x]``."""
    if name[-1] == "]":
        return any(map(_of_choice(name), node))
    return name in node or f"_{name}" in node


@cache
def _of_choice(name: str) -> Callable[[str], object]:
    return re.compile(f"_?{name.removesuffix('[x]')}[A-Z]").match


def any_of(*names: str) -> Invariant:
    """At least one is there."""
    return lambda node: any(has(node, name) for name in names)


def exactly_one(*names: str) -> Invariant:
    """One is there and the others are not."""
    return lambda node: sum(has(node, name) for name in names) == 1


def not_both(one: str, other: str) -> Invariant:
    """One or the other or neither is there."""
    return lambda node: not (has(node, one) and has(node, other))


def only_with(one: str, *others: str) -> Invariant:
    """The first comes only with one of the others."""
    return lambda node: not has(node, one) or any(has(node, other) for other in others)


def where(name: str, values: str, *needed: str) -> Invariant:
    """Where a code is one of some values, the elements needed are there."""
    wanted = frozenset(values.split())
    return lambda node: node.get(name) not in wanted or all(has(node, each) for each in needed)


def unless(name: str, values: str, *kept_out: str) -> Invariant:
    """Only where a code is one of some values may the elements be there."""
    allowed = frozenset(values.split())
    return lambda node: node.get(name) in allowed or not any(has(node, e) for e in kept_out)


def when(name: str, values: str, *kept_out: str) -> Invariant:
    """Where a code is one of some values, the elements are not there."""
    wanted = frozenset(values.split())
    return lambda node: node.get(name) not in wanted or not any(has(node, e) for e in kept_out)


def in_order(one: str, other: str) -> Invariant:
    """Of two times, the other does not end before the one begins."""

    def holds(node: Json) -> bool:
        first, second = parse_date(node.get(one, "")), parse_date(node.get(other, ""))
        return first is None or second is None or first.low < second.high

    return holds


def distinct(values: Iterable[Any]) -> bool:
    """Whether no value comes twice."""
    listed = list(values)
    return len(set(listed)) == len(listed)
