"""The primitive types of R4: what their JSON is, their formats, and how to write them.

The patterns are those of https://hl7.org/fhir/R4/datatypes.html, and dates must exist.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

__all__ = ["HINTS", "PRIMITIVES"]

Accepts = Callable[[Any], bool]

_YEAR = r"(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_DATE = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?")
_DATE_TIME = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MOST_TEXT = 1024 * 1024
_MOST_DIGITS = 308
"""Of a number before its point, and about as many after it: what a double holds."""


def _matching(pattern: str) -> Accepts:
    matches = re.compile(pattern).fullmatch
    return lambda value: type(value) is str and matches(value) is not None


def _dated(pattern: re.Pattern[str]) -> Accepts:
    matches = pattern.fullmatch

    def accepts(value: Any) -> bool:
        if type(value) is not str or matches(value) is None:
            return False
        return (
            value[8:10] <= "28"
            or int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]
        )

    return accepts


def _whole(low: int) -> Accepts:
    return lambda value: type(value) is int and low <= value <= 2**31 - 1


def _text(value: Any) -> bool:
    return (
        type(value) is str
        and bool(value)
        and not value.isspace()
        and len(value) <= _MOST_TEXT
        and _CONTROL.search(value) is None
    )


def _decimal(value: Any) -> bool:
    if type(value) is Decimal:
        return -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS
    return type(value) is int and abs(value) < 10**_MOST_DIGITS


_uri = _matching(r"[^\x00-\x20]+")

PRIMITIVES: Mapping[str, Accepts] = {
    "boolean": lambda value: type(value) is bool,
    "integer": _whole(-(2**31)),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": lambda value: type(value) is str,
    "code": _matching(r"[^\x00-\x20]+(?: [^\x00-\x20]+)*"),
    "id": _matching(r"[A-Za-z0-9\-.]{1,64}"),
    "uri": _uri,
    "url": _uri,
    "canonical": _uri,
    "oid": _matching(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "uuid": _matching(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "base64Binary": _matching(r"(?:\s*[0-9a-zA-Z+/=]{4}\s*)+"),
    "date": _dated(_DATE),
    "dateTime": _dated(_DATE_TIME),
    "instant": _dated(_INSTANT),
    "time": _matching(_CLOCK),
}
"""Whether a JSON value is one of a primitive type."""

HINTS: Mapping[str, str] = {
    "boolean": "true or false, without quotes",
    "integer": "a whole number, without quotes",
    "unsignedInt": "a whole number from 0, without quotes",
    "positiveInt": "a whole number from 1, without quotes",
    "decimal": "a number below 1e308, without quotes",
    "string": "text that is not empty",
    "markdown": "text that is not empty",
    "xhtml": "XHTML text",
    "code": "a code: text without spaces at its ends",
    "id": "1 to 64 letters, digits, '-' or '.'",
    "uri": "a URI without spaces",
    "url": "a URL without spaces",
    "canonical": "a canonical URL without spaces",
    "oid": "an OID: urn:oid:1.2.3",
    "uuid": "a UUID: urn:uuid: and 36 small hex digits and dashes",
    "base64Binary": "base64 text",
    "date": "an existing date: YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "an existing date, or a time with seconds and zone: YYYY-MM-DDThh:mm:ss+zz:zz",
    "instant": "an instant: YYYY-MM-DDThh:mm:ss+zz:zz",
    "time": "a time: hh:mm:ss",
}
"""How a value of a primitive type is written."""
