"""``bedside list``, ``check`` and ``schema``, and what other commands share with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["JSON", "SUITE", "check", "list_", "loaded", "print_json", "schema"]

SUITE = click.option(
    "--suite", default="consult", show_default=True, help="A suite's name, or kind:PATH."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.command("list")
@click.argument("what", type=click.Choice(["suites", "cases", "doctors"]))
@SUITE
@JSON
def list_(what: str, suite: str, as_json: bool) -> None:
    """List suites, a suite's cases, or doctors."""
    from bedside.console import show_rows

    rows = _LISTS[what](suite)
    print_json(rows) if as_json else show_rows(rows)


@click.command()
@click.argument("cases")
@JSON
def check(cases: str, as_json: bool) -> None:
    """Check CASES: a suite, a file of cases, or a diagnosis file (.toml).

    Reads the schema, the chart, the codes, and every word for what gives the truth away.
    """
    from bedside.console import show_check, show_diagnosis
    from bedside.scenarios.authoring import check_diagnosis
    from bedside.scenarios.files import check_cases, read_cases

    found: Any
    if cases.endswith(".toml"):
        found = check_diagnosis(Path(cases))
        print_json(found) if as_json else show_diagnosis(found)
    else:
        found = check_cases(read_cases(cases))
        print_json(found) if as_json else show_check(found)
    if not found.passed:
        sys.exit(1)


@click.command()
@click.argument("what", type=click.Choice(["case", "chart", "diagnosis"]), default="case")
def schema(what: str) -> None:
    """Print the JSON Schema of a consult case, a chart case, or a diagnosis file."""
    from bedside.scenarios import blueprint
    from bedside.scenarios.case import Case
    from bedside.scenarios.chart_case import ChartCase

    schemas = {
        "case": Case.model_json_schema,
        "chart": ChartCase.model_json_schema,
        "diagnosis": blueprint.schema,
    }
    printed = schemas[what]()
    click.echo(json.dumps(printed, indent=2))


def loaded(name: str) -> Suite:
    """The suite of that name; a line on the screen shows how far the building of its population is.

    Raises:
        CaseError: there is no such suite, or its file cannot be read.
    """
    from bedside.console import building
    from bedside.scenarios import catalogue

    with building() as on_progress:
        catalogue.prepare(name, on_progress)
    return catalogue.load(name)


def print_json(value: Any) -> None:
    """A value as JSON on standard output."""
    import msgspec

    text = msgspec.json.encode(value, enc_hook=str)
    click.echo(msgspec.json.format(text, indent=2).decode())


def _suites(_: str) -> list[dict[str, Any]]:
    from bedside.scenarios import catalogue

    built_in = [
        {"suite": each.name, "version": each.version, "cases": each.cases, "from": "built in"}
        for each in catalogue.summaries()
    ]
    imported = [
        {"suite": f"{kind}:PATH", "version": "", "cases": "", "from": "your file"}
        for kind in catalogue.IMPORTED
    ]
    return [*built_in, *imported]


def _cases(suite: str) -> list[dict[str, Any]]:
    return [_case(case) for case in loaded(suite).cases]


def _case(case: AnyCase) -> dict[str, Any]:
    from bedside.scenarios.chart_case import ChartCase

    if isinstance(case, ChartCase):
        return {
            "case": case.id,
            "category": case.category,
            "planted": len(case.chart),
            "checks": len(case.writes) + len(case.standing) + len(case.bans) + len(case.answer),
        }
    return {
        "case": case.id,
        "temperament": case.person.temperament,
        "age": case.person.age,
        "sex": case.person.sex,
        "facts": len(case.facts),
        "findings": len(case.findings),
        "tests": len(case.tests),
        "checks": len(case.checks),
    }


def _doctors(_: str) -> list[dict[str, Any]]:
    from bedside.agents.registry import list_doctors

    return [
        {"doctor": info.name, "privileged": info.privileged, "about": info.about}
        for info in list_doctors()
    ]


_LISTS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "suites": _suites,
    "cases": _cases,
    "doctors": _doctors,
}
