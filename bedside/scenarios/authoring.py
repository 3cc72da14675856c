"""Checks a diagnosis file for its author: every problem with the line and the field it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bedside.core.errors import CaseError
from bedside.scenarios.blueprint import UNCHECKED, Blueprint, statements
from bedside.scenarios.case import Truth
from bedside.scenarios.leaks import leaks
from bedside.scenarios.library import blueprints, decode, problems, rules

__all__ = ["DiagnosisReport", "check_diagnosis", "line_of"]

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_PLACE = re.compile(r"`\$\.?([^`]*)`")


class DiagnosisReport(msgspec.Struct, frozen=True):
    """What is to be said about a diagnosis file.

    Attributes:
        name: the diagnosis.
        problems: what must be mended, each with its line and field.
        statements: clinical statements in it.
        unchecked: those of them that name no source.
    """

    name: str
    problems: tuple[str, ...]
    statements: int
    unchecked: int

    @property
    def passed(self) -> bool:
        """Whether nothing must be mended."""
        return not self.problems


def check_diagnosis(path: Path) -> DiagnosisReport:
    """Check a diagnosis file against its schema, the concepts, ICD-10-CM and its own secret.

    Raises:
        CaseError: the file cannot be read, or is not what the schema says; the message names line
            and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"cannot read {path}: {error}") from None
    blueprint = _parse(path, text)
    known = {**blueprints(), blueprint.name: blueprint}
    found = [*problems(blueprint, known), *_codes(blueprint), *_leaks(blueprint)]
    stated = list(statements(blueprint))
    return DiagnosisReport(
        name=blueprint.name,
        problems=tuple(f"line {line_of(text, place)}: {place}: {what}" for place, what in found),
        statements=len(stated),
        unchecked=sum(statement.source == UNCHECKED for statement in stated),
    )


def _parse(path: Path, text: str) -> Blueprint:
    try:
        return decode(text.encode(), Blueprint, str(path))
    except CaseError as error:
        place = _PLACE.search(str(error))
        if place is None:
            raise
        where, what = place[1], str(error).removeprefix(f"{path}: ")
        what = _PLACE.sub("", what).removesuffix(" - at ")
        raise CaseError(f"{path}, line {line_of(text, where)}: {where or 'file'}: {what}") from None


def _codes(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    import simple_icd_10_cm as icd

    for place, code in [("code", blueprint.code)] + [
        ("accepted_codes", code) for code in blueprint.accepted_codes
    ]:
        if not icd.is_valid_item(code) or not icd.is_leaf(code):
            yield place, f"'{code}' is no complete ICD-10-CM code"
        elif place == "code" and icd.get_description(code) != blueprint.display:
            yield "display", f"ICD-10-CM calls {code} '{icd.get_description(code)}'"


def _leaks(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    """Words of the patient or of an examination that give the diagnosis away."""
    truth = Truth(diagnosis=blueprint.name, code=blueprint.code, synonyms=blueprint.synonyms)
    for place, text in _said(blueprint):
        for word in leaks(text, truth):
            yield place, f"'{word}' gives the diagnosis away: {text}"


def _said(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    for name in ("complaint", "onset", "tried"):
        for text in getattr(blueprint.story, name):
            yield f"story.{name}", text
    for number, trap in enumerate(blueprint.traps):
        yield f"traps[{number}].says", trap.says
    for number, claim in enumerate(blueprint.claims):
        for concept in claim.bands:
            if rule := rules().get(concept):
                for text in (*rule.present, *rule.absent):
                    yield f"claims[{number}].bands.{concept}", text


def line_of(text: str, place: str) -> int:
    """The line of a TOML text that a place such as ``claims[1].bands`` is nearest to, from 1."""
    wanted = [part for part in re.split(r"[.\[\]]+", place) if part]
    best, depth = 1, 0
    counts: dict[str, int] = {}
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[2]
            table = name.split(".")
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table.append(str(counts[name]))
            here = table
        elif key := _KEY.match(line):
            here = [*table, key[1]]
        else:
            continue
        if len(here) > depth and wanted[: len(here)] == here:
            best, depth = number, len(here)
    return best
