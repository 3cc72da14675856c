"""Lenient repair: what HAPI's lenient parser takes in, put right and said.

A wrong JSON type, an unknown element, an empty value: there they are logged and passed over. Here
the resource is changed to what it then means, so that what is stored is valid.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from bedside.fhir_server import definitions
from bedside.fhir_server.definitions import Element
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue
from bedside.fhir_server.validation.primitives import PRIMITIVES

__all__ = ["repair"]

_DROP = object()
Notes = list[Issue]

_NUMBERS = ("decimal", "integer", "unsignedInt", "positiveInt")


def repair(resource: Json) -> tuple[Json, tuple[Issue, ...]]:
    """A resource of a known type with what can be repaired put right, and what that was."""
    notes: Notes = []
    type = resource["resourceType"]
    repaired = _object(resource, type, type, notes)
    return repaired, tuple(notes)


def _object(node: Json, type: str, path: str, notes: Notes) -> Json:
    members = _members(type)
    result: Json = {}
    for name, value in node.items():
        here = f"{path}.{name}"
        if name == "resourceType":
            result[name] = value
            continue
        found = members.get(name)
        if found is None:
            _note(notes, here, "is no element here and was left out")
            continue
        element, member_type = found
        repaired = _member(value, element, member_type, here, notes)
        if repaired is not _DROP:
            result[name] = repaired
    for name in [name for name in result if name[0] == "_"]:
        _fill_up(result, node, name, name[1:], path, notes)
        _fill_up(result, node, name[1:], name, path, notes)
    return result


def _fill_up(result: Json, node: Json, name: str, other: str, path: str, notes: Notes) -> None:
    """Make an array as long as the other of its name, unless an item of either was left out."""
    short, long = (_kept_whole(result, node, each) for each in (name, other))
    if short and len(short) < len(long):
        _note(notes, f"{path}.{name}", f"is shorter than {other} and was filled with null")
        result[name] = short + [None] * (len(long) - len(short))


def _kept_whole(result: Json, node: Json, name: str) -> list[Any]:
    before, after = node.get(name), result.get(name)
    same = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
    return after if same and after else []


def _members(type: str) -> dict[str, tuple[Element, str]]:
    members = {}
    for name, element in definitions.elements(type).items():
        plain = name.removesuffix("[x]")
        for each in element.types:
            member = f"{plain}{each[0].upper()}{each[1:]}" if name.endswith("[x]") else name
            members[member] = (element, each)
            if each in PRIMITIVES:
                members[f"_{member}"] = (element, "Element")
    return members


def _member(value: Any, element: Element, type: str, path: str, notes: Notes) -> Any:
    if isinstance(value, list) and not element.many and len(value) == 1:
        _note(notes, path, "holds one value and was taken out of its array")
        value = value[0]
    if element.many and not isinstance(value, list) and value is not None:
        _note(notes, path, "is an array and was put into one")
        value = [value]
    if not isinstance(value, list):
        return _value(value, type, path, notes)
    if not element.many:
        return value
    items = [_value(item, type, f"{path}[{i}]", notes) for i, item in enumerate(value)]
    kept = [item for item in items if item is not _DROP]
    if not kept:
        if not value:
            _note(notes, path, "is empty and was left out")
        return _DROP
    return kept


def _value(value: Any, type: str, path: str, notes: Notes) -> Any:
    if value is None or value in ("", {}):
        if value is None and type in (*PRIMITIVES, "Element"):
            return value if path.endswith("]") else _dropped(path, notes)
        return _dropped(path, notes)
    if type in PRIMITIVES:
        return _primitive(value, type, path, notes)
    if isinstance(value, str) and type == "CodeableConcept":
        _note(notes, path, "is a CodeableConcept; its text was taken as the concept's text")
        return {"text": value}
    if not isinstance(value, dict):
        return value
    if type == "Resource":
        own = value.get("resourceType")
        known = isinstance(own, str) and own in definitions.resource_types()
        return _object(value, str(own), path, notes) if known else value
    return _object(value, type, path, notes)


def _primitive(value: Any, type: str, path: str, notes: Notes) -> Any:
    if type in _NUMBERS and isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return value
        if number.is_finite() and PRIMITIVES["decimal"](number):
            _note(notes, path, "is a number and was taken out of its quotes")
            return int(number) if type != "decimal" and number == int(number) else number
    elif type == "boolean" and value in ("true", "false"):
        _note(notes, path, "is true or false and was taken out of its quotes")
        return value == "true"
    elif type not in (*_NUMBERS, "boolean") and isinstance(value, bool):
        _note(notes, path, "is text and was put into quotes")
        return "true" if value else "false"
    elif type not in (*_NUMBERS, "boolean") and isinstance(value, int | Decimal):
        _note(notes, path, "is text and was put into quotes")
        return str(value)
    return value


def _dropped(path: str, notes: Notes) -> Any:
    _note(notes, path, "is empty and was left out")
    return _DROP


def _note(notes: list[Issue], path: str, message: str) -> None:
    notes.append(Issue("structure", f"{path} {message}.", (path,)))
