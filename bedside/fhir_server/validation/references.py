"""References: their form, the type they lead to, and the type they say they lead to."""

from __future__ import annotations

import re

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import Json

__all__ = ["reference_fault"]

_REFERENCE = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
_CONDITION = re.compile(r"([A-Z][A-Za-z]+)\?\S+")
_ADDRESS = re.compile(r"urn:\S+|https?://\S+")
_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
_ANY_TYPE = ("Resource", "DomainResource")

Fault = tuple[str, str, str]
"""The code of an issue, the member it is about, and what is wrong as a sentence's end."""


def reference_fault(
    value: Json, targets: tuple[str, ...], root: Json, *, bare: bool, conditions: bool
) -> Fault | None:
    """What is wrong with a Reference whose structure is right.

    Args:
        value: the Reference.
        targets: types it may lead to; empty for any.
        root: the resource that holds what is contained.
        bare: it may be an id without a type.
        conditions: it may be conditional.
    """
    text = value.get("reference")
    kind = ""
    if type(text) is str and text:
        match = _REFERENCE.fullmatch(text)
        condition = None if match else _CONDITION.fullmatch(text)
        if match is not None:
            kind = match[1]
        elif condition is not None:
            if not conditions:
                return ("value", "reference", f"is {text!r}; a condition is for transactions "
                        "alone, elsewhere write Type/id")  # fmt: skip
            kind = condition[1]
        elif text[0] == "#":
            kind = _contained_type(text[1:], root)
            if not kind:
                return ("not-found", "reference",
                        f"is {text!r}, but no contained resource has that id")  # fmt: skip
        elif not bare and not _ADDRESS.fullmatch(text):
            example = f"{targets[0] if targets else 'Patient'}/123"
            return "value", "reference", f"is {text!r}; write Type/id, e.g. {example}"
        if kind and kind not in targets:
            if kind not in definitions.resource_types():
                if "://" not in text:
                    return ("value", "reference",
                            f"refers to a {kind}, which is no resource type")  # fmt: skip
                kind = ""
            elif targets:
                return ("value", "reference",
                        f"refers to a {kind}; use one of: {', '.join(targets)}")  # fmt: skip
    return _type_fault(value["type"], kind, targets) if "type" in value else None


def _contained_type(id: str, root: Json) -> str:
    """The type of the contained resource with an id, or for no id of the one it is in."""
    if not id:
        return str(root["resourceType"])
    for item in root.get("contained", ()):
        if type(item) is dict and item.get("id") == id:
            return str(item.get("resourceType"))
    return ""


def _type_fault(said: object, kind: str, targets: tuple[str, ...]) -> Fault | None:
    """What is wrong with the type a Reference says; another's definition is not known here."""
    name = said.removeprefix(_DEFINITION) if type(said) is str else ""
    if not name or "://" in name or name in _ANY_TYPE:
        return None
    if kind and name != kind:
        return "value", "type", f"is {said!r}, but the reference leads to a {kind}"
    if targets and name not in targets and name in definitions.resource_types():
        return "value", "type", f"is {said!r}; use one of: {', '.join(targets)}"
    return None
