"""The table of categories in docs/chart-tasks.md: python -m scripts.chart_table"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bedside.agents.state_grader import grade_answer
from bedside.scenarios import chart
from bedside.scenarios.chart.family import Family, families, family
from bedside.scenarios.chart_case import ChartCase

__all__ = ["section"]

PAGE = Path(__file__).parents[1] / "docs" / "chart-tasks.md"
BEGIN, END = "<!-- categories: begin -->\n", "<!-- categories: end -->"


def section() -> str:
    """The section between its two marks, as it is today."""
    cases = [case for case in chart.cases("hospital") if isinstance(case, ChartCase)]
    parts = [
        _part(name, family(name), [case for case in cases if case.category == name])
        for name in families()
    ]
    return BEGIN + "\n".join(parts) + END


def _part(name: str, found: Family, cases: Sequence[ChartCase]) -> str:
    situations = ", ".join(
        f"**{branch}** {count}" if branch in found.acts else f"{branch} {count}"
        for branch, count in found.branches.items()
    )
    return (
        f"### {found.title} (`{name}`)\n\n{found.about}\n\n"
        f"- Situations: {situations}.\n- Graded: {found.grading}\n"
        f"- Best constant answer: {_constant(cases)} of {len(cases)}.\n- Rules: {found.source}\n"
    )


def _constant(cases: Sequence[ChartCase]) -> int:
    """How many cases the best answer passes that is always the same and writes nothing."""
    answers = {case.gold_answer for case in cases}
    idle = [case for case in cases if not case.acts]
    passed = Counter(
        {
            answer: sum(all(grade_answer(case, answer).met) for case in idle)
            for answer in sorted(answers, key=repr)
        }
    )
    return max(passed.values(), default=0)


def main() -> None:
    """Write the section into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + section() + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
