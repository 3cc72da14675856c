"""What an element of a resource, or an answer, is compared with: data, and one function.

An element is what a FHIRPath expression gives: JSON as the chart holds it. An answer is JSON as a
doctor sends it, so a number may also come as text, with or without its unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from bedside.scenarios.case import Model
from bedside.scenarios.units import factor

__all__ = ["Amount", "Comparator", "Concept", "Gone", "Moment", "Refers", "Same", "Words", "meets"]


class Same(Model):
    """One of these texts, without regard to capitals, or this truth value."""

    kind: Literal["same"] = "same"
    values: tuple[str | bool, ...]


class Concept(Model):
    """A CodeableConcept or Coding, or its name or code as text.

    It is met by one of the codes or one of the names; a code of the same system that is not among
    them breaks it.
    """

    kind: Literal["concept"] = "concept"
    codes: tuple[str, ...] = Field(default=(), description="Each 'system|code'.")
    names: tuple[str, ...] = ()


class Amount(Model):
    """A number, with the unit it is in; other units of the same kind are converted."""

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


class Refers(Model):
    """A reference to this resource, such as 'Patient/abc'; as an answer, its id will do."""

    kind: Literal["refers"] = "refers"
    to: str


class Gone(Model):
    """Nothing is there."""

    kind: Literal["gone"] = "gone"


Comparator = Annotated[
    Same | Concept | Amount | Moment | Words | Refers | Gone, Field(discriminator="kind")
]

_NOT_WORD = re.compile(r"[^a-z0-9.%+/]+")
_NUMBER = re.compile(r"\s*(?P<number>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(?P<unit>.*?)\s*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMS = frozenset(
    (
        "oral", "orally", "po", "by", "mouth", "iv", "intravenous", "intravenously", "tablet",
        "tablets", "capsule", "capsules", "injection", "solution", "mg", "g", "mcg", "ug", "ml",
        "meq", "mmol", "units", "unit", "daily", "once", "twice", "a", "day", "dose", "bolus",
    )
)  # fmt: skip
"""Words beside a name that say how it is given."""
_SPARE = 1e-9


def meets(comparator: Comparator, values: list[Any]) -> bool:
    """Whether one of the values is as it should be; for :class:`Gone`, whether there are none."""
    match comparator:
        case Gone():
            return not values
        case Same():
            return any(_same(value, comparator) for value in values)
        case Concept():
            return any(_concept(value, comparator) for value in values)
        case Amount():
            return any(_amount(value, comparator) for value in values)
        case Moment():
            return any(_moment(value, comparator) for value in values)
        case Words():
            return any(_words(value, comparator) for value in values)
        case Refers():
            return any(_refers(value, comparator) for value in values)


def _same(value: Any, wanted: Same) -> bool:
    if isinstance(value, bool):
        return any(value is option for option in wanted.values)
    return isinstance(value, str | int | float) and _folded(str(value)) in {
        _folded(option) for option in wanted.values if isinstance(option, str)
    }


def _folded(text: str) -> str:
    words = (word.rstrip(".") for word in _NOT_WORD.sub(" ", text.lower()).split())
    return " ".join(word for word in words if word).strip(".")


def _concept(value: Any, wanted: Concept) -> bool:
    names = {_folded(name) for name in wanted.names}
    bare = {code.partition("|")[2].lower() for code in wanted.codes}
    if isinstance(value, str):
        return _folded(value) in names or _name(value) in names or value.strip().lower() in bare
    if not isinstance(value, dict):
        return False
    codings = list(_codings(value))
    systems = {code.partition("|")[0] for code in wanted.codes}
    known = [f"{system}|{code}" for system, code, _ in codings if system in systems]
    if any(code not in wanted.codes for code in known):
        return False
    texts = [value.get("text", ""), *(display for _, _, display in codings)]
    said = [text for text in texts if isinstance(text, str)]
    return bool(known) or any(_folded(text) in names or _name(text) in names for text in said)


def _codings(value: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for coding in value.get("coding") or ([value] if "code" in value else []):
        if isinstance(coding, dict):
            yield tuple(str(coding.get(key, "")) for key in ("system", "code", "display"))  # type: ignore[misc]


def _name(text: str) -> str:
    """A name without what says how much of it is given, and how."""
    words = _folded(text).split()
    return " ".join(w for w in words if w not in _FORMS and not w[0].isdigit()) or _folded(text)


def _amount(value: Any, wanted: Amount) -> bool:
    found = _number(value)
    if found is None:
        return False
    number, unit = found
    if unit and wanted.unit:
        ratio = factor(unit, wanted.unit)
        if ratio is None:
            return False
        number *= ratio
    return abs(number - wanted.value) <= wanted.tolerance + _SPARE * max(1.0, abs(wanted.value))


def _number(value: Any) -> tuple[float, str] | None:
    """A number and its unit, which is "" where none is given."""
    match value:
        case bool():
            return None
        case int() | float() | Decimal():
            return float(value), ""
        case str():
            parts = _NUMBER.fullmatch(value)
            return (float(parts["number"]), parts["unit"]) if parts else None
        case {"value": int() | float() | Decimal() as number, **rest}:
            unit = rest.get("code") or rest.get("unit") or ""
            return float(number), str(unit)
        case {"numerator": numerator, "denominator": denominator}:
            above, below = _number(numerator), _number(denominator)
            if above is None or below is None or not below[0]:
                return None
            return above[0] / below[0], f"{above[1]}/{below[1]}"
    return None


def _moment(value: Any, wanted: Moment) -> bool:
    if not isinstance(value, str):
        return False
    day = value.strip()[:10]
    room = wanted.earliest != wanted.latest and len(value.strip()) == len(day)
    if room or _DAY.fullmatch(wanted.earliest):
        return bool(_DAY.fullmatch(day)) and wanted.earliest[:10] <= day <= wanted.latest[:10]
    try:
        low, at, high = map(_instant, (wanted.earliest, value.strip(), wanted.latest))
    except ValueError:
        return False
    return low <= at <= high


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _words(value: Any, wanted: Words) -> bool:
    text = f" {_folded(value)} " if isinstance(value, str) else ""
    return all(f" {_folded(phrase)} " in text for phrase in wanted.phrases)


def _refers(value: Any, wanted: Refers) -> bool:
    text = value.get("reference", "") if isinstance(value, dict) else value
    if not isinstance(text, str):
        return False
    return text == wanted.to.partition("/")[2] or f"/{text}".endswith(f"/{wanted.to}")
