"""Open suites from symptomcheck vignettes: present and explicitly absent findings in rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.scenarios.case import Case, Disclosure, Person, Topic, Truth
from bedside.scenarios.clauses import MAX_CLAUSE, Clause, clauses
from bedside.scenarios.hospital import clinic
from bedside.scenarios.leaks import leaks
from bedside.scenarios.suite import Suite
from bedside.scenarios.topics import topic_of
from bedside.scenarios.vignette_case import Told, build, facts_of, mended, said_before, truth_of
from bedside.scenarios.vignette_lists import complaints, denials, denies, is_nothing
from bedside.scenarios.vignette_person import person_of, stated_age
from bedside.scenarios.vignette_rows import load_rows, parsed
from bedside.scenarios.vignette_signs import kind_of, sign_findings, without_measure
from bedside.scenarios.vignette_voice import in_words_of_patient, parts_of_statement

__all__ = ["load", "parse_row", "suite"]

IMPORTER = "1"
"""Changes whenever a row would become a different case."""

_ROW = "correct_diagnosis"
_SOURCE = "third-party vignette in symptomcheck-bench's format; licence as its publisher states"
_TEXTS = (
    "demographics",
    "chief_complaints",
    "presentation",
    "absent_findings",
    "physical_history",
    "family_history",
    "social_history",
)
_TOLD_AT_ONCE = frozenset({"onset", "course", "site", "character", "severity"})
_RUN_ON = re.compile(r"(?<=[a-z)])\s*,\s*(?=(?:He|She|The|His|Her|They|It)\b)")
_NEW_SUBJECT = re.compile(r"\s*,\s+(?:and\s+|but\s+)?(?=(?:\w+\s+){0,4}?(?:he|she)\s)", re.I)
_DEPENDS = re.compile(
    r"(?:when|while|if|after|before|since|as|although|though|because|once)\b", re.I
)
_AND_NOT = re.compile(
    r",?\s+(?:and|but)\s+(?=(?:has|had) no\b|denies\b|denied\b|(?:does|did|has|is|was) not\b)", re.I
)
_NO_SPACE = re.compile(r"(?<=[a-z]{2})([.,;:])(?=[A-Za-z0-9]{2})")
_NO_STOP = re.compile(r"(?:(?<=[a-z]{3})|(?<=\d))(?=[A-Z][a-z]{3})")

Texts = dict[str, str]
Statement = tuple[str, bool, Topic, Disclosure]
"""Text, whether it is so, and its topic and disclosure if nothing else decides."""


def suite(path: Path) -> Suite:
    """The file as a suite with open answers; its charts lie over the clinic's.

    Raises:
        CaseError: as :func:`load`.
    """
    cases = load(path)
    version = f"{IMPORTER}-{opaque_id(*(case.id for case in cases))}"
    return Suite(name=f"symptomcheck:{path}", version=version, cases=cases, population=clinic())


def load(path: Path) -> tuple[Case, ...]:
    """The cases of a JSON Lines file, or of one JSON array, of vignettes.

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
    if not isinstance(row, dict):
        raise CaseError("correct_diagnosis: the row is no object; give one with the row's fields")
    truth = truth_of(_text(row, "correct_diagnosis"), "correct_diagnosis")
    texts = {field: _text(row, field) for field in _TEXTS}
    digest = opaque_id("symptomcheck", json.dumps(row, sort_keys=True), length=32)
    person = _person(texts, digest)
    if leaks(person.occupation, truth):
        person = person.model_copy(update={"occupation": ""})
    statements = list(_statements(texts, person))
    told = _told(statements, truth)
    if not told:
        raise CaseError(
            "presentation: says nothing the patient could tell; fill it or chief_complaints"
        )
    told.append(_identity(person, texts["demographics"]))
    found = [text for text, *_ in statements if kind_of(text) != "told"]
    return build(
        digest=digest,
        person=person,
        facts=facts_of(told),
        findings=sign_findings(found, truth),
        tests=(),
        actor={"Past_Medical_History": complaints(texts["physical_history"])},
        truth=truth,
        source=_SOURCE,
    )


def _text(row: dict[str, Any], field: str) -> str:
    """A field as text; lists of texts are joined.

    Raises:
        CaseError: it is neither text nor a list of texts.
    """
    value = row.get(field)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CaseError(f"{field}: is no text; give text, or a list of texts")
    return " ".join(value.split())


def _person(texts: Texts, digest: str) -> Person:
    history = f"{texts['presentation']} {texts['physical_history']}"
    actor = {
        "Demographics": texts["demographics"],
        "History": history,
        "Social_History": texts["social_history"],
    }
    try:
        return person_of(actor, {}, digest)
    except CaseError:
        raise CaseError("demographics: no age; give it as '35 year old Female'") from None


def _identity(person: Person, demographics: str) -> Told:
    subject = "The child is" if person.companion else "I am"
    said = f"{subject} {stated_age(person, demographics)}."
    return Told(Clause(said, True), "identity", "direct")


def _statements(texts: Texts, person: Person) -> Iterator[Statement]:
    """Everything the row says, in the order in which a patient would tell it."""
    for entry in complaints(texts["chief_complaints"]):
        yield from _listed("chief_complaints", entry, person, True, "complaint", "opening")
    yield from _prose("presentation", texts, person, "associated", "open")
    for entry in denials(texts["absent_findings"]):
        yield from _listed("absent_findings", entry, person, False, "associated", "direct")
    yield from _history("physical_history", texts, person, "past", "I have no past illnesses.")
    yield from _history("family_history", texts, person, "family", "No illness runs in my family.")
    yield from _prose("social_history", texts, person, "social", "direct")


def _listed(
    field: str, entry: str, person: Person, present: bool, topic: Topic, how: Disclosure
) -> Iterator[Statement]:
    """An entry of a list of findings, as the patient says it."""
    said = entry
    if not person.companion:
        said = in_words_of_patient(entry, present=present)
    for clause in _clauses(field, said, person):
        text = clause.text if " " in entry.strip() or not person.companion else f"{entry}."
        yield text, present, topic, how


def _prose(
    field: str, texts: Texts, person: Person, topic: Topic, how: Disclosure
) -> Iterator[Statement]:
    if is_nothing(texts[field]):
        return
    for clause in _clauses(field, _with_full_stops(texts[field]), person):
        if not clause.present:
            said = clause.text if denies(clause.text) else f"No {clause.text.lower()}"
            yield said, False, topic, how
        elif topic == "family" or person.companion:
            yield clause.text, True, topic, how
        else:
            for part in parts_of_statement(clause.text):
                said = in_words_of_patient(part, present=True, history=topic == "past")
                yield (said if len(said) <= MAX_CLAUSE else part), True, topic, how


def _with_full_stops(text: str) -> str:
    """The text with a sentence for each statement that has a subject or a negation of its own."""
    text = _NO_STOP.sub(". ", text)
    text = _NO_SPACE.sub(r"\1 ", _RUN_ON.sub(". ", text))
    text = _AND_NOT.sub(". The patient ", text)
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(
        one if _DEPENDS.match(one) else _NEW_SUBJECT.sub(". ", one) for one in sentences
    )


def _history(
    field: str, texts: Texts, person: Person, topic: Topic, nothing: str
) -> Iterator[Statement]:
    """A history; "None" is a denial, an empty field or a dash says nothing."""
    if re.fullmatch(r"(?:none|nil|no)\W*", texts[field], re.I):
        yield nothing, False, topic, "direct"
    else:
        yield from _prose(field, texts, person, topic, "direct")


def _clauses(field: str, text: str, person: Person) -> list[Clause]:
    try:
        return clauses(text, person.sex, first_person=not person.companion)
    except CaseError as error:
        raise CaseError(f"{field}: {error}") from None


def _told(statements: list[Statement], truth: Truth) -> list[Told]:
    told: list[Told] = []
    for text, present, topic, how in statements:
        if kind_of(text) == "found":
            continue
        kept = mended(Clause(without_measure(text), present), truth, keep=how == "opening")
        if kept and not said_before(kept, [one.clause for one in told]):
            told.append(Told(kept, _topic(kept, topic), _disclosure(kept, topic, how)))
    return told


def _topic(clause: Clause, topic: Topic) -> Topic:
    return topic if topic in ("complaint", "family") else topic_of(clause, topic)


def _disclosure(clause: Clause, topic: Topic, how: Disclosure) -> Disclosure:
    """Denials and what is no part of the complaint are told to a direct question only."""
    if how != "open":
        return how
    about = topic_of(clause, topic)
    return "open" if clause.present and about in {"associated", *_TOLD_AT_ONCE} else "direct"
