"""The consult suite's data files, read once: concepts, diagnoses with their sources, and people.

Every clinical statement of a diagnosis file names a source of that file, or ``unchecked``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal, TypeVar

import msgspec

from bedside.core.errors import CaseError
from bedside.scenarios.case import Topic
from bedside.scenarios.knowledge import Band, Concept, DiagnosisModel, Knowledge, Treatment

__all__ = [
    "UNCHECKED",
    "Blueprint",
    "Medicine",
    "People",
    "Trap",
    "blueprints",
    "claims",
    "knowledge",
    "people",
    "rules",
]

UNCHECKED = "unchecked"
"""The source of a statement that nobody has looked up yet."""

DIAGNOSES = (
    "acne",
    "chickenpox",
    "conjunctivitis",
    "eczema",
    "hives",
    "onychomycosis",
    "psoriasis",
    "rosacea",
    "shingles",
    "tonsillitis",
)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Rule(_Table, frozen=True):
    """A concept as its file has it, with what binds it to other concepts.

    Attributes:
        otherwise: band where a diagnosis does not mention the concept.
        sign_of: the symptom together with which this sign is always and only there.
        excludes: concepts that cannot be present together with this one.
        sex: the only sex that can have it, or None.
    """

    question: str
    terms: tuple[str, ...]
    present: tuple[str, ...]
    absent: tuple[str, ...]
    topic: Topic | None = None
    otherwise: Band = "rare"
    sign_of: str | None = None
    excludes: tuple[str, ...] = ()
    sex: Literal["female", "male"] | None = None


class Who(_Table, frozen=True):
    """Ages in years, both included; `female` is the share of women."""

    age: tuple[int, int]
    female: float
    source: str


class Story(_Table, frozen=True):
    """How the complaint, its beginning and what was tried are said."""

    complaint: tuple[str, ...]
    onset: tuple[str, ...]
    tried: tuple[str, ...]


class Claim(_Table, frozen=True):
    """Bands that one source supports."""

    source: str
    bands: dict[str, Band]


class Medicine(_Table, frozen=True):
    """A medicine that is right; `aliases` are lowercase names that count as the same choice."""

    medicine: str
    ingredient: str
    aliases: tuple[str, ...]
    line: int
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """Lowercase names under which it may be ordered."""
        return (self.ingredient, *self.aliases)


class Trap(_Table, frozen=True):
    """An allergy, how it is charted and said, and the lowercase medicines it rules out.

    Attributes:
        classes: lowercase words for a class of medicines that a plan cannot name any more: most
            of the class is ruled out, though an order may still name a member that is not.
    """

    substance: str
    says: str
    rules_out: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Plan(_Table, frozen=True):
    """Groups of terms, as in ``Truth``."""

    diagnostic: tuple[tuple[str, ...], ...]
    treatment: tuple[tuple[str, ...], ...]
    source: str


class Forbidden(_Table, frozen=True):
    """Lowercase names of medicines that must not be given."""

    terms: tuple[str, ...]
    source: str


class LabTest(_Table, frozen=True):
    """A test and its result; `minutes` from order to result."""

    name: str
    text: str
    minutes: int
    terms: tuple[str, ...]
    source: str


class Source(_Table, frozen=True):
    """A public text that was opened; `located` says in our words what it states."""

    title: str
    address: str
    located: str


class Blueprint(_Table, frozen=True):
    """Everything about one diagnosis, as its file has it."""

    name: str
    code: str
    display: str
    accepted_codes: tuple[str, ...]
    synonyms: tuple[str, ...]
    who: Who
    story: Story
    claims: tuple[Claim, ...]
    treatments: tuple[Medicine, ...]
    plan: Plan
    forbidden: Forbidden
    tests: tuple[LabTest, ...]
    sources: dict[str, Source]
    trap: Trap | None = None


class Work(_Table, frozen=True):
    """An occupation between two ages in years, both included."""

    age: tuple[int, int]
    occupation: str
    says: str


class Illness(_Table, frozen=True):
    """An unrelated illness, with its medicine where it has one; `age` as in `Work`."""

    code: str
    display: str
    age: tuple[int, int] = (0, 120)
    says: str = ""
    medicine: str = ""
    takes: str = ""


class People(_Table, frozen=True):
    """Who patients are, and what they can say whatever their illness."""

    given_female: tuple[str, ...]
    given_male: tuple[str, ...]
    family: tuple[str, ...]
    work: tuple[Work, ...]
    terms: dict[Topic, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]
    past: tuple[Illness, ...]
    hay_fever: Illness
    allergy: tuple[Trap, ...]


T = TypeVar("T")


def _read(name: str, kind: type[T]) -> T:
    file = resources.files("bedside.scenarios") / "data" / "consult" / f"{name}.toml"
    try:
        return msgspec.toml.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise CaseError(f"data file consult/{name}.toml: {error}") from None


@cache
def people() -> People:
    """Names, occupations and common words."""
    return _read("people", People)


@cache
def rules() -> Mapping[str, Rule]:
    """Concepts by id, symptoms before the signs that follow them."""
    return _read("concepts", dict[str, Rule])


@cache
def blueprints() -> Mapping[str, Blueprint]:
    """Diagnoses by name, in alphabetical order.

    Raises:
        CaseError: a file does not fit its schema, or names an unknown concept or source.
    """
    found = {name: _read(name, Blueprint) for name in DIAGNOSES}
    for name, blueprint in found.items():
        for _, source, concept in claims(blueprint):
            if source != UNCHECKED and source not in blueprint.sources:
                raise CaseError(f"data file consult/{name}.toml: no source '{source}'")
            if concept and concept not in rules():
                raise CaseError(f"data file consult/{name}.toml: no concept '{concept}'")
    return found


def claims(blueprint: Blueprint) -> Iterator[tuple[str, str, str]]:
    """Each clinical statement of a diagnosis as (what it is about, source, concept id or '')."""
    for claim in blueprint.claims:
        for concept in claim.bands:
            yield f"band of {concept}", claim.source, concept
    yield "who", blueprint.who.source, ""
    yield "plan", blueprint.plan.source, ""
    yield "forbidden", blueprint.forbidden.source, ""
    for medicine in blueprint.treatments:
        yield f"treatment {medicine.ingredient}", medicine.source, ""
    for test in blueprint.tests:
        yield f"test {test.name}", test.source, ""


@cache
def knowledge() -> Knowledge:
    """The table that cases are drawn from."""
    concepts = tuple(
        Concept(id, rule.topic, rule.question, rule.terms, rule.present, rule.absent)
        for id, rule in rules().items()
    )
    return Knowledge(tuple(map(_model, blueprints().values())), concepts)


def _model(blueprint: Blueprint) -> DiagnosisModel:
    return DiagnosisModel(
        name=blueprint.name,
        code=blueprint.code,
        accepted_codes=blueprint.accepted_codes,
        synonyms=blueprint.synonyms,
        bands=_bands(blueprint),
        treatments=tuple(Treatment(m.medicine, m.ingredient, m.line) for m in blueprint.treatments),
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
