"""SearchParameter resources: what those on a chart define, and what of them is not served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from bedside.fhir_server import definitions
from bedside.fhir_server.definitions import SearchDefinition
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.paths import ExpressionError, Path, compile_paths

__all__ = ["objections", "stored_definitions"]

_FITTING = {
    "token": "boolean code id string uri url canonical oid uuid Coding CodeableConcept Identifier "
    "ContactPoint",
    "reference": "Reference Resource canonical uri",
    "date": "date dateTime instant Period Timing",
    "string": "string markdown code id uri url canonical HumanName Address Annotation "
    "CodeableConcept",
    "number": "decimal integer positiveInt unsignedInt Range",
    "quantity": "Quantity Age Count Distance Duration Money Range SampledData",
    "uri": "uri url canonical oid uuid",
}
"""Types of elements that have values of a kind."""
_ABSTRACT = ("Resource", "DomainResource")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")
_FIRST_WORD = re.compile(r"\(*([A-Za-z]\w*)")

Others = Mapping[str, Json]
"""SearchParameter resources by canonical address; components of composites are among them."""


def stored_definitions(resources: Iterable[Json]) -> dict[str, dict[str, SearchDefinition]]:
    """What SearchParameter resources define, by type and name; drafts and retired ones too.

    What R4 itself defines stays as it is. A resource that cannot be served defines nothing;
    :func:`objections` says so when it is written.
    """
    listed = [resource for resource in resources if "code" in resource]
    others = _by_address(listed)
    added: dict[str, dict[str, SearchDefinition]] = {}
    for resource in listed:
        for type in _types(resource.get("base", ())):
            if resource["code"] not in definitions.search_definitions(type):
                definition = _definition(resource, type, others)
                if definition is not None:
                    added.setdefault(type, {})[resource["code"]] = definition
    return added


def objections(resource: Json, others: Iterable[Json]) -> tuple[str, ...]:
    """Why a SearchParameter resource, valid R4, does not take effect; empty where it does.

    Args:
        resource: what is to be stored.
        others: the SearchParameter resources there are.
    """
    code = resource["code"]
    if not _NAME.fullmatch(code) and not _is_r4s(resource):
        return (f"It is stored, but '{code}' cannot be searched by: a name is of letters, digits, "
                "'-' and '_', and only R4's own begin with '_'.",)  # fmt: skip
    known = _by_address(others)
    overruled, unserved = [], []
    for base in resource["base"]:
        types = tuple(_types([base]))
        if any(_differs(resource, type) for type in types):
            overruled.append(base)
        elif all(_is_undefined(resource, type, known) for type in types):
            unserved.append(base)
    said = []
    if overruled:
        said.append(f"It is stored, but what R4 defines as '{code}' stays in effect for "
                    f"{', '.join(overruled)}.")  # fmt: skip
    if unserved:
        said.append("It is stored, but its type or expression cannot be searched by for "
                    f"{', '.join(unserved)}.")  # fmt: skip
    return tuple(said)


def _is_r4s(resource: Json) -> bool:
    return all(
        resource["code"] in definitions.search_definitions(type)
        for type in _types(resource["base"])
    )


def _differs(resource: Json, type: str) -> bool:
    """Whether R4 defines the name for a type, and otherwise."""
    own = definitions.search_definitions(type).get(resource["code"])
    if own is None or resource.get("url", "").rpartition("/")[2] == own.id:
        return False
    expression = _concerning(resource.get("expression", ""), type)
    return (resource.get("type"), expression) != (own.kind, own.expression)


def _is_undefined(resource: Json, type: str, others: Others) -> bool:
    known = resource["code"] in definitions.search_definitions(type)
    return not known and _definition(resource, type, others) is None


def _by_address(resources: Iterable[Json]) -> Others:
    return {resource["url"]: resource for resource in resources if "url" in resource}


@cache
def _domain_resources() -> tuple[str, ...]:
    types = definitions.resource_types()
    return tuple(type for type in types if definitions.type_of(type).base == "DomainResource")


def _types(bases: Iterable[str]) -> Iterator[str]:
    """The types of resources that bases stand for."""
    for base in bases:
        if base == "Resource":
            yield from definitions.resource_types()
        elif base == "DomainResource":
            yield from _domain_resources()
        else:
            yield base


def _definition(resource: Json, type: str, others: Others) -> SearchDefinition | None:
    """What a SearchParameter resource defines for a type; None if it cannot be served."""
    kind = resource.get("type", "")
    if not _NAME.fullmatch(resource["code"]) or kind not in (*_FITTING, "composite"):
        return None
    expression = _concerning(resource.get("expression", ""), type)
    id, targets = resource.get("id", ""), tuple(resource.get("target", ()))
    if (kind == "composite") is not ("component" in resource):
        return None
    if kind == "composite":
        components = _components(resource, expression, type, others)
        definition = SearchDefinition(kind, expression, id, targets, components)
        return definition if components else None
    if not _fits(kind, _paths(expression, type)):
        return None
    return SearchDefinition(kind, expression, id, targets)


def _concerning(expression: str, type: str) -> str:
    """The alternatives of an expression that may be about a type."""
    parts = [part.strip() for part in expression.split(" | ")]
    return " | ".join(part for part in parts if part and _may_be_about(part, type))


def _may_be_about(part: str, type: str) -> bool:
    first = _FIRST_WORD.match(part)
    word = first[1] if first else ""
    return word in (type, *_ABSTRACT) or word not in definitions.resource_types()


def _paths(expression: str, type: str) -> tuple[Path, ...]:
    """The paths of an expression; none where it is not served."""
    try:
        return compile_paths(expression, type) if expression else ()
    except (ExpressionError, KeyError):
        return ()


def _fits(kind: str, paths: tuple[Path, ...]) -> bool:
    return any(not path.type or path.type in _FITTING[kind].split() for path in paths)


def _components(
    resource: Json, expression: str, type: str, others: Others
) -> tuple[tuple[str, str], ...]:
    """(name, expression) of each component; empty where one cannot be served."""
    bases = _paths(expression, type)
    found = []
    for component in resource["component"]:
        name, kind = _component(component["definition"], type, others)
        text = component["expression"]
        of_all = text.removeprefix("%resource.")
        starts = [type] if of_all != text else [base.type for base in bases]
        if kind not in _FITTING or not starts:
            return ()
        if not all(start and _fits(kind, _paths(of_all, start)) for start in starts):
            return ()
        found.append((name, text))
    return tuple(found)


def _component(address: str, type: str, others: Others) -> tuple[str, str]:
    """Name and kind of the parameter of a type with an address; "" where there is none."""
    url = address.partition("|")[0]
    own = definitions.search_definitions(type)
    other = others.get(url, {})
    if other.get("code") in own or url.startswith("http://hl7.org/fhir/"):
        for name, definition in own.items():
            if definition.id == url.rpartition("/")[2]:
                return name, definition.kind
    if other.get("type") in _FITTING and _definition(other, type, {}) is not None:
        return other["code"], other["type"]
    return "", ""
