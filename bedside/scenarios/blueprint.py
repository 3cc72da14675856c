"""The files cases are drawn from, as types: a diagnosis, a concept, the people.

A diagnosis file is meant to be read and written by people; ``docs/patients.md`` tells how. Every
clinical statement in it names a source of that file, or ``unchecked``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bedside.scenarios.case import Topic
from bedside.scenarios.knowledge import Band

__all__ = [
    "UNCHECKED",
    "Blueprint",
    "Illness",
    "People",
    "RedFlag",
    "Rule",
    "Statement",
    "Trap",
    "Treatment",
    "schema",
    "statements",
]

UNCHECKED = "unchecked"
"""The source of a statement that nobody has looked up yet."""

Text = Annotated[str, Meta(min_length=1, max_length=120)]
"""One clause as it is said, at most 120 characters."""

Texts = Annotated[tuple[Text, ...], Meta(min_length=1)]
Terms = Annotated[tuple[str, ...], Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Rule(_Table, frozen=True):
    """A concept as its file has it, with what binds it to other concepts.

    Attributes:
        question: how a doctor asks for it; for a sign, the region to examine.
        terms: lowercase words that ask for it.
        present: ways to say it is there: the patient's words, or the finding.
        absent: ways to say it is not.
        topic: None for a sign, which only an examination shows.
        otherwise: band where a diagnosis does not mention the concept.
        core: a fact of every case, whether there or not, because every doctor asks for it.
        sign_of: the symptom together with which this sign is always and only there.
        excludes: concepts that cannot be present together with this one.
        sex: the only sex that can have it, or None.
    """

    question: str
    terms: Terms
    present: Texts
    absent: Texts
    topic: Topic | None = None
    otherwise: Band = "background"
    core: bool = False
    sign_of: str | None = None
    excludes: tuple[str, ...] = ()
    sex: Literal["female", "male"] | None = None


class Who(_Table, frozen=True):
    """Ages in years, both included; `female` is the share of women."""

    age: tuple[int, int]
    female: Share
    source: str


class Story(_Table, frozen=True):
    """How the complaint, its beginning and what was tried are said."""

    complaint: Texts
    onset: Texts
    tried: Annotated[tuple[Text, ...], Meta(min_length=2)]


class Claim(_Table, frozen=True):
    """Bands that one source supports."""

    source: str
    bands: dict[str, Band]


class Negative(_Table, frozen=True):
    """A concept whose absence tells the diagnosis from others, in which it is common."""

    concept: str
    tells_from: Terms
    source: str


class Treatment(_Table, frozen=True):
    """A treatment that is right; `aliases` are lowercase names that count as the same choice.

    Attributes:
        kind: a medicine is ordered as a MedicationRequest, a procedure as a ServiceRequest.
        order: as one would order it.
        name: lowercase; of a medicine the ingredient.
        line: 1 for first choice, 2 for where the first cannot be given.
    """

    kind: Literal["medicine", "procedure"]
    order: str
    name: str
    aliases: tuple[str, ...]
    line: Literal[1, 2]
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """Lowercase names under which it may be ordered."""
        return (self.name, *self.aliases)


class Trap(_Table, frozen=True):
    """Something charted, how the patient says it, and the lowercase medicines it rules out.

    Attributes:
        kind: an allergy, a medicine the patient takes, or a condition such as pregnancy.
        charted: the text in the chart.
        code: ICD-10-CM of a condition, "" if it has none.
        classes: lowercase words for a class of medicines that a plan cannot name any more: most
            of the class is ruled out, though an order may still name a member that is not.
    """

    kind: Literal["allergy", "medicine", "condition"]
    charted: str
    says: Text
    rules_out: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    source: str = UNCHECKED
    code: str = ""

    @property
    def topic(self) -> Topic:
        """What a question about it is about."""
        if "pregnan" in self.charted.lower():
            return "pregnancy"
        return {"allergy": "allergy", "medicine": "medication", "condition": "past"}[self.kind]  # type: ignore[return-value]


class Plan(_Table, frozen=True):
    """Groups of terms, as in ``Truth``."""

    diagnostic: tuple[Terms, ...]
    treatment: tuple[Terms, ...]
    source: str


class Forbidden(_Table, frozen=True):
    """Lowercase names of medicines that must not be given."""

    terms: tuple[str, ...]
    source: str


class RedFlag(_Table, frozen=True):
    """A concept that asks for something to be done when it is present.

    Attributes:
        says: what is feared, for the score sheet.
        action: an urgent referral, or a review soon.
        order: text of the ServiceRequest that a perfect doctor creates.
        terms: lowercase words, one of which the text of the order has.
    """

    concept: str
    says: str
    action: Literal["referral", "follow_up"]
    order: str
    terms: Terms
    source: str


class LabTest(_Table, frozen=True):
    """A test and its result; `minutes` from order to result."""

    name: str
    text: str
    minutes: Annotated[int, Meta(ge=0)]
    terms: Terms
    source: str


class Source(_Table, frozen=True):
    """A public text that was opened; `located` says in our words what it states."""

    title: str
    address: Annotated[str, Meta(pattern="^https?://")]
    located: str
    year: str = ""


class Blueprint(_Table, frozen=True):
    """Everything about one diagnosis, as its file has it."""

    name: str
    code: str
    display: str
    accepted_codes: tuple[str, ...]
    synonyms: tuple[str, ...]
    who: Who
    story: Story
    claims: Annotated[tuple[Claim, ...], Meta(min_length=1)]
    plan: Plan
    forbidden: Forbidden
    sources: dict[str, Source]
    negatives: tuple[Negative, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    traps: tuple[Trap, ...] = ()
    red_flags: tuple[RedFlag, ...] = ()
    tests: tuple[LabTest, ...] = ()


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
    visits: tuple[str, ...]
    past: tuple[Illness, ...]
    hay_fever: Illness
    allergy: tuple[Trap, ...]


class Statement(_Table, frozen=True):
    """One clinical statement of a diagnosis file.

    Attributes:
        path: where it stands, e.g. ``claims[0].bands.itch``.
        source: id of its source, or ``unchecked``.
        concepts: the concepts it is about.
    """

    path: str
    source: str
    concepts: tuple[str, ...] = ()


def statements(blueprint: Blueprint) -> Iterator[Statement]:
    """Every clinical statement of a diagnosis, in the order of its fields."""
    yield Statement("who", blueprint.who.source)
    for number, claim in enumerate(blueprint.claims):
        for concept in claim.bands:
            yield Statement(f"claims[{number}].bands.{concept}", claim.source, (concept,))
    yield Statement("plan", blueprint.plan.source)
    yield Statement("forbidden", blueprint.forbidden.source)
    for number, negative in enumerate(blueprint.negatives):
        yield Statement(f"negatives[{number}]", negative.source, (negative.concept,))
    for number, flag in enumerate(blueprint.red_flags):
        yield Statement(f"red_flags[{number}]", flag.source, (flag.concept,))
    for name in ("treatments", "traps", "tests"):
        for number, item in enumerate(getattr(blueprint, name)):
            yield Statement(f"{name}[{number}]", item.source)


def schema() -> dict[str, Any]:
    """The JSON Schema of a diagnosis file."""
    return msgspec.json.schema(Blueprint)
