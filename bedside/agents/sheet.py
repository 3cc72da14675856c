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
    "Failing",
    "Part",
    "RubricItem",
    "Sheet",
]

GRADER_VERSION = "rules-1"
"""Scores of different grader versions are not comparable."""

DiagnosisVerdict = Literal["right", "wrong", "needs_judge", "none"]
Failing = Literal[
    "",
    "did_nothing",
    "wrong_patient",
    "wrong_branch",
    "wrong_payload",
    "wrong_value",
    "collateral",
    "refused_write",
    "format_only",
    "no_answer",
]
"""Why a chart task was failed; docs/chart-tasks.md says which comes first.

* ``did_nothing``: nothing was written, tried or answered.
* ``wrong_patient``: something was written for somebody else.
* ``wrong_branch``: written where nothing should be, nothing where something should, or what must
  not be given.
* ``wrong_payload``: what was asked for is not there or incomplete.
* ``wrong_value``: a value, time or code, written or answered, is not the right one.
* ``collateral``: all that was asked for, and something else besides.
* ``refused_write``: the chart refused what was written, and it was not mended.
* ``format_only``: the right answer in another form than was asked for.
* ``no_answer``: all well but for the answer, which was not given.
"""  # fmt: skip


class Part(msgspec.Struct, frozen=True):
    """One part of the score: it adds ``value * weight``; `value` is in [0, 1]."""

    name: Literal["diagnosis", "chart", "rubric", "answer"]
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
        parts: diagnosis, chart and rubric of a consult; chart and answer of a chart task.
        diagnosis: the primary diagnosis; None for a chart task.
        rubric: the eight items, in order; none for a chart task.
        checks: the case's checks in order, then the built-in ones.
        medagentbench: for a task of MedAgentBench, the verdict of its own grader; else None.
        fault: why a chart task was failed, see :data:`Failing`; "" for a success and a consult.
    """

    version: str
    success: bool
    score: float
    parts: tuple[Part, ...]
    diagnosis: DiagnosisItem | None
    rubric: tuple[RubricItem, ...]
    checks: tuple[ChartItem, ...]
    fault: Failing = ""
    medagentbench: bool | None = None
