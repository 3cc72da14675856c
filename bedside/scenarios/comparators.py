"""What an element of a resource, or an answer, is compared with: data, and one function.

An element is what a FHIRPath expression gives: JSON as the chart holds it. An answer is JSON as a
doctor sends it, so a number may also come as text, with or without its unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field

from bedside.scenarios.case import Model
from bedside.scenarios.units import differ, factor

__all__ = [
    "Amount",
    "Comparator",
    "Concept",
    "Gone",
    "Moment",
    "Refers",
    "Same",
    "Words",
    "contradicts",
    "meets",
]


class Same(Model):
    """One of these texts, without regard to capitals, or this truth value."""

    kind: Literal["same"] = "same"
    values: tuple[str | bool, ...]


class Concept(Model):
    """A CodeableConcept or Coding, or its name or code as text.

    It is met by one of the codes or one of the names. What else it says must not be something
    else: a code of the same system that is not among them breaks it, and so does a name that has
    no word in common with these.
    """

    kind: Literal["concept"] = "concept"
    codes: tuple[str, ...] = Field(default=(), description="Each 'system|code'.")
    names: tuple[str, ...] = ()


class Amount(Model):
    """A number, with the unit it is in; other units of the same kind are converted.

    A Quantity must say its unit; a number in an answer need not. Without a unit here, none may be
    said.
    """

    kind: Literal["amount"] = "amount"
    value: float
    unit: str = ""
    tolerance: float = Field(default=0, ge=0, description="In the unit of `value`.")


class Moment(Model):
    """A date or time between two moments, both included.

    Only days are compared where the moments are days (YYYY-MM-DD). A day is enough where there is
    room between the moments; where they are one and the same, the time is asked for.
    """

    kind: Literal["moment"] = "moment"
    earliest: str
    latest: str


class Words(Model):
    """Text that holds all these phrases, whatever the spacing, capitals and punctuation."""

    kind: Literal["words"] = "words"
    phrases: tuple[str, ...]
    longest: int = Field(default=0, ge=0, description="Most characters it may have; 0: any.")


class Refers(Model):
    """A reference to this resource of the chart, such as 'Patient/abc'; its id will do."""

    kind: Literal["refers"] = "refers"
    to: str


class Gone(Model):
    """Nothing is there."""

    kind: Literal["gone"] = "gone"


Comparator = Annotated[
    Same | Concept | Amount | Moment | Words | Refers | Gone, Field(discriminator="kind")
]

_NOT_WORD = re.compile(r"[^a-z0-9.%+/]+")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^][]*\]")
_NUMBER = re.compile(r"([-+]?\d{1,30}(?:\.\d{1,30})?(?:e[-+]?\d{1,3})?)(?!\d)(.*)", re.ASCII | re.I)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_REFERENCE = re.compile(
    r"(?:https?://(?:bedside\.dev|localhost|127\.0\.0\.1)(?::\d+)?/(?:[^/]+/)*)?"
    r"(?P<to>[A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
"""A resource of this chart: relative, or at an address of it; of any version."""
_FORMS = frozenset(
    (
        "oral", "orally", "po", "by", "mouth", "iv", "ivpb", "intravenous", "intravenously", "in",
        "tablet", "tablets", "capsule", "capsules", "injection", "infusion", "solution", "mg", "g",
        "mcg", "ug", "ml", "meq", "mmol", "units", "unit", "daily", "once", "twice", "a", "day",
        "dose", "bolus", "er", "xr", "sr", "extended", "release", "suspension", "water", "premix",
    )
)  # fmt: skip
"""Words beside a name that say how it is given."""
_COMMON = frozenset(
    ("of", "in", "or", "and", "the", "a", "by", "for", "to", "route", "level", "test", "panel")
)
"""Words that two names may share though they mean different things."""
_LONGEST_NUMBER = 100
_SPARE = 1e-9


def meets(comparator: Comparator, values: list[Any], *, loosely: bool = False) -> bool:
    """Whether one of the values is as it should be; for :class:`Gone`, whether there are none.

    Args:
        comparator: how it should be.
        values: what is there.
        loosely: a concept is met by any text in which one of its names stands: for what is
            forbidden in whatever words.
    """
    if isinstance(comparator, Gone):
        return not values
    return any(_meets(comparator, value, loosely) for value in values)


def contradicts(comparator: Comparator, value: Any) -> bool:
    """Whether a value speaks against what is wanted, and does not merely say more.

    A reference to a resource of another type says more; everything else that does not meet the
    comparator speaks against it.
    """
    if isinstance(comparator, Refers) and isinstance(value, dict):
        known = _REFERENCE.fullmatch(str(value.get("reference", "")).strip())
        other = known and known["to"].partition("/")[0] != comparator.to.partition("/")[0]
        return not other and not _refers(value, comparator)
    return not _meets(comparator, value, False)


def _meets(comparator: Comparator, value: Any, loosely: bool) -> bool:
    match comparator:
        case Same():
            return _same(value, comparator)
        case Concept():
            return _named(value, comparator) if loosely else _concept(value, comparator)
        case Amount():
            return _amount(value, comparator)
        case Moment():
            return _moment(value, comparator)
        case Words():
            return _words(value, comparator)
        case Refers():
            return _refers(value, comparator)
        case Gone():
            return False


def _same(value: Any, wanted: Same) -> bool:
    if isinstance(value, bool):
        return any(value is option for option in wanted.values)
    return isinstance(value, str | int | float) and _folded(str(value)) in {
        _folded(option) for option in wanted.values if isinstance(option, str)
    }


def _folded(text: str) -> str:
    text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text.lower())
    words = (word.rstrip(".") for word in _NOT_WORD.sub(" ", text).split())
    return " ".join(word for word in words if word).strip(".")


def _concept(value: Any, wanted: Concept) -> bool:
    names = {_folded(name) for name in wanted.names}
    if isinstance(value, str):
        bare = {_bare(code) for code in wanted.codes}
        return bool(names & {_folded(value), _name(value)}) or _bare(value) in bare
    if not isinstance(value, dict):
        return False
    codings, text = list(_codings(value)), value.get("text")
    verdicts = [_coding(coding, wanted, names) for coding in codings]
    if isinstance(text, str) and text:
        exact = bool(names & {_folded(text), _name(text)})
        verdicts.append(True if exact else None if _related(text, names) else False)
    return False not in verdicts and True in verdicts


def _coding(coding: dict[str, Any], wanted: Concept, names: set[str]) -> bool | None:
    """Whether a coding is one of those wanted, another (False), or says nothing against it."""
    system, code, display = (str(coding.get(key) or "") for key in ("system", "code", "display"))
    accepted = {(known.partition("|")[0], _bare(known)) for known in wanted.codes}
    if display and names and not _related(display, names):
        return False
    if (system, _bare(code)) in accepted:
        return True
    if not system and _bare(code) in {bare for _, bare in accepted}:
        return True
    if system in {known for known, _ in accepted}:
        return False
    if names & {_folded(display), _name(display), _folded(code)}:
        return True
    return None if display else False


def _codings(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for coding in value.get("coding") or ([value] if "code" in value else []):
        if isinstance(coding, dict):
            yield coding


def _bare(code: str) -> str:
    """A code without its system and without dashes, which NDC is written with and without."""
    return code.rpartition("|")[2].strip().lower().replace("-", "")


def _name(text: str) -> str:
    """A name without what says how much of it is given, and how."""
    words = _folded(_BRACKETS.sub(" ", text)).split()
    kept = [w for w in words if w not in _FORMS and not w[0].isdigit()]
    return " ".join(kept) or _folded(text)


def _related(text: str, names: set[str]) -> bool:
    """Whether a name has a telling word in common with one of these; without any, it has."""
    telling = {word for name in names for word in name.split()} - _COMMON
    return not telling or bool(telling & set(_folded(text).split()))


def _named(value: Any, wanted: Concept) -> bool:
    """Whether one of the names stands anywhere in a concept, or one of its codes is there."""
    if not isinstance(value, dict):
        return _concept(value, wanted)
    texts = [value.get("text"), *(coding.get("display") for coding in _codings(value))]
    said = [f" {_folded(text)} " for text in texts if isinstance(text, str)]
    codes = {_bare(str(coding.get("code") or "")) for coding in _codings(value)}
    return any(f" {_folded(name)} " in text for name in wanted.names for text in said) or any(
        _bare(code) in codes for code in wanted.codes
    )


def _amount(value: Any, wanted: Amount) -> bool:
    found = _number(value)
    if found is None:
        return False
    number, unit = found
    if unit or (wanted.unit and isinstance(value, dict)):
        ratio = factor(unit, wanted.unit)
        if ratio is None:
            return False
        number *= ratio
    return abs(number - wanted.value) <= wanted.tolerance + _SPARE * max(1.0, abs(wanted.value))


def _number(value: Any) -> tuple[float, str] | None:
    """A number and its unit, which is "" where none is given; None for what is no number, or has
    two units that differ."""
    match value:
        case str():
            return _written(value.strip().replace("\N{MINUS SIGN}", "-"))
        case {"numerator": numerator, "denominator": denominator}:
            above, below = _number(numerator), _number(denominator)
            if above is None or below is None or not below[0]:
                return None
            return above[0] / below[0], f"{above[1]}/{below[1]}"
        case {"value": number, **rest}:
            code, unit = str(rest.get("code") or ""), str(rest.get("unit") or "")
            if rest.get("comparator") or (code and unit and differ(code, unit)):
                return None
            return None if (found := _finite(number)) is None else (found, code or unit)
        case _:
            return None if (found := _finite(value)) is None else (found, "")


def _written(text: str) -> tuple[float, str] | None:
    parts = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    number = _finite(float(parts[1])) if parts else None
    return None if parts is None or number is None else (number, parts[2].strip())


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _moment(value: Any, wanted: Moment) -> bool:
    if not isinstance(value, str):
        return False
    text = value.strip().removesuffix("UTC").strip()
    day = text[:10]
    room = wanted.earliest != wanted.latest and len(text) == len(day)
    if room or _DAY.fullmatch(wanted.earliest):
        return bool(_DAY.fullmatch(day)) and wanted.earliest[:10] <= day <= wanted.latest[:10]
    try:
        low, at, high = map(_instant, (wanted.earliest, text.upper(), wanted.latest))
    except ValueError:
        return False
    return low <= at <= high


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _words(value: Any, wanted: Words) -> bool:
    if not isinstance(value, str) or (wanted.longest and len(value) > wanted.longest):
        return False
    text = f" {_folded(value)} "
    return all(f" {_folded(phrase)} " in text for phrase in wanted.phrases)


def _refers(value: Any, wanted: Refers) -> bool:
    text = value.get("reference", "") if isinstance(value, dict) else value
    if not isinstance(text, str):
        return False
    known = _REFERENCE.fullmatch(text.strip())
    if known:
        return known["to"] == wanted.to
    return text.strip() == wanted.to.partition("/")[2] and not isinstance(value, dict)
