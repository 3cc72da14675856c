"""Cases in files: read, and checked for what would spoil an exam."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from bedside.core.errors import CaseError
from bedside.fhir_server.validation import validate
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case
from bedside.scenarios.hospital import clinic
from bedside.scenarios.leaks import Hit, case_report
from bedside.scenarios.suite import Suite

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


def read_cases(name: str) -> Sequence[Case]:
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


def check_cases(cases: Sequence[Case]) -> CheckReport:
    """Check each case's chart against FHIR, and every text for words that give the truth away."""
    problems: list[str] = []
    telling: list[str] = []
    for case in cases:
        for number, resource in enumerate(case.chart):
            problems.extend(
                f"{case.id}: chart[{number}]: {issue.expression}: {issue.diagnostics}"
                for issue in validate(resource)
            )
        for hit in case_report(case):
            (telling if hit.allowed else problems).append(_hit(case, hit))
    return CheckReport(len(cases), tuple(problems), tuple(telling))


def _hit(case: Case, hit: Hit) -> str:
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


def _case(path: Path, line: int, value: Any) -> Case:
    try:
        return Case.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the case"
        named = f" '{value['id']}'" if isinstance(value, dict) and "id" in value else ""
        mend = first["msg"].removeprefix("Value error, ")
        raise CaseError(f"{path}, case {line}{named}: {field}: {mend}") from None
