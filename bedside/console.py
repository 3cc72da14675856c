"""What the command prints: tables, transcripts and score sheets, by rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bedside.core.visible import visible

if TYPE_CHECKING:
    from bedside.agents.sheet import Sheet
    from bedside.leaderboard.board import Board
    from bedside.leaderboard.board import Table as Ranking
    from bedside.leaderboard.estimates import Estimate
    from bedside.leaderboard.floors import Floors
    from bedside.leaderboard.transcript import Transcript
    from bedside.runs.records import Record, Run
    from bedside.runs.runner import Progress as Step
    from bedside.runs.runner import Summary
    from bedside.runs.scoring import Rescoring
    from bedside.scenarios.authoring import DiagnosisReport
    from bedside.scenarios.files import CheckReport

__all__ = [
    "building",
    "console",
    "progress",
    "show_board",
    "show_check",
    "show_diagnosis",
    "show_floors",
    "show_records",
    "show_rescoring",
    "show_rows",
    "show_sheet",
    "show_summary",
    "show_transcript",
]

_SPEAKERS = {
    "doctor": "bold cyan",
    "briefing": "bold",
    "patient": "bold green",
    "result": "yellow",
    "chart": "blue",
    "refused": "bold red",
    "end": "bold",
}
_LONGEST_REPLY = 400


@cache
def console() -> Console:
    """Standard output."""
    return Console(highlight=False)


@contextmanager
def progress(doctor: str, *, lines: bool) -> Iterator[Callable[[Step], None]]:
    """A progress bar on standard error; with `lines` also one line an encounter on output."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(escape(visible(doctor)), total=None)

        def on_progress(step: Step) -> None:
            bar.update(task, completed=step.done, total=step.total)
            if lines:
                console().print(_line(step), soft_wrap=True)

        yield on_progress


@contextmanager
def building() -> Iterator[Callable[[int], None]]:
    """A line on standard error that says how many resources of a population are indexed."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = None

        def on_progress(done: int) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("")
            bar.update(task, description=f"building the population: {done:,} resources indexed")

        yield on_progress


def _text(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)


def _line(step: Step) -> Text:
    from bedside.runs.records import Record

    outcome = step.outcome
    head = f"{step.done:>4}/{step.total}  {outcome.case}-{outcome.trial}  "
    if not isinstance(outcome, Record):
        return _text(f"{head}broken off: {outcome.message}", style="red")
    mark = _text("success " if outcome.success else "-       ")
    mark.stylize("green" if outcome.success else "dim")
    tail = (
        f"score {outcome.score:.2f}  {_verdict(outcome):<13} "
        f"{outcome.turns:>3} turns  {outcome.ending}"
    )
    return _text(head) + mark + _text(tail)


def _verdict(record: Record) -> str:
    """What was judged: the diagnosis, or why a chart task was failed."""
    return record.diagnosis or record.fault.replace("_", " ") or "done"


def show_summary(summary: Summary) -> None:
    """What a run came to, and what to type next."""
    records = summary.records
    out = console()
    if records:
        table = Table(title="Summary", title_justify="left")
        for name in ("encounters", "success", "score", "turns", "needs judge", "refused actions"):
            table.add_column(name, justify="right")
        table.add_row(
            f"{len(records)}/{summary.total}",
            f"{sum(r.success for r in records) / len(records):.1%}",
            f"{sum(r.score for r in records) / len(records):.3f}",
            f"{sum(r.turns for r in records) / len(records):.1f}",
            str(sum(r.diagnosis == "needs_judge" for r in records)),
            str(sum(r.refused for r in records)),
        )
        out.print(table)
    for failure in summary.failures:
        name = f"{failure.case}-{failure.trial}"
        out.print(_text(f"broken off: {name}: {failure.message}", style="red"), soft_wrap=True)
    if summary.failures:
        out.print("Not scored; run again with --resume.", soft_wrap=True)
    again = f"{summary.resumed} were finished before; " if summary.resumed else ""
    out.print(_text(f"{again}{summary.seconds:.1f} s; kept in {summary.directory}"), soft_wrap=True)
    _show_failures(records)
    if summary.fidelity is not None and records:
        patients = summary.fidelity.overall
        wrong = (patients.leaks, patients.inventions, patients.contradictions)
        leak, invent, contradict = (f"{figure.value:.1%}" if figure else "-" for figure in wrong)
        said = f"Of the patients' lines {leak} leak, {invent} invent, {contradict} contradict"
        out.print(_text(f"{said}: bedside fidelity {summary.directory}"), soft_wrap=True)
    if records:
        first = f"{records[0].case}-{records[0].trial}"
        out.print(_text(f"Next: bedside show {summary.directory} {first}"), soft_wrap=True)


def _show_failures(records: Sequence[Record]) -> None:
    """Of chart tasks: success by category, and why the others failed."""
    tasks = [record for record in records if record.category]
    if not tasks:
        return
    table = Table("category", title="Chart tasks", title_justify="left")
    judged = any(record.medagentbench is not None for record in tasks)
    names = ("success", "score", *(("original grader",) if judged else ()))
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("failed because")
    for category in sorted({record.category for record in tasks}):
        of = [record for record in tasks if record.category == category]
        reasons = Counter(r.fault.replace("_", " ") for r in of if r.fault)
        table.add_row(
            _text(category),
            f"{sum(r.success for r in of)}/{len(of)}",
            f"{sum(r.score for r in of) / len(of):.2f}",
            *((f"{sum(bool(r.medagentbench) for r in of)}/{len(of)}",) if judged else ()),
            ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
        )
    console().print(table)


def show_board(board: Board) -> None:
    """Every table of the board, floors beside it."""
    for table in board.tables:
        _show_ranking(table)
    for note in board.notes:
        console().print(_text(note), soft_wrap=True)


def _show_ranking(ranking: Ranking) -> None:
    contest = ranking.contest
    title = (
        f"{contest.suite} {contest.suite_version}: {ranking.cases} cases, "
        f"grader {contest.grader}, patient {contest.patient}"
    )
    table = Table(title=_text(title), title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("doctor")
    table.add_column("success [95 % CI]", justify="right")
    table.add_column("score [95 % CI]", justify="right")
    ks = max(len(row.pass_hat) for row in ranking.rows)
    for k in range(2, ks + 1):
        table.add_column(f"pass^{k}", justify="right")
    for name in ("judge", "turns", "played"):
        table.add_column(name, justify="right")
    for row in ranking.rows:
        table.add_row(
            str(row.rank or "-"),
            _text(row.doctor + (" *" if row.privileged else "")),
            _percent(row.success),
            _number(row.score),
            *(f"{p:.1%}" for p in row.pass_hat[1:]),
            *("" for _ in range(ks - max(1, len(row.pass_hat)))),
            f"{row.needs_judge:.0%}",
            f"{row.turns:.1f}",
            f"{row.encounters}/{row.planned}",
        )
    console().print(table)
    if any(row.privileged for row in ranking.rows):
        console().print("* knows more than a doctor can; shown, not ranked", soft_wrap=True)
    if ranking.floors is not None:
        show_floors(ranking.floors)


def show_floors(floors: Floors) -> None:
    """Floors and ceiling of a suite, and of its tasks in which something must be written."""
    titles = ("Floors and ceiling", "Tasks in which something must be written")
    for title, rows in zip(titles, (floors.rows, floors.acting), strict=True):
        if not rows:
            continue
        table = Table(title=title, title_justify="left")
        table.add_column("doctor")
        table.add_column("success [95 % CI]", justify="right")
        table.add_column("score [95 % CI]", justify="right")
        for row in rows:
            table.add_row(_text(row.doctor), _percent(row.success), _number(row.score))
        console().print(table)


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} [dim]({estimate.low:.1%} to {estimate.high:.1%})[/]"


def _number(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [dim]({estimate.low:.3f} to {estimate.high:.3f})[/]"


def show_records(run: Run, records: Sequence[Record]) -> None:
    """The finished encounters of a run."""
    title = _text(f"{run.manifest.doctor} on {run.manifest.suite}")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    kind = "category" if any(record.category for record in records) else "temperament"
    for name in ("encounter", kind, "success", "score", "verdict", "turns", "ending"):
        table.add_column(name, no_wrap=True)
    for r in records:
        success = _text("yes", style="green") if r.success else _text("no", style="dim")
        table.add_row(
            _text(f"{r.case}-{r.trial}"),
            r.temperament or r.category,
            success,
            f"{r.score:.2f}",
            _verdict(r),
            str(r.turns),
            r.ending,
        )
    console().print(table)
    if records:
        first = f"{records[0].case}-{records[0].trial}"
        console().print(_text(f"Next: bedside show {run.path} {first}"), soft_wrap=True)


def show_transcript(found: Transcript) -> None:
    """One encounter, then its score sheet. Numbers in brackets are events of the trace."""
    out = console()
    record = found.record
    out.rule(_text(f"Encounter {record.case}-{record.trial} ({_kind(record)})"))
    for line in found.lines:
        style = _SPEAKERS.get(line.speaker, "")
        text = line.text
        if line.speaker == "chart" and len(text) > _LONGEST_REPLY:
            text = f"{text[:_LONGEST_REPLY]} ... ({len(line.text)} characters)"
        out.print(_text(f"[{line.event:>2}] {line.speaker}: ", style=style) + _text(text))
    show_sheet(found.sheet)


def _kind(record: Record) -> str:
    return f"{record.temperament} patient" if record.temperament else record.category


def show_sheet(sheet: Sheet) -> None:
    """The assessor's sheet with the evidence of each item."""
    table = Table(
        title=f"Assessor's sheet ({sheet.version})", title_justify="left", show_lines=False
    )
    table.add_column("item")
    table.add_column("value", justify="right")
    table.add_column("why")
    table.add_column("events", justify="right")
    if (diagnosis := sheet.diagnosis) is not None:
        table.add_row(
            "diagnosis", diagnosis.verdict, _text(diagnosis.reason), _events(diagnosis.evidence)
        )
    for item in sheet.rubric:
        table.add_row(
            _text(f"{item.id} {item.says}"),
            f"{item.value:g}",
            _text(item.reason),
            _events(item.evidence),
        )
    for check in sheet.checks:
        verdict = "met" if check.met else ("broken" if check.kind == "safety" else "not met")
        table.add_row(
            _text(f"{check.kind}: {check.says}"),
            verdict,
            _text(check.reason),
            _events(check.evidence),
        )
    console().print(table)
    parts = " + ".join(f"{p.weight:g} x {p.value:.2f} {p.name}" for p in sheet.parts)
    success = "success" if sheet.success else "no success"
    if sheet.fault:
        success = f"failed: {sheet.fault.replace('_', ' ')}"
    console().print(_text(f"score {sheet.score:.3f} = {parts}; {success}"), soft_wrap=True)
    if sheet.medagentbench is not None:
        verdict = "passes" if sheet.medagentbench else "fails"
        console().print(f"MedAgentBench's own grader {verdict} it", soft_wrap=True)


def _events(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def show_rescoring(again: Rescoring) -> None:
    """Whether scoring a run again gave the same numbers."""
    for problem in again.problems:
        console().print(_text(f"differs: {problem}", style="red"), soft_wrap=True)
    if again.problems:
        console().print(f"{len(again.problems)} encounters are not what the index says")
    else:
        said = f"{again.finished} encounters scored again from their traces: every number is equal"
        console().print(said, soft_wrap=True)
    if again.finished < again.planned:
        said = f"Not complete: {again.finished} of {again.planned} planned encounters are there"
        console().print(said, style="yellow", soft_wrap=True)


def show_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Rows of equal keys as a table."""
    table = Table()
    for name in rows[0] if rows else ():
        table.add_column(name)
    for row in rows:
        table.add_row(*(_text(_cell(value)) for value in row.values()))
    console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_diagnosis(report: DiagnosisReport) -> None:
    """What is to be said about a diagnosis file."""
    out = console()
    for problem in report.problems:
        out.print(_text(problem, style="red"), soft_wrap=True)
    counted = f"{report.statements} statements, {report.unchecked} of them unchecked"
    verdict = "all well" if report.passed else f"{len(report.problems)} to mend"
    out.print(_text(f"{report.name}: {counted}; {verdict}"), soft_wrap=True)


def show_check(report: CheckReport) -> None:
    """What `bedside check` found."""
    for problem in report.problems:
        console().print(_text(problem, style="red"), soft_wrap=True)
    for telling in report.telling_results:
        console().print(_text(f"allowed, in an ordered result: {telling}", style="dim"))
    verdict = "all well" if report.passed else f"{len(report.problems)} problems"
    console().print(f"{report.cases} cases: {verdict}")
