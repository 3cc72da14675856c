"""What a search parameter compares: typed values taken from elements, and FHIR date ranges."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = [
    "FOREVER",
    "Amount",
    "Key",
    "Position",
    "Range",
    "Text",
    "amounts",
    "canonicals",
    "dates",
    "fold",
    "is_on_earth",
    "parse_date",
    "positions",
    "reference_key",
    "references",
    "texts",
    "token_texts",
    "tokens",
    "uris",
]

Key = tuple[str | None, str | None]
"""(system, code) of a token, or (type, id) of a reference, as both are indexed.

A token under a system is found by (system, code), (None, code) and (system, None); one without a
system by ("", code) and (None, code). A reference is found by (type, id) and (None, id).
"""

FOREVER = 10**21
"""Later than any date, in nanoseconds; its negative is earlier than any."""

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")
_MARKS = r"[!\"#%&'()*,\-./:;?@\[\\\]_{}\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e]"
_PUNCTUATION = re.compile(rf"(?<!\d){_MARKS}|{_MARKS}(?!\d)")
_SECOND = 10**9
_DAY = 86_400 * _SECOND


class Range(NamedTuple):
    """A stretch of time in nanoseconds; `high` is just outside."""

    low: int
    high: int


class Text(NamedTuple):
    """A string as written and as compared by default."""

    exact: str
    folded: str


class Amount(NamedTuple):
    """A number or a stretch of them, both ends inside, and its unit ("" for none)."""

    low: Decimal | int
    high: Decimal | int
    system: str = ""
    code: str = ""
    unit: str = ""


class Position(NamedTuple):
    """A point on Earth in degrees."""

    latitude: float
    longitude: float


def fold(text: str) -> str:
    """Text without case, accents, punctuation and repeated spaces.

    Punctuation between two digits, as in 5.4, stays; so does a text of nothing else.
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = text.casefold().split()
    if not all(map(str.isalnum, words)):
        words = _PUNCTUATION.sub("", " ".join(words)).split() or words
    return " ".join(words)


def parse_date(text: str) -> Range | None:
    """The range a FHIR date, dateTime or instant stands for by its precision; None if it is none.

    Times without an offset are read as UTC.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if "00" in (month, day):
        return None
    try:
        if hour is None:
            return _days(int(year), int(month or 0), int(day or 0))
        low = _days(int(year), int(month), int(day)).low
    except ValueError:
        return None
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        return None
    low += (int(hour) * 3600 + int(minute) * 60 + int(second or 0)) * _SECOND - _offset(offset)
    if second is None:
        return Range(low, low + 60 * _SECOND)
    width = 10 ** (9 - len(fraction or ""))
    low += int(fraction or 0) * width
    return Range(low, low + width)


def _days(year: int, month: int, day: int) -> Range:
    """A day, a month (`day` 0), or a year (both 0)."""
    low = date(year, month or 1, day or 1).toordinal()
    if day:
        high = low + 1
    elif month:
        high = low + 31 if month == 12 else date(year, month + 1, 1).toordinal()
    else:
        high = low + (366 if date(year, 12, 31).timetuple().tm_yday == 366 else 365)
    return Range(low * _DAY, high * _DAY)


def _offset(text: str | None) -> int:
    if text is None or text == "Z":
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[4:6]) * 60
    return (-seconds if text[0] == "-" else seconds) * _SECOND


def dates(node: Any) -> Iterator[Range]:
    """Ranges of a date, dateTime, instant, Period or Timing."""
    if isinstance(node, str):
        found = parse_date(node)
        if found is not None:
            yield found
    elif isinstance(node, dict):
        if "event" in node or "repeat" in node:
            yield from _outer_limits(node)
        elif "start" in node or "end" in node:
            start = parse_date(node["start"]) if "start" in node else Range(-FOREVER, -FOREVER)
            end = parse_date(node["end"]) if "end" in node else Range(FOREVER, FOREVER)
            if start is not None and end is not None:
                yield Range(start.low, end.high)


def _outer_limits(timing: Any) -> Iterator[Range]:
    """From the first to the last moment of a Timing; what it is between them is not looked at."""
    moments = [*timing.get("event", ()), timing.get("repeat", {}).get("boundsPeriod")]
    ranges = [found for moment in moments for found in dates(moment)]
    if ranges:
        yield Range(min(r.low for r in ranges), max(r.high for r in ranges))


def tokens(node: Any, system_of: Callable[[str], str]) -> Iterator[Key]:
    """Keys of a code, boolean, string, Coding, CodeableConcept, Identifier or ContactPoint.

    `system_of` gives the system that a plain code's binding implies.
    """
    if isinstance(node, bool):
        yield (None, "true" if node else "false")
    elif isinstance(node, str):
        yield from _token_keys(system_of(node), node)
    elif isinstance(node, dict):
        codings = node.get("coding")
        if isinstance(codings, list):
            for coding in codings:
                yield from _token_keys(coding.get("system", ""), coding.get("code"))
        else:
            yield from _token_keys(node.get("system", ""), node.get("code", node.get("value")))


def _token_keys(system: str, code: str | None) -> Iterator[Key]:
    if system:
        yield (system, None)
    if code is not None:
        yield (system, code)
        yield (None, code)


def token_texts(node: Any) -> Iterator[str]:
    """What ``:text`` searches: the texts and displays of a token or reference, folded."""
    if not isinstance(node, dict):
        return
    for concept in (node, node.get("type")):
        if isinstance(concept, dict):
            for item in (concept, *concept.get("coding", ())):
                for name in ("text", "display"):
                    if isinstance(item.get(name), str):
                        yield fold(item[name])


def reference_key(text: str) -> Key:
    """(type, id) of a reference as text: relative, absolute, versioned, or a bare id."""
    match = _REFERENCE.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def references(node: Any) -> Iterator[Key]:
    """Keys of a Reference, a canonical address, or a resource that stands in another."""
    if isinstance(node, str):
        for address in canonicals(node):
            yield (None, address)
        return
    if isinstance(node, dict) and "resourceType" in node:
        if "id" in node:
            yield (None, node["id"])
            yield (node["resourceType"], node["id"])
        return
    text = node.get("reference") if isinstance(node, dict) else None
    if isinstance(text, str):
        kind, id = reference_key(text)
        yield (None, id)
        if kind is not None:
            yield (kind, id)
        if "://" in text:
            yield (None, text)


_TEXT_MEMBERS = (
    "text", "family", "given", "prefix", "suffix",
    "line", "city", "district", "state", "postalCode", "country",
)  # fmt: skip


def texts(node: Any) -> Iterator[Text]:
    """Strings of a string, HumanName, Address or Annotation."""
    if isinstance(node, str):
        yield Text(node, fold(node))
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, dict):
        for member in _TEXT_MEMBERS:
            yield from texts(node.get(member))


def uris(node: Any) -> Iterator[str]:
    """The address."""
    if isinstance(node, str):
        yield node


def canonicals(node: Any) -> Iterator[str]:
    """A canonical address, which is also found without its fragment, and without its version."""
    if isinstance(node, str):
        whole = node.partition("#")[0]
        yield from dict.fromkeys((node, whole, whole.partition("|")[0]))


def amounts(node: Any) -> Iterator[Amount]:
    """The amount of a number, Quantity, Money, Range or SampledData."""
    if _is_number(node):
        yield Amount(node, node)
    elif not isinstance(node, dict):
        return
    elif "low" in node or "high" in node:
        low, high = node.get("low", {}), node.get("high", {})
        unit = low or high
        yield Amount(low.get("value", -_ANY), high.get("value", _ANY), *_unit(unit))
    elif "origin" in node:
        yield from amounts(node["origin"])
    elif _is_number(node.get("value")):
        yield Amount(node["value"], node["value"], *_unit(node))


def positions(node: Any) -> Iterator[Position]:
    """The position of a Location, if it has one on Earth."""
    latitude, longitude = node.get("latitude"), node.get("longitude")
    if _is_number(latitude) and _is_number(longitude) and is_on_earth(latitude, longitude):
        yield Position(float(latitude), float(longitude))


def is_on_earth(latitude: Decimal | float, longitude: Decimal | float) -> bool:
    """Whether there is such a point, in degrees."""
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


_ANY = Decimal("Infinity")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _unit(quantity: Any) -> tuple[str, str, str]:
    if "currency" in quantity:
        return ("urn:iso:std:iso:4217", quantity["currency"], quantity["currency"])
    return (quantity.get("system", ""), quantity.get("code", ""), quantity.get("unit", ""))
