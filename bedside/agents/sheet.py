"""The score sheet: what the assessor concludes about one encounter, with evidence.

A sheet is plain immutable data; ``msgspec.json.encode(sheet)`` gives the same bytes for the same
encounter. Every `evidence` is a tuple of event numbers of the trace. A sheet may name what is
right, so it is never shown to a doctor or a patient.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "GRADER_VERSION",
    "ChartItem",
    "DiagnosisItem",
    "DiagnosisVerdict",
    "Part",
    "RubricItem",
    "Sheet",
]

GRADER_VERSION = "rules-1"
"""Scores of different grader versions are not comparable."""

DiagnosisVerdict = Literal["right", "wrong", "needs_judge", "none"]


class Part(msgspec.Struct, frozen=True):
    """One part of the score: it adds ``value * weight``; `value` is in [0, 1]."""

    name: Literal["diagnosis", "chart", "rubric"]
    value: float
    weight: float


class DiagnosisItem(msgspec.Struct, frozen=True):
    """How the primary diagnosis was judged.

    Attributes:
        verdict: ``needs_judge`` is shown apart and counted wrong; ``none`` means that the doctor
            never finished.
        name: the primary diagnosis in the doctor's words; empty unless there is exactly one.
        code: its ICD-10-CM code if the doctor gave one.
        evidence: the action that finished the encounter.
        reason: the verdict in words.
    """

    verdict: DiagnosisVerdict
    name: str = ""
    code: str | None = None
    evidence: tuple[int, ...] = ()
    reason: str = ""


class RubricItem(msgspec.Struct, frozen=True):
    """One item of the eight: `value` is 0 or 1; the overall item 4.1 may also be 0.5."""

    id: str
    says: str
    value: float
    evidence: tuple[int, ...]
    reason: str


class ChartItem(msgspec.Struct, frozen=True):
    """One check of the chart.

    Attributes:
        id: of the case's check, or of a built-in one: ``other-patients``, ``nothing-deleted``.
        says: the check in words.
        kind: whether it had to be done, or must not be broken.
        met: whether it holds.
        count: changed resources that it is about.
        evidence: the writes that changed them.
        reason: the finding in words.
    """

    id: str
    says: str
    kind: Literal["required", "safety"]
    met: bool
    count: int
    evidence: tuple[int, ...]
    reason: str


class Sheet(msgspec.Struct, frozen=True):
    """The assessor's sheet.

    Attributes:
        version: of the rules, see :data:`GRADER_VERSION`.
        success: diagnosis right, every required check met, no safety check broken.
        score: in [0, 1]; the sum of ``value * weight`` over `parts`, in their order.
        parts: diagnosis, chart and rubric.
        diagnosis: the primary diagnosis.
        rubric: the eight items, in order.
        checks: the case's checks in order, then the built-in ones.
    """

    version: str
    success: bool
    score: float
    parts: tuple[Part, ...]
    diagnosis: DiagnosisItem
    rubric: tuple[RubricItem, ...]
    checks: tuple[ChartItem, ...]
