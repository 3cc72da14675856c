"""Open suites from files in AgentClinic's OSCE format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.scenarios.case import Case, Disclosure, Fact, Person, Topic, Truth
from bedside.scenarios.clauses import Clause, clauses
from bedside.scenarios.hospital import clinic
from bedside.scenarios.leaks import leaks
from bedside.scenarios.suite import Suite
from bedside.scenarios.topics import topic_of
from bedside.scenarios.vignette_case import Told, build, facts_of, mended, said_before, truth_of
from bedside.scenarios.vignette_exam import findings, tests
from bedside.scenarios.vignette_person import person_of, stated_age
from bedside.scenarios.vignette_rows import load_rows, parsed
from bedside.scenarios.vignette_text import leaves, paths, readable

__all__ = ["load", "parse_row", "suite"]

IMPORTER = "3"
"""Changes whenever a row would become a different case."""

_SOURCE = "third-party vignette in AgentClinic's OSCE format; licence as its publisher states"
_ROW = "OSCE_Examination"

Json = dict[str, Any]


def suite(path: Path) -> Suite:
    """The file as a suite with open answers; its charts lie over the clinic's.

    Raises:
        CaseError: as :func:`load`.
    """
    cases = load(path)
    version = f"{IMPORTER}-{opaque_id(*(case.id for case in cases))}"
    return Suite(name=f"agentclinic:{path}", version=version, cases=cases, population=clinic())


def load(path: Path) -> tuple[Case, ...]:
    """The cases of a JSON Lines file, or of one JSON array, of ``{"OSCE_Examination": {...}}``.

    Raises:
        CaseError: the file cannot be read or a row is not a case; names line, field and mend.
    """
    return load_rows(path, parse_row, _ROW)


def parse_row(row: Any) -> Case:
    """One row as a case.

    Raises:
        CaseError: names the field and the mend.
    """
    return parsed(row, _case, _ROW)


def _case(row: Any) -> Case:
    exam = row.get(_ROW) if isinstance(row, dict) else None
    if not isinstance(exam, dict):
        raise CaseError("OSCE_Examination: missing or no object; add it around the row's fields")
    actor = exam.get("Patient_Actor")
    if isinstance(actor, str | list):
        actor = {"History": actor}
    if not isinstance(actor, dict):
        raise CaseError("Patient_Actor: missing or no object; give Demographics, History, Symptoms")
    truth = truth_of(exam.get("Correct_Diagnosis"), "Correct_Diagnosis")
    digest = opaque_id("agentclinic", json.dumps(row, sort_keys=True), length=32)
    person = person_of(actor, exam, digest)
    if leaks(person.occupation, truth):
        person = person.model_copy(update={"occupation": ""})
    return build(
        digest=digest,
        person=person,
        facts=_facts(actor, person, truth),
        findings=findings(exam.get("Physical_Examination_Findings"), truth),
        tests=tests(exam.get("Test_Results"), truth),
        actor=actor,
        truth=truth,
        source=_SOURCE,
    )


class _Section(NamedTuple):
    field: str
    topic: Topic
    disclosure: Disclosure
    text: str


_SECTION_TOPICS: tuple[tuple[str, Topic, Disclosure], ...] = (
    (r"^(?:history|history of present illness|hpi)$", "associated", "open"),
    (r"primary|chief|complaint|presenting", "complaint", "opening"),
    (r"secondary|associated|symptom", "associated", "open"),
    (r"allerg", "allergy", "direct"),
    (r"medication|drugs?\b|medicine", "medication", "direct"),
    (r"family", "family", "direct"),
    (r"surg", "surgery", "direct"),
    (r"travel", "travel", "direct"),
    (r"occupation|work", "work", "direct"),
    (r"obstetric|pregnan|menstr|gyn", "pregnancy", "direct"),
    (r"past|medical|birth|immuni|vaccin", "past", "direct"),
    (r"social|sexual|lifestyle|substance", "social", "direct"),
    (r"review|systems", "associated", "direct"),
)
_FIXED_TOPICS = frozenset({"complaint", "allergy", "medication", "family", "surgery"})


def _sections(actor: Json) -> list[_Section]:
    """What the patient knows: symptoms first, then the history, then the rest."""
    found = [_section(path, value) for path, value in paths(actor) if path[0] != "Demographics"]
    order = ("opening", "open", "direct")
    return sorted(found, key=lambda section: order.index(section.disclosure))


def _section(path: tuple[str, ...], value: Any) -> _Section:
    field = ".".join(("Patient_Actor", *path))
    text = "\n".join(leaves(value))
    for key in reversed(path):
        name = key.replace("_", " ")
        for pattern, topic, disclosure in _SECTION_TOPICS:
            if re.search(pattern, name, re.I):
                return _Section(field, topic, disclosure, text)
    return _Section(field, "associated", "direct", text)


def _facts(actor: Json, person: Person, truth: Truth) -> tuple[Fact, ...]:
    told: list[Told] = []
    for section in _sections(actor):
        for clause in _clauses(section, person):
            kept = mended(clause, truth, keep=section.disclosure == "opening")
            if kept and not said_before(kept, [one.clause for one in told]):
                told.append(Told(kept, _topic(kept, section), section.disclosure))
    told.extend(_identity(actor, person, truth))
    if not any(one.topic != "identity" for one in told):
        raise CaseError(
            "Patient_Actor: says nothing the patient could tell; fill History or"
            " Symptoms.Primary_Symptom"
        )
    return facts_of(told)


def _clauses(section: _Section, person: Person) -> list[Clause]:
    try:
        return clauses(section.text, person.sex, first_person=not person.companion)
    except CaseError as error:
        raise CaseError(f"{section.field}: {error}") from None


def _topic(clause: Clause, section: _Section) -> Topic:
    if section.topic in _FIXED_TOPICS:
        return section.topic
    return topic_of(clause, section.topic)


def _identity(actor: Json, person: Person, truth: Truth) -> Iterator[Told]:
    demographics = readable(actor.get("Demographics"))
    words = stated_age(person, demographics)
    subject = "The child is" if person.companion else "I am"
    yield Told(Clause(f"{subject} {words}.", True), "identity", "direct")
    about = demographics.partition(",")[2]
    for clause in clauses(about, person.sex, first_person=False):
        if not leaks(clause.text, truth) and len(clause.text) > 8:
            yield Told(clause, topic_of(clause, "identity"), "direct")
