"""Structure: closures compiled per type: members, counts, formats, codes, references, rules."""

from __future__ import annotations

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
from bedside.fhir_server.validation.references import reference_fault

__all__ = ["Place", "Run", "check_entry", "check_resource"]

Place = tuple[Any, str, int]
"""Where an element is: the place it is in (None for a resource), its name, and its index or -1."""

Check = Callable[[Any, Place, "Run"], None]
Member = tuple[Check, str]
_Rule = tuple[str, str, Invariant]


class Run:
    """One validation: what was found so far.

    Attributes:
        issues: what is wrong.
        root: the resource.
        bare_references: a reference may be an id without a type.
        conditions: a reference may be conditional.
    """

    __slots__ = ("bare_references", "conditions", "issues", "root")

    def __init__(self, root: Json, *, bare_references: bool, conditions: bool) -> None:
        self.root = root
        self.bare_references = bare_references
        self.conditions = conditions
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


def check_entry(entry: Json, at: int, run: Run) -> None:
    """Check the entry at an index of a Bundle."""
    _entry_check()(entry, ((None, "Bundle", -1), "entry", at), run)


@cache
def _entry_check() -> Check:
    element = definitions.elements("Bundle")["entry"]
    return _complex(element, element.types[0])


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
            plain = name.removeprefix("_")
            first = chosen.setdefault(choice, plain)
            if first != plain:
                run.add("structure", here, f"may not stand beside {first}: one only of {choice}[x]")
        if type(value) is list and (None in value or name[0] == "_"):
            _check_alignment(value, node, here, run)
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
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
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


def _check_alignment(value: list[Any], node: Json, place: Place, run: Run) -> None:
    """A name's two arrays are equally long; null stands where only the other has something."""
    holder, name, _ = place
    partner = name[1:] if name[0] == "_" else f"_{name}"
    other = node.get(partner)
    beside = other if type(other) is list else []
    for index, item in enumerate(value):
        if item is None and (index >= len(beside) or beside[index] is None):
            run.add("value", (holder, name, index), "is null; leave it out")
    if name[0] == "_" and beside and len(value) != len(beside):
        run.add("structure", place, f"has {len(value)} items, {partner} {len(beside)}; fill the "
                "shorter with null")  # fmt: skip


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
                members[f"_{member}"] = (_extras(element), choice)
                names.append(f"_{member}")
        if element.min:
            required.append((plain, frozenset(names)))
    if definitions.type_of(name).kind == "resource":
        members["resourceType"] = (_anything, "")
    if "contained" in members:
        members["contained"] = (_check_all_contained, "")
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
        found += _enforced(type.rules, name)
        name = type.base
    return found


def _enforced(rules: Iterable[Rule], owner: str = "") -> list[_Rule]:
    found = [(r, INVARIANTS.get(f"{owner}/{r.key}") or INVARIANTS.get(r.key)) for r in rules]
    return [(rule.key, rule.human, holds) for rule, holds in found if holds is not None]


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
                if item is not None:
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
        return _check_independent
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
            fault = reference_fault(
                value, targets, run.root, bare=run.bare_references, conditions=run.conditions
            )
            if fault is not None:
                code, member, message = fault
                run.add(code, (place, member, -1), message)
        if codes is not None:
            wrong = codes(value)
            if wrong:
                run.add("code-invalid", place, wrong)
        if rules:
            _check_rules(rules, value, place, run)

    return check


def _check_resource_within(value: Any, place: Place, run: Run) -> None:
    type_name = value.get("resourceType") if type(value) is dict else None
    if type_name not in definitions.resource_types():
        run.add("structure", place, f"has resourceType {type_name!r}, which is no resource type")
    else:
        _check_object(_shape(str(type_name)), value, place, run)


def _check_independent(value: Any, place: Place, run: Run) -> None:
    """A resource in a Bundle or Parameters: what it contains is its own."""
    outer, run.root = run.root, value
    _check_resource_within(value, place, run)
    run.root = outer


_check_each_contained = _many(_check_resource_within)


def _check_all_contained(value: Any, place: Place, run: Run) -> None:
    _check_each_contained(value, place, run)
    seen = set()
    for index, item in enumerate(value if type(value) is list else ()):
        id = item.get("id") if type(item) is dict else None
        if type(id) is str and id in seen:
            here = ((place[0], place[1], index), "id", -1)
            run.add("value", here, f"is {id!r}, as another contained resource's; change one")
        seen.add(str(id))


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
