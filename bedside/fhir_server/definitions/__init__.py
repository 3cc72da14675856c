"""The official R4 (4.0.1) definitions as small tables, each read when it is first asked for.

The JSON files beside this module are made by ``scripts/fhir_tables.py`` from HL7's npm package
``hl7.fhir.r4.examples`` 4.0.1, which is CC0 1.0 (see LICENSE.md here). FHIR is a registered
trademark of HL7.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

__all__ = [
    "Element",
    "Rule",
    "SearchDefinition",
    "Type",
    "codes",
    "compartments",
    "elements",
    "parents",
    "resource_types",
    "search_definitions",
    "type_of",
]

_Table = TypeVar("_Table")


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """An invariant: its key, such as ``obs-6``, and what it demands in words."""

    key: str
    human: str


class Element(msgspec.Struct, frozen=True):
    """One element of a type.

    Attributes:
        types: names of the types it may have, several for a choice (``value[x]``); a nested or
            repeated structure has the name of its path, such as ``Observation.component``.
        min: how many there must be, 0 or 1 or more.
        many: it is an array.
        targets: resource types a reference may name; empty for any.
        codes: address of the value set it must take a code from; empty for none.
        summary: it is part of ``_summary=true``.
        rules: invariants about it.
    """

    types: tuple[str, ...]
    min: int = 0
    many: bool = False
    targets: tuple[str, ...] = ()
    codes: str = ""
    summary: bool = False
    rules: tuple[Rule, ...] = ()


class Type(msgspec.Struct, frozen=True):
    """A resource type, data type, primitive, or nested structure.

    Attributes:
        kind: ``resource``, ``complex``, ``nested`` or ``primitive``.
        base: name of the type whose elements it has too; empty for none.
        elements: those it adds, by name, in order; a choice is named ``value[x]``.
        rules: invariants about it as a whole.
    """

    kind: str
    base: str
    elements: Mapping[str, Element] = {}
    rules: tuple[Rule, ...] = ()


class SearchDefinition(msgspec.Struct, frozen=True):
    """One search parameter of a type.

    Attributes:
        kind: ``token``, ``reference``, ``date``, ``string``, ``number``, ``quantity``, ``uri``,
            ``composite`` or ``special``.
        expression: FHIRPath of its elements, as far as it concerns the type.
        id: the end of its canonical address, ``http://hl7.org/fhir/SearchParameter/{id}``, or of
            US Core's for one that begins with ``us-core``.
        targets: resource types a reference may name; empty for any.
        components: of a composite, (name of the parameter, expression) each.
    """

    kind: str
    expression: str
    id: str
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()


@cache
def resource_types() -> tuple[str, ...]:
    """Every resource type that can be stored, sorted."""
    concrete = set(_raw("types")) - {"Resource", "DomainResource"}
    return tuple(sorted(name for name in concrete if type_of(name).kind == "resource"))


def type_of(name: str) -> Type:
    """The type of a name.

    Raises:
        KeyError: R4 has no such type.
    """
    return _types()[name]


@cache
def elements(name: str) -> Mapping[str, Element]:
    """All elements of a type, those of its bases first.

    Raises:
        KeyError: R4 has no such type.
    """
    here = _types()[name]
    return {**(elements(here.base) if here.base else {}), **here.elements}


@cache
def search_definitions(type: str) -> Mapping[str, SearchDefinition]:
    """The search parameters of a resource type by name, those of all types included."""
    table = _raw("search")
    return {
        name: definition
        for owner in ("Resource", "DomainResource", type)
        if owner in table
        for name, definition in _decode(table[owner], dict[str, SearchDefinition]).items()
    }


@cache
def codes(url: str) -> Mapping[str, frozenset[str]]:
    """The codes of a value set by code system.

    Raises:
        KeyError: the set is not among those that an element must take a code from.
    """
    return {
        system: frozenset(listed)
        for system, listed in _decode(_raw("valuesets")[url], dict[str, list[str]]).items()
    }


@cache
def parents(system: str) -> Mapping[str, str]:
    """The parent of each code that has one, in a code system; empty for one without levels."""
    raw = _raw("hierarchies").get(system)
    return {} if raw is None else _decode(raw, dict[str, str])


@cache
def compartments() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """{compartment type: {resource type: its parameters}}; ``{def}`` means the resource itself."""
    return {
        name: _decode(raw, dict[str, tuple[str, ...]]) for name, raw in _raw("compartments").items()
    }


class _Types(dict[str, Type]):
    def __missing__(self, name: str) -> Type:
        self[name] = found = _decode(_raw("types")[name], Type)
        return found


@cache
def _types() -> _Types:
    return _Types()


@cache
def _raw(table: str) -> Mapping[str, msgspec.Raw]:
    text = resources.files(__name__).joinpath(f"{table}.json").read_bytes()
    return _decode(text, dict[str, msgspec.Raw])


def _decode(raw: bytes | msgspec.Raw, type: type[_Table]) -> _Table:
    return msgspec.json.decode(raw, type=type)
