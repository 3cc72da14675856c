"""The consult suite's data files, read once: concepts, diagnoses with their sources, and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TypeVar

import msgspec

from bedside.core.errors import CaseError
from bedside.scenarios.blueprint import UNCHECKED, Blueprint, People, Rule, Trap, statements
from bedside.scenarios.knowledge import Band, Concept, DiagnosisModel, Knowledge

__all__ = ["blueprints", "decode", "folder", "knowledge", "people", "problems", "rules", "traps"]

T = TypeVar("T")

NAMES_OF_3MDBENCH = frozenset(
    name.strip()
    for name in """
    eczema, hives, herpes, allergic contact dermatitis, contact dermatitis, seborrheic dermatitis,
    rosacea, conjunctivitis, tonsillitis, chronic lichen, keratosis pilaris, molluscum contagiosum,
    lichen planus, periodontitis, caries, psoriasis, ingrown nail, stye, acne, onychomycosis,
    seborrheic keratosis, chalazion, vitiligo, shingles, mycosis, actinic keratosis, onycholysis,
    chickenpox, dental calculus, warts, stomatitis, abscess, gingivitis, nail dystrophy
    """.replace("\n", " ").split(",")
)
"""The 34 diagnoses of 3MDBench, visible in a photo; a diagnosis is told from these."""


def folder(name: str = "") -> Traversable:
    """The folder of the data files, or one in it."""
    data = resources.files("bedside.scenarios") / "data" / "consult"
    return data / name if name else data


def decode(text: bytes, kind: type[T], where: str) -> T:
    """A data file as a type.

    Raises:
        CaseError: it is not TOML, or does not fit; the message names the place in the file.
    """
    try:
        return msgspec.toml.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise CaseError(f"{where}: {error}") from None


def _read(path: str, kind: type[T]) -> T:
    return decode(folder().joinpath(path).read_bytes(), kind, path)


def _names(of: str) -> list[str]:
    """The data files of a folder, in alphabetical order."""
    return sorted(
        f"{of}/{file.name}" for file in folder(of).iterdir() if file.name.endswith(".toml")
    )


@cache
def people() -> People:
    """Names, occupations and common words."""
    return _read("people.toml", People)


@cache
def rules() -> Mapping[str, Rule]:
    """Concepts by id, symptoms before the signs that follow them.

    Raises:
        CaseError: a file does not fit, two concepts share an id, or a bond names no concept.
    """
    found: dict[str, Rule] = {}
    for name in _names("concepts"):
        for id, rule in _read(name, dict[str, Rule]).items():
            if id in found:
                raise CaseError(f"{name}: concept '{id}' is in another file too")
            found[id] = rule
    for id, rule in found.items():
        for other in (*rule.excludes, *([rule.sign_of] if rule.sign_of else ())):
            if other not in found:
                raise CaseError(f"concept '{id}' names '{other}', which is no concept")
    return dict(sorted(found.items(), key=lambda item: item[1].sign_of is not None))


@cache
def blueprints() -> Mapping[str, Blueprint]:
    """Diagnoses by name, in alphabetical order.

    Raises:
        CaseError: a file does not fit its schema, or names an unknown concept or source.
    """
    read = [(name, _read(name, Blueprint)) for name in _names("diagnoses")]
    found = {blueprint.name: blueprint for _, blueprint in read}
    for name, blueprint in read:
        for path, message in problems(blueprint, found):
            raise CaseError(f"{name}: {path}: {message}")
    return dict(sorted(found.items()))


def problems(blueprint: Blueprint, known: Mapping[str, Blueprint]) -> Iterator[tuple[str, str]]:
    """What is wrong with a diagnosis, as (place, message); `known` are all diagnoses."""
    used = set()
    for statement in statements(blueprint):
        used.add(statement.source)
        if statement.source != UNCHECKED and statement.source not in blueprint.sources:
            yield statement.path, f"there is no source '{statement.source}' under [sources]"
        for concept in statement.concepts:
            if concept not in rules():
                yield statement.path, f"there is no concept '{concept}'"
    for source in sorted(set(blueprint.sources) - used):
        yield f"sources.{source}", "no statement rests on it"
    banded = [concept for claim in blueprint.claims for concept in claim.bands]
    for concept in sorted({c for c in banded if banded.count(c) > 1}):
        yield "claims", f"'{concept}' has two bands"
    for number, negative in enumerate(blueprint.negatives):
        for other in negative.tells_from:
            if other not in known and other not in NAMES_OF_3MDBENCH:
                yield f"negatives[{number}].tells_from", f"there is no diagnosis '{other}'"


@cache
def traps() -> Mapping[str, Trap]:
    """Everything charted that rules a medicine out, and allergies that rule out none, by the
    lowercase text in the chart. What several diagnoses say of the same text is put together."""
    found: dict[str, Trap] = {}
    own = (trap for blueprint in blueprints().values() for trap in blueprint.traps)
    for trap in (*people().allergy, *own):
        before = found.get(trap.charted.lower(), trap)
        found[trap.charted.lower()] = msgspec.structs.replace(
            before,
            rules_out=tuple(dict.fromkeys((*before.rules_out, *trap.rules_out))),
            classes=tuple(dict.fromkeys((*before.classes, *trap.classes))),
        )
    return found


@cache
def knowledge() -> Knowledge:
    """The table that cases are drawn from."""
    concepts = tuple(
        Concept(id, rule.topic, rule.question, rule.terms, rule.present, rule.absent)
        for id, rule in rules().items()
    )
    ruled_out = {text: (*trap.rules_out, *trap.classes) for text, trap in traps().items()}
    return Knowledge(tuple(map(_model, blueprints().values())), concepts, ruled_out)


def _model(blueprint: Blueprint) -> DiagnosisModel:
    return DiagnosisModel(
        name=blueprint.name,
        code=blueprint.code,
        accepted_codes=blueprint.accepted_codes,
        synonyms=blueprint.synonyms,
        bands=_bands(blueprint),
        treatments=tuple(sorted(blueprint.treatments, key=lambda each: each.line)),
        red_flags=blueprint.red_flags,
        diagnostic_plan=blueprint.plan.diagnostic,
        treatment_plan=blueprint.plan.treatment,
        forbidden=blueprint.forbidden.terms,
    )


def _bands(blueprint: Blueprint) -> dict[str, Band]:
    """The band of every concept; a sign has that of its symptom."""
    said = {concept: band for claim in blueprint.claims for concept, band in claim.bands.items()}
    bands: dict[str, Band] = {}
    for concept, rule in rules().items():
        own = said.get(concept, rule.otherwise)
        bands[concept] = bands[rule.sign_of] if rule.sign_of else own
    return bands
