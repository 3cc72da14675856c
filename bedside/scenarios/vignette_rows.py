"""Files of vignettes: one JSON object a line, or one JSON array of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bedside.core.errors import CaseError
from bedside.scenarios.case import Case

__all__ = ["load_rows", "parsed"]


def load_rows(path: Path, parse: Callable[[Any], Case], row_name: str) -> tuple[Case, ...]:
    """The cases of a file.

    Args:
        path: JSON Lines, or one JSON array.
        parse: makes a row a case, or raises a CaseError that names the field.
        row_name: what a row is called in messages, as "OSCE_Examination".

    Raises:
        CaseError: the file cannot be read or a row is not a case; names line, field and mend.
    """
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for number, row in _rows(path):
        try:
            case = parse(row)
        except CaseError as error:
            raise CaseError(f"{path}, line {number}: {error}") from None
        if case.id in lines:
            raise CaseError(
                f"{path}, line {number}: {row_name} is the same as in line {lines[case.id]};"
                " remove one of them"
            )
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise CaseError(f"{path}: no rows; give one JSON object with '{row_name}' a line")
    return tuple(cases)


def parsed(row: Any, make: Callable[[Any], Case], row_name: str) -> Case:
    """One row as a case, whatever is wrong with it said as a CaseError."""
    try:
        return make(row)
    except RecursionError:
        raise CaseError(f"{row_name}: nested too deeply; flatten it") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or row_name
        raise CaseError(f"{field}: {first['msg']}") from None


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Rows with the line, or the place in the array, where each stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is no UTF-8 text ({error})") from None
    if text.lstrip().startswith("["):
        yield from enumerate(_json(text, str(path)), start=1)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json(line, f"{path}, line {number}")


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{where}: no valid JSON ({error}); mend or remove it") from None
