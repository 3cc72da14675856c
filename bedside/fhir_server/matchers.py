"""How a value of a query compares with the values of a resource, by kind of parameter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.values import Key, Range, fold, parse_date, reference_key

__all__ = [
    "DateMatch",
    "Match",
    "amount_match",
    "date_match",
    "reference_wanted",
    "split",
    "string_match",
    "token_wanted",
    "unescape",
    "uri_match",
]

Match = Callable[[Any], bool]

_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d.+-])")
_MOST_DIGITS = 100
_EXACT = Context(prec=4 * _MOST_DIGITS)


def token_wanted(name: str, text: str) -> Key:
    """The key that a token of a query looks for.

    Raises:
        Refusal: 400, it has more than two parts or none.
    """
    if "|" not in text:
        return (None, unescape(text))
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) == 1:
        return (None, parts[0])
    if len(parts) > 2 or not any(parts):
        raise _invalid(f"'{name}={text}': write CODE, SYSTEM|CODE, SYSTEM| or |CODE.")
    system, code = parts
    return (system, code or None)


def reference_wanted(type: str, text: str) -> tuple[Key, ...]:
    """The keys that a reference of a query looks for; one that nothing has if types differ.

    The base of an address is not looked at: a chart's resources are known by type and id.
    """
    text = unescape(text)
    kind, id = reference_key(text)
    if type and kind not in (None, type):
        return ((type, None),)
    wanted = (type or kind, id)
    return (wanted, (None, text)) if "://" in text else (wanted,)


def string_match(modifier: str, text: str) -> Match:
    """Whether a text begins with, contains, or is exactly the one looked for."""
    text = unescape(text)
    if modifier == "exact":
        return lambda value: bool(value.exact == text)
    folded = fold(text)
    if modifier == "contains":
        return lambda value: folded in value.folded
    return lambda value: bool(value.folded.startswith(folded))


def uri_match(modifier: str, text: str) -> Match:
    """Whether an address is the one looked for, or above or below it by whole parts of its path."""
    text = unescape(text)
    if modifier == "below":
        under = text.rstrip("/") + "/"
        return lambda value: "://" in text and (value == text or value.startswith(under))
    if modifier == "above":
        return lambda value: (
            "://" in text and (value == text or text.startswith(value.rstrip("/") + "/"))
        )
    return lambda value: bool(value == text)


@dataclass(frozen=True, slots=True)
class DateMatch:
    """How a date compares: by its prefix, with the range from `low` to just before `high`."""

    prefix: str
    low: int
    high: int

    def __call__(self, value: Range) -> bool:
        return bool(_COMPARISONS[self.prefix](value.low, value.high, self.low, self.high))

    def fits(self, unit: int) -> bool:
        """Whether the range is one of whole units of so many nanoseconds."""
        return self.low % unit == 0 == self.high % unit

    def among(self, lows: Any, highs: Any, unit: int) -> Any:
        """Which of many ranges match, as columns in units that :meth:`fits`."""
        return _COMPARISONS[self.prefix](lows, highs, self.low // unit, self.high // unit)


_COMPARISONS: dict[str, Callable[[Any, Any, int, int], Any]] = {
    "eq": lambda low, high, start, end: (start <= low) & (high <= end),
    "ne": lambda low, high, start, end: (low < start) | (end < high),
    "gt": lambda low, high, start, end: high > end,
    "lt": lambda low, high, start, end: low < start,
    "ge": lambda low, high, start, end: (high > end) | ((start <= low) & (high <= end)),
    "le": lambda low, high, start, end: (low < start) | ((start <= low) & (high <= end)),
    "sa": lambda low, high, start, end: low >= end,
    "eb": lambda low, high, start, end: high <= start,
    "ap": lambda low, high, start, end: (low < 2 * end - start) & (high > 2 * start - end),
}
"""By prefix: for one range, or columns of many."""


def date_match(name: str, text: str) -> DateMatch:
    """How a date compares.

    Raises:
        Refusal: 400, it is no date.
    """
    prefix, rest = _prefixed(text)
    wanted = parse_date(rest.strip().replace(" ", "+"))
    if wanted is None:
        raise _invalid(
            f"'{name}={text}' is no date. Write YYYY, YYYY-MM, YYYY-MM-DD or "
            "YYYY-MM-DDThh:mm:ssZ, with a prefix if needed: eq, ne, gt, lt, ge, le, sa, eb, ap."
        )
    return DateMatch(prefix, wanted.low, wanted.high)


def amount_match(name: str, text: str, *, unit: bool) -> Match:
    """How a number, or with `unit` a quantity, compares.

    Raises:
        Refusal: 400, it is none.
    """
    prefix, rest = _prefixed(text)
    number, *units = [unescape(part) for part in split(rest, "|")] if unit else [rest]
    try:
        wanted = Decimal(number)
    except InvalidOperation:
        wanted = Decimal("NaN")
    readable = wanted.is_finite() and abs(wanted.adjusted()) <= _MOST_DIGITS and "_" not in number
    if not readable or len(units) > 2:
        form = "quantity. Write NUMBER or NUMBER|SYSTEM|CODE (NUMBER||UNIT)" if unit else (
            "number. Write it as 5, 5.40 or 1e-3"
        )  # fmt: skip
        raise _invalid(
            f"'{name}={text}' is no {form}, with a prefix if needed: eq, ne, gt, lt, ge, le, sa, "
            "eb, ap."
        )
    compare = _number_match(prefix, wanted, _half_step(number, wanted))
    if not units:
        return compare
    system, code = (*units, "")[:2]
    if system:
        return lambda v: v.system == system and code in ("", v.code) and compare(v)
    return lambda v: code in ("", v.code, v.unit) and compare(v)


def _prefixed(text: str) -> tuple[str, str]:
    found = _PREFIX.match(text)
    return (found[1], text[2:]) if found else ("eq", text)


def _half_step(number: str, wanted: Decimal) -> Decimal:
    """Half of the last digit given; R4 reads 1e2 as 95 to 105, as if it were 1.0e2."""
    exponent = int(wanted.as_tuple().exponent)
    if "e" in number.lower() and "." not in number:
        exponent -= 1
    return Decimal(5).scaleb(exponent - 1)


def _number_match(prefix: str, wanted: Decimal, half: Decimal) -> Match:
    low, high = _EXACT.subtract(wanted, half), _EXACT.add(wanted, half)
    tenth = _EXACT.divide(abs(wanted), 10)
    least, most = _EXACT.subtract(wanted, tenth), _EXACT.add(wanted, tenth)
    matches: dict[str, Match] = {
        "eq": lambda v: low <= v.low and v.high < high,
        "ne": lambda v: not (low <= v.low and v.high < high),
        "gt": lambda v: v.high > wanted,
        "lt": lambda v: v.low < wanted,
        "ge": lambda v: v.high >= wanted,
        "le": lambda v: v.low <= wanted,
        "sa": lambda v: v.low > wanted,
        "eb": lambda v: v.high < wanted,
        "ap": lambda v: least <= v.high and v.low <= most,
    }
    return matches[prefix]


def split(text: str, separator: str) -> list[str]:
    """Split at each separator that no backslash escapes."""
    if "\\" not in text:
        return text.split(separator)
    parts = [""]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def unescape(text: str) -> str:
    """Text without the backslashes that escape a separator."""
    return re.sub(r"\\([,|$\\])", r"\1", text) if "\\" in text else text


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
