"""What ``bedside fidelity`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bedside.console import console
from bedside.core.visible import visible
from bedside.runs.fidelity import Fidelity, FidelityReport, Figure

__all__ = ["show_fidelity"]

_FIGURES = (
    ("leaks, % of lines", "leaks"),
    ("inventions, % of lines", "inventions"),
    ("contradictions, %", "contradictions"),
    ("unlisted words, %", "unlisted"),
    ("guard objected, %", "interventions"),
    ("facts told a turn", "facts_per_turn"),
    ("unasked, % of facts", "unasked"),
    ("unanswered, % of asked", "unanswered"),
    ("repeats taken alike, %", "consistent"),
    ("patient left, %", "left"),
)
_COLUMNS = ("leaks", "inventions", "contradictions", "facts_per_turn", "unasked")


def show_fidelity(report: FidelityReport) -> None:
    """How the patients of a run behaved: overall, by temperament, by diagnosis."""
    if not report.overall.encounters:
        console().print("No patient was met in this run.")
        return
    groups = {"all": report.overall, **report.temperaments}
    table = _table(f"{report.patient}: {report.overall.lines} lines; \u00b1 half the 95 % interval")
    table.add_column("figure", no_wrap=True)
    for name in groups:
        table.add_column(name, justify="right", no_wrap=True)
    for says, name in _FIGURES:
        table.add_row(says, *(_cell(name, group) for group in groups.values()))
    console().print(table)
    _show_diagnoses(report.diagnoses)
    found = report.recovery
    if found is None:
        said = "Too few encounters of each temperament to tell them from the lines."
    else:
        said = (
            f"Temperament told from the lines: {_percent(found.words)} %; "
            f"from behaviour alone: {_percent(found.behaviour)} % (chance 25 %)"
        )
    console().print(said, soft_wrap=True)


def _show_diagnoses(groups: Mapping[str, Fidelity]) -> None:
    table = _table("By diagnosis")
    table.add_column("diagnosis")
    for name in ("leaks %", "invents %", "contra %", "facts", "unasked %"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, group in groups.items():
        cells = (_cell(column, group) for column in _COLUMNS)
        table.add_row(Text(visible(name)), *cells)
    console().print(table)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _cell(name: str, group: Fidelity) -> str:
    figure: Figure | None = getattr(group, name)
    if figure is None:
        return "-"
    if name == "facts_per_turn":
        return f"{figure.value:.1f}\u00b1{_half(figure):.1f}"
    return _percent(figure)


def _percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f}\u00b1{100 * _half(figure):.1f}"


def _half(figure: Figure) -> float:
    return (figure.high - figure.low) / 2
