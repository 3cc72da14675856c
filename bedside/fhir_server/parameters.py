"""Search parameters: the definitions of R4, and those stored on the chart, compiled when used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bedside.fhir_server import definitions, values
from bedside.fhir_server.definitions import SearchDefinition
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.paths import Path, compile_paths
from bedside.fhir_server.stored import stored_definitions

__all__ = ["KINDS", "STANDARD", "Param", "ParameterSet"]

Read = Callable[[Any], Iterable[Any]]
Select = Callable[[Json], list[Any]]
_ADDRESSES = ("canonical", "uri")

KINDS = (
    "token", "reference", "date", "string", "number", "quantity", "uri", "composite", "special",
)  # fmt: skip
"""The kinds that can be searched; the only special one of R4 is ``near`` of Location."""


@dataclass(frozen=True, eq=False)
class Param:
    """One search parameter of one type.

    Attributes:
        name: as in a query.
        kind: what its values are and how they compare; see :data:`KINDS`.
        values: every value of a resource: :class:`values.Key` for tokens and references, else
            :class:`values.Range`, ``Text``, ``Amount``, ``Position``, an address, or for a
            composite a tuple of its components' values at one element.
        nodes: the elements it looks at.
        targets: resource types a reference may name; empty for any.
        components: of a composite.
        members: a resource with none of these has no value; empty where that is not known.
        canonical: of a reference: some of its values are canonical addresses.
        inner: of a reference: what it names stands in the resource itself.
    """

    name: str
    kind: str
    values: Callable[[Json], tuple[Any, ...]]
    nodes: Callable[[Json], list[Any]]
    targets: tuple[str, ...] = ()
    components: tuple[Param, ...] = ()
    members: frozenset[str] = frozenset()
    canonical: bool = False
    inner: bool = False


class _OfType(Mapping[str, Param]):
    """The parameters of a type by name, each compiled when it is first asked for.

    Those that another mapping has are taken from it.
    """

    def __init__(
        self,
        type: str,
        table: Mapping[str, SearchDefinition],
        others: Mapping[str, Param] | None = None,
    ) -> None:
        self._type = type
        self._table = {name: row for name, row in table.items() if row.kind in KINDS}
        self._others = others or {}
        self._made: dict[str, Param] = {}

    def __getitem__(self, name: str) -> Param:
        made = self._made.get(name)
        if made is None:
            if name in self._others:
                return self._others[name]
            definition = self._table[name]
            made = self._made[name] = _compiled(self._type, name, definition, self._table)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table


class ParameterSet:
    """The search parameters of every type: those of R4, and others added to them."""

    def __init__(self, added: Mapping[str, Mapping[str, SearchDefinition]]) -> None:
        self._added = added
        self._of: dict[str, Mapping[str, Param]] = {}

    def of(self, type: str) -> Mapping[str, Param]:
        """The parameters of a resource type by name."""
        found = self._of.get(type)
        if found is None:
            found = _standard(type)
            added = self._added.get(type)
            if added:
                table = {**added, **definitions.search_definitions(type)}
                found = _OfType(type, table, found)
            self._of[type] = found
        return found

    @staticmethod
    def defined_by(resources: Iterable[Json]) -> ParameterSet:
        """The set with what SearchParameter resources define."""
        added = stored_definitions(resources)
        return ParameterSet(added) if added else STANDARD


STANDARD = ParameterSet({})
"""The parameters of R4."""


@cache
def _standard(type: str) -> Mapping[str, Param]:
    return _OfType(type, definitions.search_definitions(type))


def _compiled(
    type: str, name: str, definition: SearchDefinition, table: Mapping[str, SearchDefinition]
) -> Param:
    if definition.kind == "composite":
        return _composite(type, name, definition, table)
    paths = compile_paths(definition.expression, type)
    return _simple(name, definition.kind, paths, definition.targets)


def _simple(name: str, kind: str, paths: tuple[Path, ...], targets: tuple[str, ...]) -> Param:
    inner = kind == "reference" and any(path.type == "Resource" for path in paths)
    pairs = [
        (_of_types(path.select, targets) if inner else path.select, _reader(kind, path))
        for path in paths
    ]

    def values_of(resource: Json) -> tuple[Any, ...]:
        return tuple(
            value for select, read in pairs for node in select(resource) for value in read(node)
        )

    def nodes(resource: Json) -> list[Any]:
        return [node for select, _ in pairs for node in select(resource)]

    firsts = [path.first for path in paths]
    members = frozenset(firsts) if all(firsts) else frozenset[str]()
    canonical = kind == "reference" and any(path.type in _ADDRESSES for path in paths)
    return Param(
        name, kind, values_of, nodes, targets, members=members, canonical=canonical, inner=inner
    )


def _of_types(select: Select, types: tuple[str, ...]) -> Select:
    """What selects those resources in a resource that are of some types; of any if none is said."""
    return lambda resource: [
        node
        for node in select(resource)
        if isinstance(node, dict) and (not types or node.get("resourceType") in types)
    ]


def _composite(
    type: str, name: str, definition: SearchDefinition, table: Mapping[str, SearchDefinition]
) -> Param:
    bases = compile_paths(definition.expression, type)
    groups = [(base.select, _components(type, base.type, definition, table)) for base in bases]

    def values_of(resource: Json) -> tuple[Any, ...]:
        return tuple(
            tuple(component.values(resource if whole else node) for component, whole in components)
            for select, components in groups
            for node in select(resource)
        )

    def nodes(resource: Json) -> list[Any]:
        return [node for select, _ in groups for node in select(resource)]

    components = tuple(component for component, _ in groups[0][1])
    return Param(name, "composite", values_of, nodes, components=components)


def _components(
    type: str, base: str, definition: SearchDefinition, table: Mapping[str, SearchDefinition]
) -> list[tuple[Param, bool]]:
    """Each component, and whether it is looked for in the whole resource."""
    found = []
    for name, expression in definition.components:
        whole = expression.startswith("%resource.")
        paths = compile_paths(expression.removeprefix("%resource."), type if whole else base)
        component = table[name]
        found.append((_simple(name, component.kind, paths, component.targets), whole))
    return found


def _reader(kind: str, path: Path) -> Read:
    if kind == "token":
        system_of = _implied_system(path.codes if path.type == "code" else "")
        return lambda node: values.tokens(node, system_of)
    return {
        "reference": values.references,
        "date": values.dates,
        "string": values.texts,
        "number": values.amounts,
        "quantity": values.amounts,
        "uri": values.canonicals if path.type == "canonical" else values.uris,
        "special": values.positions,
    }[kind]


@cache
def _implied_system(codes: str) -> Callable[[str], str]:
    """The system of a plain code, as its required value set says."""
    if not codes:
        return lambda code: ""
    by_code = {
        code: system for system, listed in definitions.codes(codes).items() for code in listed
    }
    return lambda code: by_code.get(code, "")
