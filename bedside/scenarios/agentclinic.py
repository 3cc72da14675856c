"""Open suites from files in AgentClinic's OSCE format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.scenarios.case import (
    Case,
    Check,
    Disclosure,
    Fact,
    Limits,
    Person,
    Topic,
    Truth,
)
from bedside.scenarios.clauses import Clause, clauses
from bedside.scenarios.leaks import leaks, mask
from bedside.scenarios.names import forms, icd_terms
from bedside.scenarios.population import clinic
from bedside.scenarios.suite import Suite
from bedside.scenarios.topics import content_words, search_terms, topic_of
from bedside.scenarios.vignette_chart import condition, patient_chart
from bedside.scenarios.vignette_exam import findings, tests
from bedside.scenarios.vignette_person import person_of, stated_age
from bedside.scenarios.vignette_text import leaves, paths, readable

__all__ = ["load", "parse_row", "suite"]

IMPORTER = "2"
"""Changes whenever a row would become a different case."""

_SOURCE = "third-party vignette in AgentClinic's OSCE format; licence as its publisher states"
_TASK = (
    "A patient has come to see you. Take the history, examine, order tests where they help, record"
    " your diagnosis in the chart as a Condition, and finish with your diagnosis. The patient's"
    " chart id is {patient_id}."
)
_LIMITS = Limits(turns=30, minutes=2880)

Json = dict[str, Any]
Sex = Literal["female", "male", "unknown"]


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
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for number, row in _rows(path):
        try:
            case = parse_row(row)
        except CaseError as error:
            raise CaseError(f"{path}, line {number}: {error}") from None
        if case.id in lines:
            raise CaseError(
                f"{path}, line {number}: OSCE_Examination is the same as in line {lines[case.id]};"
                " remove one of them"
            )
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise CaseError(f"{path}: no rows; give one JSON object with 'OSCE_Examination' a line")
    return tuple(cases)


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Rows with the line, or the place in the array, where each stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is no UTF-8 text ({error})") from None
    if text.lstrip().startswith("["):
        yield from enumerate(_json(text, str(path)), start=1)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json(line, f"{path}, line {number}")


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{where}: no valid JSON ({error}); mend or remove it") from None


def parse_row(row: Any) -> Case:
    """One row as a case.

    Raises:
        CaseError: names the field and the mend.
    """
    try:
        return _case(row)
    except RecursionError:
        raise CaseError("OSCE_Examination: nested too deeply; flatten it") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "OSCE_Examination"
        raise CaseError(f"{field}: {first['msg']}") from None


def _case(row: Any) -> Case:
    exam = row.get("OSCE_Examination") if isinstance(row, dict) else None
    if not isinstance(exam, dict):
        raise CaseError("OSCE_Examination: missing or no object; add it around the row's fields")
    actor = exam.get("Patient_Actor")
    if isinstance(actor, str | list):
        actor = {"History": actor}
    if not isinstance(actor, dict):
        raise CaseError("Patient_Actor: missing or no object; give Demographics, History, Symptoms")
    truth = _truth(exam.get("Correct_Diagnosis"))
    digest = opaque_id("agentclinic", json.dumps(row, sort_keys=True), length=32)
    patient_id = opaque_id("patient", digest)
    person = person_of(actor, exam, digest)
    if leaks(person.occupation, truth):
        person = person.model_copy(update={"occupation": ""})
    facts = _facts(actor, person, truth)
    shown = findings(exam.get("Physical_Examination_Findings"), truth)
    openings = [fact.id for fact in facts if fact.disclosure == "opening"]
    gold = condition(truth.diagnosis, patient_id, truth.code)
    return Case(
        id=opaque_id("case", digest),
        task=_TASK.format(patient_id=patient_id),
        person=person,
        facts=facts,
        findings=shown,
        tests=tests(exam.get("Test_Results"), truth),
        chart=tuple(
            resource
            for resource in patient_chart(actor, person, patient_id)
            if not leaks(json.dumps(resource, ensure_ascii=False), truth)
        ),
        patient_id=patient_id,
        truth=truth.model_copy(
            update={
                "explanation": (*openings, *(finding.id for finding in shown)),
                "orders": (gold,),
            }
        ),
        checks=(
            Check(
                id="diagnosis-recorded",
                says="The diagnosis is recorded as a Condition.",
                searches=(f"Condition?patient={patient_id}",),
                names_diagnosis=True,
                at_least=1,
            ),
        ),
        limits=_LIMITS,
        source=_SOURCE,
    )


def _truth(value: Any) -> Truth:
    diagnosis = next((text for text in leaves(value) if forms(text)), None)
    if diagnosis is None:
        raise CaseError("Correct_Diagnosis: missing or empty; give the name of the diagnosis")
    diagnosis = " ".join(diagnosis.split()).rstrip(".")
    code, terms = icd_terms(diagnosis) or (None, ())
    names = (*forms(diagnosis)[1:], *terms)
    return Truth(
        diagnosis=diagnosis,
        code=code,
        synonyms=tuple(dict.fromkeys(name for name in names if name != diagnosis)),
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
    told: list[tuple[Clause, Topic, Disclosure]] = []
    for section in _sections(actor):
        for clause in _clauses(section, person):
            mended = _mended(clause, truth, keep=section.disclosure == "opening")
            if mended and not _known(mended, [known for known, *_ in told]):
                told.append((mended, _topic(mended, section), section.disclosure))
    told.extend(_identity(actor, person, truth))
    if not any(topic != "identity" for _, topic, _ in told):
        raise CaseError(
            "Patient_Actor: says nothing the patient could tell; fill History or"
            " Symptoms.Primary_Symptom"
        )
    return tuple(
        Fact(
            id=f"f{number:03d}",
            topic=topic,
            text=clause.text,
            present=clause.present,
            disclosure=disclosure,
            terms=search_terms(clause.text),
        )
        for number, (clause, topic, disclosure) in enumerate(_with_openings(told), start=1)
    )


def _clauses(section: _Section, person: Person) -> list[Clause]:
    try:
        return clauses(section.text, person.sex, first_person=not person.companion)
    except CaseError as error:
        raise CaseError(f"{section.field}: {error}") from None


def _topic(clause: Clause, section: _Section) -> Topic:
    if section.topic in _FIXED_TOPICS:
        return section.topic
    return topic_of(clause, section.topic)


def _with_openings(
    told: list[tuple[Clause, Topic, Disclosure]],
) -> Iterator[tuple[Clause, Topic, Disclosure]]:
    """Open with the complaint, with a quarter of the facts at most; volunteer its other parts."""
    most = max(1, len(told) // 4)
    if not any(disclosure == "opening" for _, _, disclosure in told):
        first = next((c for c, _, _ in told if c.present), told[0][0])
        told = [
            (c, "complaint" if c is first else t, "opening" if c is first else d)
            for c, t, d in told
        ]
    opened = 0
    for clause, topic, disclosure in told:
        opened += disclosure == "opening"
        late = disclosure == "opening" and opened > most
        yield clause, topic, "volunteered" if late else disclosure


def _identity(
    actor: Json, person: Person, truth: Truth
) -> Iterator[tuple[Clause, Topic, Disclosure]]:
    demographics = readable(actor.get("Demographics"))
    words = stated_age(person, demographics)
    subject = "The child is" if person.companion else "I am"
    yield Clause(f"{subject} {words}.", True), "identity", "direct"
    about = demographics.partition(",")[2]
    for clause in clauses(about, person.sex, first_person=False):
        if not leaks(clause.text, truth) and len(clause.text) > 8:
            yield clause, topic_of(clause, "identity"), "direct"


def _known(clause: Clause, told: list[Clause]) -> bool:
    """Whether it adds next to nothing to what has been told."""
    words = content_words(clause.text)
    for other in told:
        if other.present == clause.present:
            known = content_words(other.text)
            if words <= known or len(words & known) >= 0.8 * len(words | known):
                return True
    return False


def _mended(clause: Clause, truth: Truth, *, keep: bool) -> Clause | None:
    """Without the diagnosis: masked where the rest still tells something, left out elsewhere."""
    if not (words := leaks(clause.text, truth)):
        return clause
    rest = content_words(clause.text) - content_words(" ".join(words))
    if not keep and (not clause.present or len(rest) < 4):
        return None
    text = mask(clause.text, truth, "the problem")
    return Clause(text[:1].upper() + text[1:], clause.present) if len(text) <= 120 else None
