"""Validation of writes: what R4 (4.0.1) demands of a resource, checked by compiled closures."""

from __future__ import annotations

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue
from bedside.fhir_server.validation.elements import Run, check_entry, check_resource
from bedside.fhir_server.validation.lenient import repair

__all__ = ["repair", "validate", "validate_entry"]

_MOST_ISSUES = 20


def validate(
    resource: Json, policy: str = "strict", *, conditions: bool = True
) -> tuple[Issue, ...]:
    """What is wrong with a resource of a known type; empty when nothing is.

    Args:
        resource: parsed, decimals as :class:`decimal.Decimal`.
        policy: ``strict``; ``lenient``, which also takes references without a type; or
            ``fhir.resources``, which also asks the models of that library.
        conditions: take conditional references, such as ``Patient?identifier=1``.
    """
    run = Run(resource, bare_references=policy == "lenient", conditions=conditions)
    check_resource(resource, run)
    issues = run.issues
    if policy == "fhir.resources":
        from bedside.fhir_server.validation.opinion import model_issues

        issues += model_issues(resource, issues)
    return tuple(issues[:_MOST_ISSUES])


def validate_entry(entry: Json, at: int) -> tuple[Issue, ...]:
    """What is wrong with the entry at an index of a Bundle; the resource in it is left aside."""
    run = Run(entry, bare_references=False, conditions=True)
    check_entry({name: value for name, value in entry.items() if name != "resource"}, at, run)
    return tuple(run.issues[:_MOST_ISSUES])
