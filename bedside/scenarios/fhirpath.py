"""FHIRPath, compiled once an expression (fhirpathpy, R4 model)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["FhirPathError", "compiled"]

Evaluate = Callable[[Any, dict[str, Any]], list[Any]]


class FhirPathError(ValueError):
    """The text is no FHIRPath expression."""


@lru_cache(maxsize=4096)
def compiled(path: str) -> Evaluate:
    """A function of (resource, environment variables) that gives a list.

    Raises:
        FhirPathError: the text is no FHIRPath expression.
    """
    import fhirpathpy
    from fhirpathpy.models import models

    try:
        evaluate: Evaluate = fhirpathpy.compile(path, models["r4"])
    except Exception as error:
        raise FhirPathError(str(error)) from None
    return evaluate
