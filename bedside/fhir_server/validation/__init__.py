"""Validation of writes: what R4 (4.0.1) demands of a resource, checked by compiled closures."""

from __future__ import annotations

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue
from bedside.fhir_server.validation.elements import Run, check_resource
from bedside.fhir_server.validation.lenient import repair

__all__ = ["repair", "validate"]

_MOST_ISSUES = 20


def validate(resource: Json, policy: str = "strict") -> tuple[Issue, ...]:
    """What is wrong with a resource of a known type; empty when nothing is.

    Args:
        resource: parsed, decimals as :class:`decimal.Decimal`.
        policy: ``strict``; ``lenient``, which also takes references without a type; or
            ``fhir.resources``, which also asks the models of that library.
    """
    run = Run(resource, bare_references=policy == "lenient")
    check_resource(resource, run)
    issues = run.issues
    if policy == "fhir.resources":
        from bedside.fhir_server.validation.opinion import model_issues

        issues += model_issues(resource, issues)
    return tuple(issues[:_MOST_ISSUES])
