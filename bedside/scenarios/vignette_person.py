"""Who the patient of a vignette is."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.scenarios.case import Person, Temperament
from bedside.scenarios.vignette_text import readable

__all__ = ["person_of", "stated_age"]

Json = dict[str, Any]
Sex = Literal["female", "male", "unknown"]

_OLD = re.compile(
    r"(\d{1,3}(?:\.\d+)?)[\s-]*(year|yr|y|month|mo|week|wk|day|hour)s?[\s/-]*(?:old|o\b|of age)",
    re.I,
)
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 52.18, "d": 365.25, "h": 8766.0}
_SEXES: tuple[tuple[Sex, re.Pattern[str]], ...] = (
    ("female", re.compile(r"\b(?:female|woman|girl|lady|f|gravida|primigravida)\b", re.I)),
    ("male", re.compile(r"\b(?:male|man|boy|gentleman|m)\b", re.I)),
)
_PRONOUNS: tuple[tuple[Sex, re.Pattern[str]], ...] = (
    ("female", re.compile(r"\b(?:she|her)\b", re.I)),
    ("male", re.compile(r"\b(?:he|his|him)\b", re.I)),
)
_WORK = re.compile(r"\b(?:works?|worked|working) as (?:an? )?([^.,;]{3,60})", re.I)
_COMPANION_BELOW = 6.0


def person_of(actor: Json, exam: Json, digest: str) -> Person:
    """Who the patient is.

    Args:
        actor: the row's ``Patient_Actor``.
        exam: the whole row.
        digest: hexadecimal hash of the row.

    Raises:
        CaseError: no age is given.
    """
    about = readable(actor.get("Demographics"))
    everything = f"{about}. {readable(exam.get('Objective_for_Doctor'))}. {readable(actor)}"
    age = _age(about)
    if age is None and (old := _OLD.search(everything)):
        age = _years(old)
    if age is None:
        raise CaseError("Patient_Actor.Demographics: no age; give it as '35-year-old woman'")
    temperaments: tuple[Temperament, ...] = get_args(Temperament)
    work = _WORK.search(readable(actor.get("Social_History")))
    return Person(
        name=f"Patient {opaque_id('name', digest, length=6)}",
        age=age,
        sex=_sex(about, everything),
        occupation=work.group(1).strip() if work else "",
        temperament=temperaments[int(digest, 16) % len(temperaments)],
        companion=age < _COMPANION_BELOW,
    )


def _age(text: str) -> float | None:
    """Years, from "35-year-old", "newborn", "aged 35" or "35 F", in this order."""
    old = _OLD.search(text)
    if old:
        return _years(old)
    if re.search(r"\b(?:newborn|neonate)\b", text, re.I):
        return 0.0
    number = re.search(r"^\D{0,12}(\d{1,3})\s*(?:y\w*|[mf]|fe?male)?\s*(?:[,;.]|$)", text, re.I)
    if number and int(number.group(1)) <= 120:
        return float(number.group(1))
    return 0.5 if re.search(r"\binfant\b", text, re.I) else None


def _years(match: re.Match[str]) -> float | None:
    amount, unit = match.groups()
    years = round(float(amount) / _PER_YEAR[unit[0].lower()], 3)
    return years if years <= 120 else None


def _sex(about: str, everything: str) -> Sex:
    for sex, word in _SEXES:
        if word.search(about):
            return sex
    told = [sex for sex, pronoun in _PRONOUNS if pronoun.search(everything)]
    return told[0] if len(told) == 1 else "unknown"


def stated_age(person: Person, about: str) -> str:
    """The age as one says it: "35 years old"."""
    old = _OLD.search(about)
    if old and old.group(2).lower() in ("year", "month", "week", "day"):
        amount, unit = old.groups()
        return f"{amount} {unit.lower()}{'' if amount == '1' else 's'} old"
    return "a newborn" if person.age == 0 else f"{person.age:g} years old"
