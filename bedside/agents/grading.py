"""Which assessor scores a case, and under which version."""

from __future__ import annotations

from bedside.agents.assessor import Assessment
from bedside.agents.chart_assessor import ChartAssessment
from bedside.agents.sheet import GRADER_VERSION
from bedside.agents.state_grader import STATE_GRADER
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["assessment_of", "grader_of"]


def assessment_of(case: AnyCase, labels: tuple[str, ...]) -> Assessment | ChartAssessment:
    """A fresh assessment of a consult, or of a task in the chart."""
    return ChartAssessment(case) if isinstance(case, ChartCase) else Assessment(case, labels)


def grader_of(suite: Suite) -> str:
    """The versions of the assessors that score a suite; a suite may have cases of both kinds."""
    versions = {
        STATE_GRADER if isinstance(case, ChartCase) else GRADER_VERSION for case in suite.cases
    }
    return "+".join(sorted(versions))
