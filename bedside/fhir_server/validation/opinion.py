"""The second opinion: the R4B models of fhir.resources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue

__all__ = ["model_issues"]


def model_issues(resource: Json, known: Iterable[Issue]) -> list[Issue]:
    """What the models find wrong at places where nothing is known to be wrong.

    A type that R4B does not have has no opinion.
    """
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    places = [issue.expression[0] for issue in known]
    type = resource["resourceType"]
    try:
        get_fhir_model_class(type).model_validate(resource)
    except (KeyError, LookupError):
        return []
    except ValidationError as error:
        found = [
            Issue("invalid", f"{path} is not valid: {item['msg']}.", (path,))
            for item in error.errors(include_url=False, include_context=False, include_input=False)
            for path in [_path(type, item["loc"])]
        ]
        return [issue for issue in found if not _within(issue.expression[0], places)]
    return []


def _path(type: str, steps: Iterable[Any]) -> str:
    path = type
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _within(place: str, places: Iterable[str]) -> bool:
    """Whether a place is one of some, a part of one, or holds one."""
    return any(
        place == other or place.startswith((f"{other}.", f"{other}[")) or other.startswith(place)
        for other in places
    )
