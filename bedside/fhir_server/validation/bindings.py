"""Required bindings: elements whose codes must come from a value set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bedside.fhir_server import definitions

__all__ = ["code_fault"]

Fault = Callable[[Any], str]
"""What is wrong with a value, as a sentence's end; "" when nothing is."""

_MOST_LISTED = 25


def code_fault(url: str, type: str) -> Fault | None:
    """The check of an element's codes.

    Args:
        url: address of the value set.
        type: ``code``, ``uri``, ``string``, ``Coding``, ``CodeableConcept`` or ``Quantity``; None
            is returned for any other, as for a Quantity in a choice of types.
    """
    codes = definitions.codes(url)
    if type in ("code", "uri", "string"):
        return _plain(codes)
    return {"Coding": _coding, "CodeableConcept": _concept, "Quantity": _quantity}.get(
        type, lambda codes: None
    )(codes)


def _plain(codes: Mapping[str, frozenset[str]]) -> Fault:
    every = frozenset[str]().union(*codes.values())
    listed = _listed(every)
    return lambda value: "" if value in every else f"is {value!r}; use one of: {listed}"


def _coding(codes: Mapping[str, frozenset[str]]) -> Fault:
    mend = _mend(codes)

    def fault(value: Any) -> str:
        if "code" not in value or value["code"] in codes.get(str(value.get("system")), ()):
            return ""
        return f"has the code {value.get('system')}|{value['code']}; {mend}"

    return fault


def _concept(codes: Mapping[str, frozenset[str]]) -> Fault:
    mend = _mend(codes)

    def fault(value: Any) -> str:
        codings = value.get("coding", ())
        if any(
            type(coding) is dict and coding.get("code") in codes.get(str(coding.get("system")), ())
            for coding in codings
        ):
            return ""
        return f"needs a coding of its value set; {mend}"

    return fault


def _quantity(codes: Mapping[str, frozenset[str]]) -> Fault:
    mend = _mend(codes)

    def fault(value: Any) -> str:
        if "code" not in value or value["code"] in codes.get(str(value.get("system")), ()):
            return ""
        return f"has the unit {value.get('system')}|{value['code']}; {mend}"

    return fault


def _mend(codes: Mapping[str, frozenset[str]]) -> str:
    return " or ".join(
        f"use system '{system}' and one of: {_listed(listed)}" for system, listed in codes.items()
    )


def _listed(codes: frozenset[str]) -> str:
    ordered = sorted(codes)
    if len(ordered) <= _MOST_LISTED:
        return ", ".join(ordered)
    return f"{', '.join(ordered[:_MOST_LISTED])} and {len(ordered) - _MOST_LISTED} more"
