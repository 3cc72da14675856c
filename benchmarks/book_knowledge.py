"""How far perfect book knowledge gets: naive Bayes over the very tables the cases are drawn from.

It hears every fact and sees every sign, or hears the history alone, or the opening words alone.
What it still confuses, nobody can tell apart by these tables.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from bedside.scenarios.case import Case
from bedside.scenarios.consult import sample
from bedside.scenarios.knowledge import DiagnosisModel, Knowledge
from bedside.scenarios.library import knowledge, rules

__all__ = ["everything", "guess", "history", "matrix", "opening", "report"]

Found = dict[str, bool]

_SURE = 0.002
"""No concept is taken for surer than this, present or absent."""


def everything(case: Case) -> Found:
    """What the whole story and the whole examination show, by concept."""
    shown = " ".join(finding.text for finding in case.findings)
    signs = {id: rule for id, rule in rules().items() if rule.topic is None}
    seen = {id: any(text in shown for text in rule.present) for id, rule in signs.items()}
    return history(case) | seen


def history(case: Case) -> Found:
    """What the patient can tell, by concept."""
    return {fact.code: fact.present for fact in case.facts if fact.code}


def opening(case: Case) -> Found:
    """What the opening words tell, by concept."""
    told = (fact for fact in case.facts if fact.disclosure == "opening")
    return {fact.code: fact.present for fact in told if fact.code}


def guess(table: Knowledge, found: Found) -> str:
    """The likeliest diagnosis, all being equally frequent."""
    return max(table.diagnoses, key=lambda each: _likelihood(table, each, found)).name


def _likelihood(table: Knowledge, diagnosis: DiagnosisModel, found: Found) -> float:
    total = 0.0
    for concept, present in found.items():
        p = min(max(table.probability(diagnosis, concept), _SURE), 1 - _SURE)
        total += math.log(p if present else 1 - p)
    return total


def report(
    cases: Iterable[Case], view: Callable[[Case], Found]
) -> tuple[float, Counter[tuple[str, str]]]:
    """The share of cases named right, and how often each diagnosis is taken for another."""
    table = knowledge()
    missed: Counter[tuple[str, str]] = Counter()
    count = 0
    for case in cases:
        count += 1
        said = guess(table, view(case))
        if said != case.truth.diagnosis:
            missed[case.truth.diagnosis, said] += 1
    return 1 - missed.total() / count, missed


def matrix(missed: Counter[tuple[str, str]]) -> Iterator[str]:
    """The confusion matrix as rows of a Markdown table, the commonest confusion first."""
    for right in sorted(model.name for model in knowledge().diagnoses):
        row = [(n, wrong) for (true, wrong), n in missed.items() if true == right]
        yield f"| {right} | {', '.join(f'{wrong} {n}' for n, wrong in sorted(row, reverse=True))} |"


def main() -> None:
    """Print the figures and the commonest confusions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1700)
    parser.add_argument("--most", type=int, default=12, help="confusions to print for each view")
    parser.add_argument("--matrix", action="store_true", help="print every confusion as a table")
    options = parser.parse_args()
    cases = [sample(number) for number in range(options.cases)]
    for view in (everything, history, opening):
        right, missed = report(cases, view)
        print(f"{view.__name__:<12} {right:.1%} of {len(cases)} right at the first guess")
        if options.matrix:
            print("\n".join(matrix(missed)))
            continue
        for (true, wrong), count in missed.most_common(options.most):
            print(f"    {count:>4}  {true} taken for {wrong}")


if __name__ == "__main__":
    main()
