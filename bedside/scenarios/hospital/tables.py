"""What the hospital's data files say: analytes, conditions, medicines, reasons to be admitted."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from importlib import resources
from typing import Literal, TypeVar

import msgspec

from bedside.scenarios.hospital.draws import SIGMA
from bedside.scenarios.library import decode

__all__ = [
    "CHILD_UNTIL", "INFANT_UNTIL", "Analyte", "Band", "Condition", "Medicine", "Setting", "Stay",
    "analytes", "conditions", "medicines", "panels", "stays", "value_at",
]  # fmt: skip

Band = Literal["adult", "child", "infant"]
"""By age: infants, then children, then adults."""
INFANT_UNTIL, CHILD_UNTIL = 1, 12
"""Years."""
Setting = Literal["out", "ward", "icu"]

T = TypeVar("T")

_AT = (-3 * SIGMA, -1645, 0, 1645, 3 * SIGMA)
_STEEPER, _LEAST, _MOST = 3, 2, 4
_WARD = 3
"""A ward lies this part of the way from outside hospital to intensive care."""


class Analyte(msgspec.Struct, frozen=True, kw_only=True):
    """Something measured.

    Attributes:
        digits: digits after the point; values are integers in units of the last one.
        out: values at -3, -1.645, 0, 1.645 and 3 standard deviations, outside hospital.
        at: hidden numbers, in thousandths, at which the values of `icu` lie.
        range: reference interval of adults, (low, high); None: as `range`.
    """

    loinc: str
    display: str
    unit: str
    digits: int
    panel: str
    out: tuple[float, ...]
    icu: tuple[float, ...] | None = None
    at: tuple[int, ...] = _AT
    child_out: tuple[float, ...] | None = None
    infant_out: tuple[float, ...] | None = None
    range: tuple[float, float]
    female: tuple[float, float] | None = None
    child: tuple[float, float] | None = None
    infant: tuple[float, float] | None = None

    def interval(self, band: Band, female: bool) -> tuple[float, float]:
        """The reference interval, in the analyte's unit."""
        if band == "infant":
            return self.infant or self.child or self.range
        if band == "child":
            return self.child or self.range
        return (self.female if female else None) or self.range


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A chronic condition; the data file says what the fields mean."""

    code: str
    display: str
    ages: tuple[int, int]
    share: float
    onset: int
    shift: dict[str, int]
    medicines: tuple[tuple[str, ...], ...]
    panels: tuple[str, ...]
    months: int


class Medicine(msgspec.Struct, frozen=True, kw_only=True):
    """A medicine as it is ordered.

    Attributes:
        doses: (amount, UCUM unit), one of which is taken.
        shift: what it does to hidden numbers, in thousandths of a standard deviation.
        factor: what it multiplies values by, in thousandths.
    """

    name: str
    rxnorm: str = ""
    doses: tuple[tuple[float, str], ...]
    times_a_day: int
    route: str = "oral"
    as_needed: bool = False
    shift: dict[str, int]
    factor: dict[str, int] = {}


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A reason to be admitted; the data file says what the fields mean."""

    code: str
    display: str
    ages: tuple[int, int]
    needs: str = ""
    weight: int
    days: tuple[int, int]
    icu: float
    icu_days: tuple[int, int]
    shift: dict[str, int]
    factor: dict[str, int]
    turn: int
    half_life: int
    medicines: tuple[str, ...]
    procedure: str


def _read(name: str, kind: type[T]) -> dict[str, T]:
    file = resources.files("bedside.scenarios") / "data" / "hospital" / f"{name}.toml"
    return decode(file.read_bytes(), dict[str, kind], f"{name}.toml")  # type: ignore[valid-type]


@cache
def analytes() -> dict[str, Analyte]:
    """What is measured, by name."""
    return _read("analytes", Analyte)


@cache
def conditions() -> dict[str, Condition]:
    """Chronic conditions, by name."""
    return _read("conditions", Condition)


@cache
def medicines() -> dict[str, Medicine]:
    """Medicines, by name."""
    return _read("medicines", Medicine)


@cache
def stays() -> dict[str, Stay]:
    """Reasons to be admitted, by name."""
    return _read("stays", Stay)


@cache
def panels() -> dict[str, tuple[str, ...]]:
    """The analytes that are measured together, by the name of the panel."""
    found: dict[str, list[str]] = {}
    for name, analyte in analytes().items():
        found.setdefault(analyte.panel, []).append(name)
    return {panel: tuple(names) for panel, names in found.items()}


@cache
def _curve(name: str, icu: bool, band: Band) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Hidden numbers and the values there, in units of the last digit."""
    analyte = analytes()[name]
    own = {"adult": None, "child": analyte.child_out, "infant": analyte.infant_out}[band]
    own = own or (analyte.child_out if band == "infant" else None) or analyte.out
    at: tuple[int, ...] = _AT
    values: tuple[float, ...] = own
    if icu and analyte.icu is not None:
        at = analyte.at
        grown = zip(own, analyte.icu, analyte.out, strict=True)
        values = (
            tuple(o * i / max(g, 0.01) for o, i, g in grown) if own != analyte.out else analyte.icu
        )
    return at, tuple(round(value * 10**analyte.digits) for value in values)


def value_at(name: str, setting: Setting, band: Band, hidden: int) -> int:
    """The value of an analyte at a hidden number, in units of its last digit."""
    if setting == "ward":
        out, icu = (_read_off(_curve(name, icu, band), hidden) for icu in (False, True))
        return out + (icu - out) // _WARD
    return _read_off(_curve(name, setting == "icu", band), hidden)


def _read_off(curve: tuple[tuple[int, ...], tuple[int, ...]], hidden: int) -> int:
    at, values = curve
    place = min(max(bisect_right(at, hidden) - 1, 0), len(at) - 2)
    wide, rise = at[place + 1] - at[place], values[place + 1] - values[place]
    if hidden < at[0]:
        beyond = values[0] - _STEEPER * rise * (at[0] - hidden) // wide
        return max(beyond, values[0] // _LEAST)
    if hidden > at[-1]:
        beyond = values[-1] + _STEEPER * rise * (hidden - at[-1]) // wide
        return min(beyond, values[-1] * _MOST)
    return values[place] + (rise * (hidden - at[place]) + wide // 2) // wide
