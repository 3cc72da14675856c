"""Why a request is refused: OperationOutcomes that name the element and the mend."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

__all__ = ["Issue", "Refusal", "outcome", "server_fault", "unknown_type"]


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

    def allowing(self, methods: str) -> Refusal:
        """This refusal, with the methods that would be allowed."""
        self.headers["Allow"] = methods
        return self

    @classmethod
    def of(cls, status: int, issues: Iterable[Issue]) -> Refusal:
        """A refusal for several reasons."""
        first, *rest = issues
        refusal = cls(status, first.code, first.diagnostics, *first.expression)
        refusal.issues = (first, *rest)
        return refusal

    def body(self) -> bytes:
        """The OperationOutcome as JSON."""
        return outcome(self.issues)


def outcome(
    issues: Iterable[Issue], severity: str = "error", *, warnings: Iterable[Issue] = ()
) -> bytes:
    """An OperationOutcome as JSON, of issues of one severity and warnings after them."""
    graded = [(severity, issue) for issue in issues] + [("warning", issue) for issue in warnings]
    listed = tuple(
        _OutcomeIssue(grade, issue.code, issue.diagnostics, issue.expression)
        for grade, issue in graded
    )
    return msgspec.json.encode(_Outcome("OperationOutcome", listed))


def server_fault() -> Refusal:
    """The refusal of a request that met a fault of the server."""
    return Refusal(500, "exception", "The server failed at this request; the fault is its own, and "
                   "nothing was stored. Its log says more.")  # fmt: skip


def unknown_type(type: str, known: Iterable[str]) -> Refusal:
    """The refusal of a resource type that R4 does not have."""
    near = get_close_matches(type, known, n=3) or get_close_matches(type.title(), known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "GET metadata lists the types of R4."
    return Refusal(404, "not-supported", f"Unknown resource type '{type}'. {hint}")
