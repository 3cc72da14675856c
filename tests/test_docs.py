"""What the pages quote from the program is what the program says today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from bedside.agents.sheet import Failing
from bedside.scenarios import chart, consult
from bedside.scenarios.blueprint import UNCHECKED, statements
from bedside.scenarios.library import blueprints
from scripts import chart_table
from scripts.sample_dialogues import section

ROOT = Path(__file__).parents[1]


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def test_the_sample_dialogues_are_of_today() -> None:
    """Mend with: python -m scripts.sample_dialogues"""
    assert section() in (ROOT / "docs" / "patients.md").read_text(encoding="utf-8")


def test_the_share_of_unchecked_statements_is_of_today() -> None:
    sources = [one.source for each in blueprints().values() for one in statements(each)]
    unchecked = sources.count(UNCHECKED)
    says = (
        f"Of {len(sources):,} statements {unchecked} ({unchecked / len(sources):.0%}) are unchecked"
    )
    assert says in page("docs/suites.md")


def test_the_categories_of_chart_tasks_are_of_today() -> None:
    """Mend with: python -m scripts.chart_table"""
    assert chart_table.section() in (ROOT / "docs" / "chart-tasks.md").read_text(encoding="utf-8")


def test_the_sizes_of_the_chart_suites_are_of_today() -> None:
    says = page("docs/chart-tasks.md")
    categories = len(chart.families())
    assert f"{categories} categories, {chart.EACH} of each" in says
    assert f"{categories} categories, {chart.FEW} of each" in says
    assert f"{categories * chart.EACH:,} tasks" in says
    assert f"`chart` {chart.VERSION}" in says


def test_the_codes_of_tasks_are_listed() -> None:
    """Those of LOINC, NDC, SNOMED and RxNorm, of which no list can be installed."""
    told = page("docs/chart-tasks.md") + page("docs/hospital.md")
    systems = ("http://loinc.org", "http://hl7.org/fhir/sid/ndc", "http://snomed.info/sct",
               "http://www.nlm.nih.gov/research/umls/rxnorm")  # fmt: skip
    used = {
        coding["code"]
        for case in chart.cases("clinic")
        for coding in codings([*case.chart, *(request.body for request in case.gold)])
        if coding.get("system") in systems
    }
    assert {code for code in used if f"`{code}`" not in told} == set()


def codings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "code" in value and "system" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from codings(part)


def test_every_fault_is_explained() -> None:
    says = page("docs/chart-tasks.md")
    assert all(f"`{fault}`" in says for fault in get_args(Failing) if fault)


def test_the_size_and_version_of_the_suite_are_of_today() -> None:
    suite = consult.suite()
    assert f"Version {suite.version}." in page("docs/suites.md")
    for name in ("README.md", "docs/suites.md", "CHANGELOG.md"):
        assert f"{len(suite.cases)} cases" in page(name), name
