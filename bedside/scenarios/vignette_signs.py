"""Which clauses of a record are found by examining or measuring, and the findings made of them.

The words are data (``data/signs.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from bedside.scenarios.case import Finding, Truth
from bedside.scenarios.leaks import mask

__all__ = ["Kind", "kind_of", "sign_findings", "without_measure"]

Kind = Literal["told", "found", "both"]
"""Whether a clause is the patient's to tell, the examiner's to find, or both."""

_MEASURE = re.compile(
    r"\s*\(?(?:\b(?:of|up to|reaching|at|to|around|about)\s+)?\d{2,3}(?:[.,]\d+)?\s*"
    r"(?:(?:°|º|degrees?\b)\s*(?:[cf]\b|celsius|fahrenheit)?|[cf]\b|celsius\b|fahrenheit\b)\)?",
    re.I,
)
_WORD = re.compile(r"[a-z][a-z-]+")
_ELSEWHERE = "General appearance"


@dataclass(frozen=True)
class _Region:
    name: str
    words: frozenset[str]
    asked: tuple[str, ...]


@dataclass(frozen=True)
class _Signs:
    found: re.Pattern[str]
    felt: re.Pattern[str]
    both: re.Pattern[str]
    regions: tuple[_Region, ...]


def kind_of(text: str) -> Kind:
    """Whose a clause is, by its words."""
    signs = _signs()
    if not signs.found.search(text):
        return "both" if signs.both.search(text) else "told"
    if "tender" in text.lower() and signs.felt.search(text):
        return "both"
    return "both" if without_measure(text) != text else "found"


def without_measure(text: str) -> str:
    """The clause without a measured temperature: "fever of 39 C" is "fever"."""
    rest = _MEASURE.sub("", text)
    return rest if re.search(r"\bfever\w*|\bfebrile", rest, re.I) else text


def sign_findings(texts: Sequence[str], truth: Truth) -> tuple[Finding, ...]:
    """One finding a region of the body, in the order of the regions, without the diagnosis."""
    by_region: dict[str, list[str]] = {}
    for text in texts:
        by_region.setdefault(_region(text), []).append(_as_recorded(text))
    known = {region.name: region for region in _signs().regions}
    order = [*known, _ELSEWHERE]
    named = sorted(by_region.items(), key=lambda item: order.index(item[0]))
    return tuple(
        Finding(
            id=f"e{number:03d}",
            name=mask(name, truth, "examination"),
            text=mask(". ".join(dict.fromkeys(group)) + ".", truth),
            terms=known[name].asked if name in known else ("general", "appearance", "inspection"),
        )
        for number, (name, group) in enumerate(named, start=1)
    )


def _as_recorded(text: str) -> str:
    """A clause in the words of a record: "I have no rash." is "No rash"."""
    plain = re.sub(r"^I have (?:had )?no\b", "No", text.rstrip("."))
    plain = re.sub(r"^I have (?:had )?(?:an?\s)?", "", plain)
    return plain[:1].upper() + plain[1:]


def _region(text: str) -> str:
    """The region that shares most words with a finding; of equals the first."""
    words = set(_WORD.findall(text.lower()))
    best = max(_signs().regions, key=lambda region: len(words & region.words))
    return best.name if words & best.words else _ELSEWHERE


@cache
def _signs() -> _Signs:
    path = files("bedside.scenarios").joinpath("data/signs.toml")
    raw = tomllib.loads(path.read_text("utf-8"))
    return _Signs(
        found=_any_of([*raw["signs"], *raw["measured"], *raw["tested"]]),
        felt=_any_of(raw["felt"]),
        both=_any_of(raw["both"]),
        regions=tuple(
            _Region(name, frozenset(group["of"].split()), tuple(group["asked"].split()))
            for name, group in raw["regions"].items()
        ),
    )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.I)
