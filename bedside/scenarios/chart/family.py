"""A category of chart tasks: its data file, and the function that writes its cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.scenarios.library import decode

if TYPE_CHECKING:
    from bedside.scenarios.chart.draft import Draft

__all__ = ["Family", "category", "families", "family"]

Write = Callable[["Draft"], None]


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data file of a category.

    Attributes:
        title: what the category is called.
        about: what it examines, in a sentence.
        grading: how it is graded, in a sentence or two.
        source: where its rules come from; rules of an exercise are ours and say so.
        acts: the branches in which something must be written.
        branches: how many of thirty cases are in each situation.
        wordings: the goal in different words; ``{slots}`` are filled by the function.
        context: what every task of the category is told besides; ``{now}`` is the time.
        tables: what else the function needs.
    """

    title: str
    about: str
    grading: str
    source: str
    acts: tuple[str, ...]
    branches: dict[str, int]
    wordings: tuple[str, ...]
    context: str
    tables: dict[str, Any] = {}


_WRITERS: dict[str, Write] = {}


def category(name: str) -> Callable[[Write], Write]:
    """Declare the function that writes the cases of the category with this data file."""

    def declare(write: Write) -> Write:
        _WRITERS[name] = write
        return write

    return declare


@cache
def family(name: str) -> Family:
    """The data file of a category.

    Raises:
        CaseError: it does not fit.
    """
    file = resources.files("bedside.scenarios") / "data" / "chart" / f"{name}.toml"
    return decode(file.read_bytes(), Family, f"chart/{name}.toml")


def families() -> Mapping[str, Write]:
    """The functions of all categories by name, in the order of the suite."""
    from bedside.scenarios.chart import tasks

    tasks.load()
    return _WRITERS
