"""Validation of writes: a strict walk along the R4B models of fhir.resources, then the models.

The models are the reference, but they coerce (``"72"`` for a number), and pass unknown codes, empty
elements and references to a wrong type. The walk checks these, driven by the models' own metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, get_args

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue
from bedside.fhir_server.population import ID

__all__ = ["validate"]

_MOST_ISSUES = 20

_CODES: Mapping[tuple[str, str], str] = {
    ("Observation", "status"): "registered preliminary final amended corrected cancelled "
    "entered-in-error unknown",
    ("Encounter", "status"): "planned arrived triaged in-progress onleave finished cancelled "
    "entered-in-error unknown",
    ("EncounterStatusHistory", "status"): "planned arrived triaged in-progress onleave finished "
    "cancelled entered-in-error unknown",
    ("DiagnosticReport", "status"): "registered partial preliminary final amended corrected "
    "appended cancelled entered-in-error unknown",
    ("Task", "status"): "draft requested received accepted rejected ready cancelled in-progress "
    "on-hold failed completed entered-in-error",
}
"""Required codes that the models' metadata cuts short."""

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_CONCEPTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Condition", "clinicalStatus"): (
        "condition-clinical",
        "active recurrence relapse inactive remission resolved",
    ),
    ("Condition", "verificationStatus"): (
        "condition-ver-status",
        "unconfirmed provisional differential confirmed refuted entered-in-error",
    ),
    ("AllergyIntolerance", "clinicalStatus"): (
        "allergyintolerance-clinical",
        "active inactive resolved",
    ),
    ("AllergyIntolerance", "verificationStatus"): (
        "allergyintolerance-verification",
        "unconfirmed confirmed refuted entered-in-error",
    ),
}
"""CodeableConcepts that must carry a code of one system: (system, codes)."""

_HINTS: Mapping[str, str] = {
    "Date": "an existing date: YYYY, YYYY-MM or YYYY-MM-DD",
    "DateTime": "an existing date, YYYY-MM-DD, or time, YYYY-MM-DDThh:mm:ss+zz:zz",
    "Instant": "an instant: YYYY-MM-DDThh:mm:ss+zz:zz",
    "Time": "a time: hh:mm:ss",
    "Id": "1 to 64 letters, digits, '-' or '.'",
    "Code": "a code: text without spaces at its ends",
    "Uri": "a URI without spaces",
    "Url": "a URL without spaces",
    "Canonical": "a canonical URL without spaces",
    "String": "text that is not empty",
    "Markdown": "text that is not empty",
    "PositiveInt": "a whole number from 1",
    "UnsignedInt": "a whole number from 0",
    "Integer": "a whole number",
    "Decimal": "a number",
    "Boolean": "true or false",
}
_REFERENCE = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
_OTHER_REFERENCE = re.compile(r"#\S*|urn:\S+|https?://\S+")


class _Element:
    """What an element of a model holds.

    Attributes:
        many: it is an array.
        complex: name of the model of its objects, or "" for a primitive.
        primitive: name of the primitive type, a key of the hints.
        python: the Python types of that primitive.
        codes: the codes it may have; empty for any.
        concept: the system and codes one of which its CodeableConcept must carry, if any.
        targets: the types it may refer to; empty for any.
    """

    __slots__ = ("codes", "complex", "concept", "many", "primitive", "python", "targets")

    def __init__(self, model: str, name: str, field: Any) -> None:
        leaves = list(_leaves(field.annotation))
        extra = field.json_schema_extra or {}
        self.many = list in leaves
        self.complex = next((leaf for leaf in leaves if isinstance(leaf, str)), "")
        types = [leaf for leaf in leaves if isinstance(leaf, type) and leaf is not list]
        self.python = _accepted(types[0]) if types else (str,)
        marks = [type(leaf).__name__ for leaf in leaves if not isinstance(leaf, type | str)]
        self.primitive = marks[-1] if marks else ("Boolean" if bool in types else "String")
        listed = _CODES.get((model, name), "").split() or extra.get("enum_values", [])
        self.codes = tuple(listed) if self.primitive == "Code" and "etc." not in listed else ()
        self.targets = tuple(extra.get("enum_reference_types", ()))
        self.concept = _CONCEPTS.get((model, name))

    def accepts(self, value: Any) -> bool:
        """Whether a primitive value has the right JSON type."""
        if isinstance(value, bool):
            return bool in self.python
        return isinstance(value, self.python)


def _leaves(annotation: Any) -> Iterator[Any]:
    """The array marker, model names, Python types and FHIR markers of an annotation."""
    if getattr(annotation, "__origin__", None) is list:
        yield list
    arguments = get_args(annotation)
    metadata = getattr(annotation, "__metadata__", ())
    for argument in arguments:
        if argument not in metadata:
            yield from _leaves(argument)
    yield from metadata
    if not arguments and isinstance(annotation, type) and annotation is not type(None):
        is_model = annotation.__module__ == "abc"
        yield annotation.__name__.removesuffix("Type") if is_model else annotation


def _accepted(python: type) -> tuple[type, ...]:
    if python is Decimal:
        return (int, Decimal)
    return (python,) if python in (int, bool) else (str,)


@cache
def _model(name: str) -> Any:
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(name)


@cache
def _elements(model: str) -> Mapping[str, _Element]:
    return {
        field.alias: _Element(model, field.alias, field)
        for field in _model(model).model_fields.values()
        if field.alias != "fhir_comments"
    }


def repair(resource: Json) -> tuple[Json, tuple[Issue, ...]]:
    return resource, ()


def validate(resource: Json, policy: str = "strict") -> tuple[Issue, ...]:
    """What is wrong with a resource of a served type; empty when nothing is."""
    type = resource["resourceType"]
    issues = list(_walk(resource, type, type))
    named = tuple(issue.expression[0] for issue in issues)
    issues += [issue for issue in _model_issues(resource, type) if not _within(issue, named)]
    return tuple(issues[:_MOST_ISSUES])


def _within(issue: Issue, paths: tuple[str, ...]) -> bool:
    """Whether the issue is about one of the elements, or a part of one."""
    here = issue.expression[0]
    return any(here == path or here.startswith((f"{path}.", f"{path}[")) for path in paths)


def _walk(node: Json, model: str, path: str) -> Iterator[Issue]:
    if not node:
        yield _issue("value", path, "is an empty object; leave it out or fill it")
        return
    elements = _elements(model)
    for name, value in node.items():
        element = elements.get(name)
        here = f"{path}.{name}"
        if element is None:
            if name != "resourceType" or "implicitRules" not in elements:
                yield _unknown(here, model, elements)
        elif value is None:
            yield _issue("value", here, "is null; leave the element out")
        elif element.many:
            yield from _walk_many(value, element, here, f"_{name}" in node or name[0] == "_")
        elif isinstance(value, list):
            yield _issue("structure", here, "is an array, but holds one value; drop the brackets")
        else:
            yield from _walk_value(value, element, here)


def _walk_many(value: Any, element: _Element, path: str, gaps: bool) -> Iterator[Issue]:
    if not isinstance(value, list):
        yield _issue("structure", path, "is an array; put the value in [ ]")
    elif not value:
        yield _issue("value", path, "is an empty array; leave it out or fill it")
    else:
        for index, item in enumerate(value):
            here = f"{path}[{index}]"
            if item is None:
                if not gaps:
                    yield _issue("value", here, "is null; leave it out")
            else:
                yield from _walk_value(item, element, here)


def _walk_value(value: Any, element: _Element, path: str) -> Iterator[Issue]:
    if element.complex:
        if not isinstance(value, dict):
            yield _issue(
                "structure", path, f"must be an object ({element.complex}), not {_named(value)}"
            )
        elif element.complex == "Resource":
            yield from _walk_contained(value, path)
        else:
            yield from _walk(value, element.complex, path)
            yield from _concept_issues(value, element, path)
            if element.complex == "Reference":
                yield from _reference_issues(value, element, path)
    elif not element.accepts(value):
        hint = _HINTS.get(element.primitive, "text")
        yield _issue("value", path, f"must be {hint}, not {_named(value)}")
    elif element.primitive == "Id" and not ID.fullmatch(str(value)):
        yield _issue("value", path, f"must be {_HINTS['Id']}")
    elif element.codes and value not in element.codes:
        yield _issue("code-invalid", path, f"is {value!r}; use one of: {', '.join(element.codes)}")


def _walk_contained(value: Json, path: str) -> Iterator[Issue]:
    type = value.get("resourceType")
    try:
        known = isinstance(type, str) and "implicitRules" in _elements(type)
    except (ValueError, LookupError):
        known = False
    if known:
        yield from _walk(value, str(type), path)
    else:
        yield _issue("structure", path, f"has resourceType {type!r}, which is no FHIR resource")


def _concept_issues(value: Json, element: _Element, path: str) -> Iterator[Issue]:
    if element.concept is None:
        return
    system, codes = f"{_TERMINOLOGY}{element.concept[0]}", element.concept[1].split()
    codings = value.get("coding", ())
    found = [
        coding.get("code")
        for coding in codings
        if isinstance(coding, dict) and coding.get("system") == system
    ]
    if not any(code in codes for code in found):
        yield _issue(
            "code-invalid",
            path,
            f"needs a coding with system '{system}' and one of the codes: {', '.join(codes)}",
        )


def _reference_issues(value: Json, element: _Element, path: str) -> Iterator[Issue]:
    text = value.get("reference")
    if not isinstance(text, str):
        return
    match = _REFERENCE.fullmatch(text)
    here, targets = f"{path}.reference", element.targets
    if match is None:
        if not _OTHER_REFERENCE.fullmatch(text):
            example = f"{targets[0] if targets else 'Patient'}/123"
            yield _issue("value", here, f"is {text!r}; write Type/id, e.g. {example}")
    elif targets and "Resource" not in targets and match[1] not in targets:
        yield _issue("value", here, f"refers to a {match[1]}; use one of: {', '.join(targets)}")


def _unknown(path: str, model: str, elements: Mapping[str, _Element]) -> Issue:
    known = ", ".join(name for name in elements if name[0] != "_")
    return _issue("structure", path, f"is no element of {model}; its elements are: {known}")


def _model_issues(resource: Json, type: str) -> Iterator[Issue]:
    from pydantic import ValidationError

    try:
        _model(type).model_validate(resource)
    except LookupError:
        return  # a contained resource of no known type, which the walk has named
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            yield _model_issue(type, item["loc"], item["type"], item["msg"])


def _model_issue(type: str, loc: tuple[int | str, ...], kind: str, message: str) -> Issue:
    path, model, element = type, type, None
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
            continue
        path += ".resourceType" if step == "resource_type" else f".{step}"
        element = _elements(model).get(step)
        model = element.complex if element and element.complex else model
    if kind.endswith("missing"):
        return _issue("required", path, "is required; add it")
    choice = re.findall(r"'(\w+)'", message)
    if "multiple" in message:
        return _issue("structure", path, f"may have one only of: {', '.join(choice)}")
    if "Expect any of" in message:
        return _issue("required", path, f"needs one of: {', '.join(choice)}")
    if element and not element.complex and element.primitive in _HINTS:
        return _issue("value", path, f"must be {_HINTS[element.primitive]}")
    return _issue("invalid", path, f"is not valid: {message}")


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, str) else f"the number {value}"


def _issue(code: str, path: str, message: str) -> Issue:
    return Issue(code, f"{path} {message}.", (path,))
