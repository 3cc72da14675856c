"""Cases in files: read, and checked for what would spoil an exam."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from bedside.core.errors import CaseError
from bedside.fhir_server.chart import Chart
from bedside.fhir_server.jsontext import decode, encode
from bedside.fhir_server.policy import STRICT, Policy
from bedside.fhir_server.population import Population, StartLayer
from bedside.fhir_server.validation import validate
from bedside.scenarios import catalogue
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.hospital import clinic
from bedside.scenarios.leaks import Hit, case_report
from bedside.scenarios.suite import AnyCase, Suite, parse_case
from bedside.scenarios.synthetic import TODAY

__all__ = ["CheckReport", "check_cases", "read_cases", "suite"]


class CheckReport(msgspec.Struct, frozen=True):
    """What is to be said about a set of cases.

    Attributes:
        cases: how many were read.
        problems: what must be mended.
        telling_results: results of tests, which a doctor has to order, that name the diagnosis.
    """

    cases: int
    problems: tuple[str, ...]
    telling_results: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing must be mended."""
        return not self.problems


def read_cases(name: str) -> Sequence[AnyCase]:
    """The cases of a suite, or of a file of cases (JSON or JSON Lines).

    Raises:
        CaseError: no such suite or file, or a case is not what the schema says; the message names
            the line and the field.
    """
    path = Path(name)
    if path.is_file():
        return [_case(path, line, value) for line, value in _values(path)]
    if ":" not in name and name not in catalogue.BUILT_IN:
        raise CaseError(f"'{name}' is no file, nor a suite ('bedside list suites' names those)")
    return catalogue.load(name).cases


def suite(path: Path) -> Suite:
    """The cases of a file as a suite ``cases:PATH``, whose charts lie over the clinic's.

    Raises:
        CaseError: as :func:`read_cases`, or a chart has the id of a bystander's resource.
    """
    if not path.is_file():
        raise CaseError(f"there is no file {path}")
    cases = read_cases(str(path))
    return Suite(name=f"cases:{path}", version="file", cases=cases, population=clinic())


def check_cases(cases: Sequence[AnyCase], policy: Policy = STRICT) -> CheckReport:
    """Check each case's chart against FHIR, every text of a consult for words that give the truth
    away, and that a chart accepts what a perfect doctor writes in a chart task."""
    problems: list[str] = []
    telling: list[str] = []
    for case in cases:
        for number, resource in enumerate(case.chart):
            problems.extend(
                f"{case.id}: chart[{number}]: {issue.expression}: {issue.diagnostics}"
                for issue in validate(decode(encode(resource)))
            )
        if isinstance(case, ChartCase):
            problems.extend(f"{case.id}: {fault}" for fault in _refused(case, policy))
            continue
        for hit in case_report(case):
            (telling if hit.allowed else problems).append(_hit(case, hit))
    return CheckReport(len(cases), tuple(problems), tuple(telling))


def _refused(case: ChartCase, policy: Policy) -> Iterator[str]:
    """The model requests of a task that the chart does not accept."""
    chart = Chart(
        Population.of(()),
        StartLayer.of(case.chart),
        seed=0,
        now=f"{TODAY}T09:00:00Z",
        policy=policy,
    )
    for number, request in enumerate(case.gold):
        response = chart.request(request.method, request.path, None, request.body)
        if response.status >= 400:
            yield f"gold[{number}]: the chart refuses it: {response.body.decode()}"


def _hit(case: AnyCase, hit: Hit) -> str:
    return f"{case.id}: {hit.where}: '{hit.word}' gives the diagnosis away"


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"cannot read {path}: {error}") from None
    if text.lstrip().startswith("["):
        values = _json(path, 1, text)
        yield from enumerate(values, start=1)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, _json(path, number, line)


def _json(path: Path, line: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{path}, line {line}: not JSON: {error}") from None


def _case(path: Path, line: int, value: Any) -> AnyCase:
    try:
        return parse_case(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the case"
        named = f" '{value['id']}'" if isinstance(value, dict) and "id" in value else ""
        mend = first["msg"].removeprefix("Value error, ")
        raise CaseError(f"{path}, case {line}{named}: {field}: {mend}") from None
