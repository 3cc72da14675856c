"""The case: everything that is fixed about one exam station. Immutable data, no behaviour."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

__all__ = [
    "Axes",
    "Case",
    "Check",
    "Disclosure",
    "Fact",
    "Finding",
    "Limits",
    "Model",
    "Person",
    "PhotoFile",
    "Temperament",
    "Test",
    "Topic",
    "Traits",
    "Truth",
]

Topic = Literal[
    "complaint",
    "onset",
    "course",
    "site",
    "character",
    "severity",
    "associated",
    "trigger",
    "relief",
    "tried",
    "past",
    "surgery",
    "medication",
    "allergy",
    "family",
    "social",
    "work",
    "travel",
    "contact",
    "pregnancy",
    "ideas",
    "concerns",
    "expectations",
    "identity",
]
"""What a fact is about, and what a question can be about.

``relief`` is what makes it better; ``tried`` is what the patient already did or took for it;
``past``, ``surgery``, ``medication``, ``allergy`` and ``family`` are the medical history;
``ideas``, ``concerns`` and ``expectations`` are the patient's own view and wishes.
"""

Temperament = Literal["sanguine", "choleric", "melancholic", "phlegmatic"]
Disclosure = Literal["opening", "volunteered", "open", "direct", "trust"]
"""How readily a fact is told: in the opening words, unasked, to an open question on its topic,
only to a direct question about it, or only once the patient trusts the doctor."""

OpaqueId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Json = dict[str, Any]


class Model(BaseModel):
    """Base of all parts of a case: immutable, and nothing that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Level = Annotated[float, Field(ge=0, le=3)]
Share = Annotated[float, Field(ge=0, le=1)]


class Traits(Model):
    """A temperament as five levels from 0 to 3, those of 3MDBench; numbers between interpolate."""

    symptom_description: Level = Field(description="From word by word to everything at once.")
    asking_questions: Level = Field(description="From never to at every turn.")
    communication_style: Level = Field(description="From short and blunt to long and winding.")
    attitude_to_treatment: Level = Field(description="From doubt to trust.")
    emotional_involvement: Level = Field(description="From unmoved to overwhelmed.")


class Axes(Model):
    """What else a patient differs in, apart from temperament. The defaults change nothing."""

    literacy: Share = Field(default=1, description="Share of medical terms understood.")
    recall: Share = Field(default=1, description="Share of facts that come to mind when asked.")
    trust: float = Field(default=0, ge=-1, le=1, description="Added to the trust at the start.")
    verbosity: float = Field(default=1, ge=0, le=3, description="Factor on words without content.")


class Person(Model):
    """Who the patient is. Synthetic, or taken from the third-party text of an imported case."""

    name: str
    age: float = Field(ge=0, le=120, description="Years; fractions for infants.")
    sex: Literal["female", "male", "unknown"]
    occupation: str = ""
    temperament: Temperament
    traits: Traits | None = Field(
        default=None,
        description="A custom temperament: these levels behave, `temperament` lends its phrases.",
    )
    axes: Axes = Axes()
    companion: bool = Field(
        default=False, description="Someone speaks for the patient, as for an infant."
    )


class Fact(Model):
    """One atomic thing the patient can tell, or deny."""

    id: OpaqueId
    topic: Topic
    text: str = Field(min_length=1, max_length=120, description="One clause, as it is said.")
    present: bool = Field(default=True, description="False: the patient denies it.")
    disclosure: Disclosure = "open"
    code: str = Field(default="", description="Id of the concept it is about, e.g. 'itch'.")
    terms: tuple[str, ...] = Field(
        default=(), description="Words in a question that ask for this fact, lowercase."
    )


class Finding(Model):
    """What an examination shows."""

    id: OpaqueId
    name: str = Field(description="What was examined, e.g. 'skin'.")
    text: str
    code: str = ""
    terms: tuple[str, ...] = Field(
        default=(), description="Words in an examination request that show it, lowercase."
    )


class Test(Model):
    """What a test would show."""

    __test__ = False

    id: OpaqueId
    name: str
    text: str
    minutes: int = Field(default=30, ge=0, description="From order to result.")
    code: str = ""
    terms: tuple[str, ...] = Field(default=(), description="Words in an order, lowercase.")


class PhotoFile(Model):
    """A photo by content; `sha256` names it, so that the file name says nothing."""

    id: OpaqueId
    media_type: str
    sha256: str
    path: str


class Truth(Model):
    """What the doctor should find out and do. Never shown to doctor or patient."""

    diagnosis: str
    code: str | None = Field(default=None, description="ICD-10-CM code.")
    accepted_codes: tuple[str, ...] = Field(
        default=(), description="Further ICD-10-CM codes that are right."
    )
    synonyms: tuple[str, ...] = ()
    explanation: tuple[str, ...] = Field(
        default=(), description="Ids of the facts, findings and tests the diagnosis rests on."
    )
    diagnostic_plan: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Groups of terms; a plan names a term of one group at least."
    )
    treatment_plan: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Groups of terms; a plan names a term of one group at least."
    )
    forbidden: tuple[str, ...] = Field(default=(), description="Terms of what must not be given.")
    orders: tuple[Json, ...] = Field(
        default=(), description="FHIR resources that a perfect doctor creates."
    )


class Check(Model):
    """A statement about the chart at the end, put as FHIR searches over what the doctor changed.

    The count is the number of changed resources that match any of the searches.
    """

    id: OpaqueId
    says: str = Field(description="The check in words, for the score sheet.")
    searches: tuple[str, ...] = Field(min_length=1, description="e.g. 'Condition?code=L40.0'.")
    names_diagnosis: bool = Field(
        default=False,
        description="Count only resources whose code, by text or ICD-10-CM, is the diagnosis; it"
        " is judged as the doctor's answer is, so that 'acne rosacea' is not 'acne'.",
    )
    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)
    kind: Literal["required", "safety"] = "required"

    @model_validator(mode="after")
    def _searchable(self) -> Check:
        from bedside.fhir_server.outcome import Refusal
        from bedside.fhir_server.search import parse_search

        for search in self.searches:
            try:
                parse_search(search)
            except Refusal as refusal:
                raise ValueError(f"check '{self.id}': search '{search}': {refusal}") from None
        return self


class Limits(Model):
    """When an encounter is cut off."""

    turns: int = Field(default=30, ge=1, le=1000)
    minutes: int = Field(default=240, ge=1)


class Case(Model):
    """One exam station."""

    version: Literal[1] = 1
    id: OpaqueId
    task: str = Field(description="What the doctor is told before the patient speaks.")
    person: Person
    facts: tuple[Fact, ...] = Field(min_length=1)
    findings: tuple[Finding, ...] = ()
    tests: tuple[Test, ...] = ()
    photos: tuple[PhotoFile, ...] = ()
    chart: tuple[Json, ...] = Field(
        default=(), description="FHIR resources of this patient at the start."
    )
    patient_id: OpaqueId = Field(description="Id of the patient's Patient resource.")
    truth: Truth
    checks: tuple[Check, ...] = ()
    limits: Limits = Limits()
    source: str = Field(description="Where the facts come from, and under which licence.")

    def __hash__(self) -> int:
        return hash(self.id)

    @model_validator(mode="after")
    def _consistent(self) -> Case:
        ids = [
            *(fact.id for fact in self.facts),
            *(finding.id for finding in self.findings),
            *(test.id for test in self.tests),
            *(photo.id for photo in self.photos),
        ]
        if len(ids) != len(set(ids)):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            raise ValueError(f"ids used twice: {', '.join(twice)}")
        if not any(fact.disclosure == "opening" for fact in self.facts):
            raise ValueError("no fact has disclosure 'opening': the patient could not begin")
        missing = set(self.truth.explanation) - set(ids)
        if missing:
            raise ValueError(f"truth.explanation names unknown ids: {', '.join(sorted(missing))}")
        return self
