"""The ``near`` parameter of Location: what lies within a distance of a point."""

from __future__ import annotations

import math
from collections.abc import Callable

from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.values import Position, is_on_earth

__all__ = ["near"]

_EARTH = 6371.0088
"""Mean radius in kilometres."""
_DEFAULT = 50.0
"""Kilometres, where a search gives no distance."""
_UNITS = {"km": 1.0, "m": 0.001, "[mi_us]": 1.609347, "[mi_i]": 1.609344}
"""Kilometres in a unit, by UCUM code."""


def near(name: str, text: str) -> Callable[[Position], bool]:
    """Whether a position lies within ``LATITUDE|LONGITUDE|DISTANCE|UNIT``; by default 50 km.

    Raises:
        Refusal: 400, it is not of that form.
    """
    latitude, longitude, distance, unit, *more = [*text.split("|"), "", "", "", ""][:5]
    try:
        here = Position(float(latitude), float(longitude))
        reach = float(distance or _DEFAULT) * _UNITS[unit or "km"]
    except (KeyError, ValueError):
        reach = -1.0
    if any(more) or not 0 <= reach < math.inf or not is_on_earth(*here):
        raise Refusal(400, "invalid", f"'{name}={text}': write LATITUDE|LONGITUDE|DISTANCE|UNIT, "
                      f"such as 52.52|13.40|5|km; units are: {', '.join(_UNITS)}.")  # fmt: skip
    return lambda there: _kilometres(here, there) <= reach


def _kilometres(one: Position, other: Position) -> float:
    """Along a great circle, by the haversine formula."""
    low, high = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    square = (
        math.sin((high - low) / 2) ** 2 + math.cos(low) * math.cos(high) * math.sin(across / 2) ** 2
    )
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(square)))
