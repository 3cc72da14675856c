"""What a chart asks of a write; a suite chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["STRICT", "Policy", "Validation"]

Validation = Literal["strict", "lenient", "fhir.resources"]


@dataclass(frozen=True)
class Policy:
    """What a chart asks of a write.

    Attributes:
        validation: ``strict`` refuses what is not valid R4; ``lenient`` first repairs what HAPI's
            lenient parser repairs, and says so in the answer; ``fhir.resources`` is strict and
            asks the models of that library too.
        integrity: a reference must lead to a resource that is there, and none that is referred to
            can be deleted.
    """

    validation: Validation = "strict"
    integrity: bool = False


STRICT = Policy()
"""Valid R4 only; references are checked by type, not existence."""
