"""Structure: closures compiled per type: members, counts, formats, codes, references, rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from bedside.fhir_server import definitions
from bedside.fhir_server.definitions import Element, Rule
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue
from bedside.fhir_server.validation.bindings import code_fault
from bedside.fhir_server.validation.invariants import INVARIANTS, Invariant
from bedside.fhir_server.validation.narrative import narrative_fault
from bedside.fhir_server.validation.primitives import HINTS, PRIMITIVES

__all__ = ["Place", "Run", "check_resource"]

Place = tuple[Any, str, int]
"""Where an element is: the place it is in (None for a resource), its name, and its index or -1."""

Check = Callable[[Any, Place, "Run"], None]
Member = tuple[Check, str]
_Rule = tuple[str, str, Invariant]

_REFERENCE = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
_OTHER_REFERENCE = re.compile(r"#\S*|urn:\S+|https?://\S+|[A-Z][A-Za-z]+\?\S+")


class Run:
    """One validation: what was found so far.

    Attributes:
        issues: what is wrong.
        root: the resource.
        bare_references: a reference may be an id without a type.
    """

    __slots__ = ("bare_references", "issues", "root")

    def __init__(self, root: Json, bare_references: bool) -> None:
        self.root = root
        self.bare_references = bare_references
        self.issues: list[Issue] = []

    def add(self, code: str, place: Place, message: str) -> None:
        """Note what is wrong at a place."""
        path = path_of(place)
        self.issues.append(Issue(code, f"{path} {message}.", (path,)))


def path_of(place: Place) -> str:
    """The FHIRPath of a place."""
    parts: list[str] = []
    at: Place | None = place
    while at is not None:
        at, name, index = at
        parts.append(name if index < 0 else f"{name}[{index}]")
    return ".".join(reversed(parts))


class _Shape(NamedTuple):
    """What a type's JSON may hold.

    Attributes:
        name: of the type.
        members: how each member is checked, and the choice it belongs to ("" for none).
        required: members that must be there, each as the names that would do.
        rules: its invariants.
    """

    name: str
    members: Mapping[str, Member]
    required: tuple[tuple[str, frozenset[str]], ...]
    rules: tuple[_Rule, ...]


def check_resource(resource: Json, run: Run) -> None:
    """Check a resource of a known type."""
    type = resource["resourceType"]
    _check_object(_shape(type), resource, (None, type, -1), run)


def _check_object(shape: _Shape, node: Json, place: Place, run: Run) -> None:
    if not node:
        run.add("value", place, "is an empty object; leave it out or fill it")
        return
    members = shape.members
    chosen: dict[str, str] = {}
    for name, value in node.items():
        member = members.get(name)
        if member is None:
            _note_unknown(shape, name, place, run)
            continue
        check, choice = member
        here = (place, name, -1)
        if choice:
            if choice in chosen:
                run.add("structure", here, f"may not stand beside {chosen[choice]}: one only of "
                        f"{choice}[x]")  # fmt: skip
            chosen[choice] = name
        if type(value) is list and None in value:
            value = _without_gaps(value, node, here, run)
        check(value, here, run)
    for name, names in shape.required:
        if names.isdisjoint(node):
            run.add("required", (place, name, -1), _required_mend(name, names))
    _check_rules(shape.rules, node, place, run)


def _check_rules(rules: Iterable[_Rule], node: Json, place: Place, run: Run) -> None:
    """Check invariants; of a node whose structure is wrong they say nothing."""
    for key, sentence, holds in rules:
        try:
            kept = holds(node)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        if not kept:
            run.add("invariant", place, f"breaks {key}: {sentence.rstrip('.')}")


def _required_mend(name: str, names: frozenset[str]) -> str:
    if name.endswith("[x]"):
        plain = sorted(each for each in names if not each.startswith("_"))
        return f"is required; add one of: {', '.join(plain)}"
    return "is required; add it"


def _note_unknown(shape: _Shape, name: str, place: Place, run: Run) -> None:
    known = [each for each in shape.members if each[0] != "_" and each != "resourceType"]
    near = get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}" if near else f"its elements are: {', '.join(known)}"
    run.add("structure", (place, name, -1), f"is no element of {shape.name}; {hint}")


def _without_gaps(value: list[Any], node: Json, place: Place, run: Run) -> list[Any]:
    """The items of an array; null stands where only the other of a name's two arrays has one."""
    name = place[1]
    other = node.get(name[1:] if name[0] == "_" else f"_{name}")
    for index, item in enumerate(value):
        if item is None:
            paired = other[index] if isinstance(other, list) and index < len(other) else None
            if paired is None:
                run.add("value", (place[0], name, index), "is null; leave it out")
    return [item for item in value if item is not None] or value[:0]


@cache
def _shape(name: str) -> _Shape:
    members: dict[str, Member] = {}
    required: list[tuple[str, frozenset[str]]] = []
    for plain, element in definitions.elements(name).items():
        names = []
        for member, type in _json_names(plain, element):
            choice = plain.removesuffix("[x]") if plain.endswith("[x]") else ""
            members[member] = (_check(element, type), choice)
            names.append(member)
            if type in PRIMITIVES:
                members[f"_{member}"] = (_extras(element), "")
                names.append(f"_{member}")
        if element.min:
            required.append((plain, frozenset(names)))
    if definitions.type_of(name).kind == "resource":
        members["resourceType"] = (_anything, "")
    return _Shape(name, members, tuple(required), tuple(_rules(name)))


def _json_names(name: str, element: Element) -> list[tuple[str, str]]:
    """(member, type) of an element; a choice has one for each of its types."""
    if not name.endswith("[x]"):
        return [(name, element.types[0])]
    plain = name.removesuffix("[x]")
    return [(f"{plain}{type[0].upper()}{type[1:]}", type) for type in element.types]


def _rules(name: str) -> list[_Rule]:
    found: list[_Rule] = []
    while name:
        type = definitions.type_of(name)
        found += _enforced(type.rules)
        name = type.base
    return found


def _enforced(rules: Iterable[Rule]) -> list[_Rule]:
    return [(r.key, r.human, INVARIANTS[r.key]) for r in rules if r.key in INVARIANTS]


def _anything(value: Any, place: Place, run: Run) -> None:
    """The type of a resource is looked at before its members."""


def _check(element: Element, type: str) -> Check:
    if type not in PRIMITIVES:
        check = _complex(element, type)
    elif type == "xhtml":
        check = _check_narrative
    else:
        check = _primitive(element, type)
        if not element.many:
            return check
    return _many(check) if element.many else _one(check)


def _one(check: Check) -> Check:
    def one(value: Any, place: Place, run: Run) -> None:
        if type(value) is list:
            run.add("structure", place, "is an array, but holds one value; drop the brackets")
        elif value is None:
            run.add("value", place, "is null; leave the element out")
        else:
            check(value, place, run)

    return one


def _many(check: Check) -> Check:
    def many(value: Any, place: Place, run: Run) -> None:
        if type(value) is not list:
            if value is None:
                run.add("value", place, "is null; leave the element out")
            else:
                run.add("structure", place, "must be an array; put the value in [ ]")
        elif not value:
            run.add("value", place, "is an empty array; leave it out or fill it")
        else:
            parent, name, _ = place
            for index, item in enumerate(value):
                check(item, (parent, name, index), run)

    return many


def _primitive(element: Element, primitive: str) -> Check:
    accepts = PRIMITIVES[primitive]
    codes = code_fault(element.codes, primitive) if element.codes else None

    def refuse(value: Any, place: Place, run: Run) -> None:
        run.add("value", place, f"must be {HINTS[primitive]}, not {_named(value)}")

    refuse_all = _one(refuse)

    def check(value: Any, place: Place, run: Run) -> None:
        if not accepts(value):
            refuse_all(value, place, run)
        elif codes is not None:
            fault = codes(value)
            if fault:
                run.add("code-invalid", place, fault)

    return check


def _check_narrative(value: Any, place: Place, run: Run) -> None:
    fault = narrative_fault(value) if type(value) is str else f"must be {HINTS['xhtml']}"
    if fault:
        run.add("structure", place, fault)


def _extras(element: Element) -> Check:
    """The ``_name`` beside a primitive: its id and extensions."""

    def check(value: Any, place: Place, run: Run) -> None:
        if type(value) is not dict:
            run.add("structure", place, f"must be an object, not {_named(value)}")
        else:
            _check_object(_shape("Element"), value, place, run)

    return _many(check) if element.many else _one(check)


def _complex(element: Element, type_name: str) -> Check:
    if type_name == "Resource":
        return _check_contained
    codes = code_fault(element.codes, type_name) if element.codes else None
    targets = element.targets
    rules = _enforced(element.rules)
    is_reference = type_name == "Reference"

    def check(value: Any, place: Place, run: Run) -> None:
        if type(value) is not dict:
            run.add("structure", place, f"must be an object ({type_name}), not {_named(value)}")
            return
        _check_object(_shape(type_name), value, place, run)
        if is_reference:
            _check_reference(value, targets, place, run)
        if codes is not None:
            fault = codes(value)
            if fault:
                run.add("code-invalid", place, fault)
        if rules:
            _check_rules(rules, value, place, run)

    return check


def _check_contained(value: Any, place: Place, run: Run) -> None:
    type_name = value.get("resourceType") if type(value) is dict else None
    if type_name not in definitions.resource_types():
        run.add("structure", place, f"has resourceType {type_name!r}, which is no resource type")
    else:
        _check_object(_shape(str(type_name)), value, place, run)


def _check_reference(value: Json, targets: tuple[str, ...], place: Place, run: Run) -> None:
    text = value.get("reference")
    if type(text) is not str or not text:
        return
    match = _REFERENCE.fullmatch(text)
    here = (place, "reference", -1)
    if match is None:
        if text.startswith("#") and len(text) > 1:
            if not any(
                type(item) is dict and item.get("id") == text[1:]
                for item in run.root.get("contained", ())
            ):
                run.add("not-found", here, f"is {text!r}, but no contained resource has that id")
        elif not _OTHER_REFERENCE.fullmatch(text) and not run.bare_references:
            example = f"{targets[0] if targets else 'Patient'}/123"
            run.add("value", here, f"is {text!r}; write Type/id, e.g. {example}")
    elif match[1] not in definitions.resource_types():
        if "://" not in text:
            run.add("value", here, f"refers to a {match[1]}, which is no resource type")
    elif targets and match[1] not in targets:
        run.add("value", here, f"refers to a {match[1]}; use one of: {', '.join(targets)}")


def _named(value: Any) -> str:
    if type(value) is dict:
        return "an object"
    if type(value) is list:
        return "an array"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        return repr(value if len(value) < 50 else f"{value[:47]}...")
    return "null" if value is None else f"the number {value}"
