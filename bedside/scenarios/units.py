"""Units of measure that doses, rates and answers come in, and how they convert.

UCUM codes (https://ucum.org) and the spellings seen in orders. Milliequivalents are taken as
millimoles, which is right for ions of one charge only: potassium and sodium, the only ones that
are ordered so here.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["differ", "factor"]

_SIZES: dict[str, dict[str, float]] = {
    "mass": {"kg": 1e3, "g": 1.0, "mg": 1e-3, "ug": 1e-6, "ng": 1e-9},
    "volume": {"l": 1.0, "dl": 0.1, "ml": 1e-3},
    "time": {"min": 1.0, "h": 60.0, "d": 1440.0, "wk": 10080.0},
    "substance": {"mol": 1.0, "mmol": 1e-3, "meq": 1e-3, "umol": 1e-6},
    "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3},
}
_SPELLINGS = {
    "mcg": "ug", "µg": "ug", "μg": "ug", "microgram": "ug", "micrograms": "ug",
    "milligram": "mg", "milligrams": "mg", "gram": "g", "grams": "g", "gm": "g",
    "kilogram": "kg", "kilograms": "kg", "litre": "l", "liter": "l",
    "millilitre": "ml", "milliliter": "ml", "hour": "h", "hours": "h", "hr": "h", "hrs": "h",
    "minute": "min", "minutes": "min", "mins": "min", "day": "d", "days": "d",
    "week": "wk", "weeks": "wk", "[iu]": "unit", "iu": "unit", "units": "unit", "{unit}": "unit",
    "u": "unit", "mm[hg]": "mmhg", "mm hg": "mmhg", "cel": "c", "degc": "c", "°c": "c",
    "degrees c": "c", "bpm": "/min", "beats/min": "/min", "percent": "%", "lbs": "lb",
    "milliequivalent": "meq", "milliequivalents": "meq", "millimole": "mmol", "millimoles": "mmol",
    "[lb_av]": "lb",
}  # fmt: skip
_POUND = 453.59237
"""Grams; exact since 1959 (international yard and pound agreement)."""
_SIZES["mass"]["lb"] = _POUND


@lru_cache(maxsize=4096)
def factor(unit: str, other: str) -> float | None:
    """What a number in `unit` is multiplied by to be in `other`; None if they do not convert."""
    above, below = (text.lower().replace(" per ", "/").split("/", 1) for text in (unit, other))
    if len(above) != len(below):
        return None
    ratio = 1.0
    for place, (one, two) in enumerate(zip(above, below, strict=True)):
        single = _factor(_plain(one), _plain(two))
        if single is None:
            return None
        ratio = ratio / single if place else ratio * single
    return ratio


def differ(one: str, other: str) -> bool:
    """Whether two units are known and not the same, as a code and the text beside it must be."""
    ratio = factor(one, other)
    if ratio is None:
        return _known(one) and _known(other)
    return ratio != 1.0


def _known(unit: str) -> bool:
    parts = [_plain(part) for part in unit.lower().replace(" per ", "/").split("/")]
    return all(any(part in sizes for sizes in _SIZES.values()) for part in parts)


def _plain(unit: str) -> str:
    unit = unit.strip()
    return _SPELLINGS.get(unit, unit)


def _factor(unit: str, other: str) -> float | None:
    if unit == other:
        return 1.0
    for sizes in _SIZES.values():
        if unit in sizes and other in sizes:
            return sizes[unit] / sizes[other]
    return None
