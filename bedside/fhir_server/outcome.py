"""Why a request is refused: OperationOutcomes that name the element and the mend."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

__all__ = ["Issue", "Refusal", "unknown_type"]


class Issue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One issue of an OperationOutcome.

    Attributes:
        code: of the FHIR issue types, e.g. ``required``, ``value``, ``not-found``.
        diagnostics: what is wrong and how to mend it.
        expression: FHIRPath of the element; at most one.
    """

    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()


class _OutcomeIssue(msgspec.Struct, frozen=True, omit_defaults=True):
    severity: str
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()


class _Outcome(msgspec.Struct, frozen=True):
    resourceType: str
    issue: tuple[_OutcomeIssue, ...]


class Refusal(Exception):
    """A request that is not carried out; it becomes an error response and never leaves the room.

    Attributes:
        status: HTTP status.
        issues: at least one.
        headers: further response headers, such as ``Allow``.
    """

    def __init__(self, status: int, code: str, diagnostics: str, *expression: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.issues: tuple[Issue, ...] = (Issue(code, diagnostics, expression),)
        self.headers: dict[str, str] = {}

    @classmethod
    def of(cls, status: int, issues: Iterable[Issue]) -> Refusal:
        """A refusal for several reasons."""
        first, *rest = issues
        refusal = cls(status, first.code, first.diagnostics, *first.expression)
        refusal.issues = (first, *rest)
        return refusal

    def body(self) -> bytes:
        """The OperationOutcome as JSON."""
        issues = tuple(
            _OutcomeIssue("error", issue.code, issue.diagnostics, issue.expression)
            for issue in self.issues
        )
        return msgspec.json.encode(_Outcome("OperationOutcome", issues))


def unknown_type(type: str, served: Iterable[str]) -> Refusal:
    """The refusal of a resource type that is not served."""
    return Refusal(
        404, "not-supported", f"Unknown resource type '{type}'. Served are: {', '.join(served)}."
    )
