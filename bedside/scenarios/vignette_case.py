"""What the importers of vignettes share: truth, facts and the case made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.scenarios.asking import asked_for
from bedside.scenarios.case import (
    Case,
    Check,
    Disclosure,
    Fact,
    Finding,
    Limits,
    Person,
    Test,
    Topic,
    Truth,
)
from bedside.scenarios.clauses import MAX_CLAUSE, Clause
from bedside.scenarios.leaks import leaks, mask
from bedside.scenarios.names import forms, icd_terms
from bedside.scenarios.topics import content_words
from bedside.scenarios.vignette_chart import condition, patient_chart
from bedside.scenarios.vignette_text import leaves

__all__ = ["LIMITS", "TASK", "Told", "build", "facts_of", "mended", "said_before", "truth_of"]

TASK = (
    "A patient has come to see you. Take the history, examine, order tests where they help, record"
    " your diagnosis in the chart as a Condition, and finish with your diagnosis. The patient's"
    " chart id is {patient_id}."
)
LIMITS = Limits(turns=30, minutes=2880)

Json = dict[str, Any]


class Told(NamedTuple):
    """A statement of the patient on its way to becoming a fact."""

    clause: Clause
    topic: Topic
    disclosure: Disclosure


def truth_of(value: Any, field: str) -> Truth:
    """The diagnosis, with code and further names where its name is known.

    Raises:
        CaseError: there is none; names the field.
    """
    diagnosis = next((text for text in leaves(value) if forms(text)), None)
    if diagnosis is None:
        raise CaseError(f"{field}: missing or empty; give the name of the diagnosis")
    diagnosis = " ".join(diagnosis.split()).rstrip(".")
    code, terms = icd_terms(diagnosis) or (None, ())
    names = (*forms(diagnosis)[1:], *terms)
    return Truth(
        diagnosis=diagnosis,
        code=code,
        synonyms=tuple(dict.fromkeys(name for name in names if name != diagnosis)),
    )


def facts_of(told: Sequence[Told]) -> tuple[Fact, ...]:
    """The statements as facts, of which a quarter at most opens the encounter."""
    opened = list(_with_openings(list(told)))
    asked = asked_for([one.clause for one in opened])
    return tuple(
        Fact(
            id=f"f{number:03d}",
            topic=one.topic,
            text=one.clause.text,
            present=one.clause.present,
            disclosure=one.disclosure,
            code=how.code,
            terms=how.terms,
        )
        for number, (one, how) in enumerate(zip(opened, asked, strict=True), start=1)
    )


def _with_openings(told: list[Told]) -> Iterator[Told]:
    """Open with the complaint, with a quarter of the facts at most; volunteer its other parts."""
    most = max(1, len(told) // 4)
    if not any(one.disclosure == "opening" for one in told):
        first = next((one for one in told if one.clause.present), told[0])
        opening = first._replace(topic="complaint", disclosure="opening")
        told = [opening if one is first else one for one in told]
    opened = 0
    for one in told:
        opened += one.disclosure == "opening"
        late = one.disclosure == "opening" and opened > most
        yield one._replace(disclosure="volunteered") if late else one


def said_before(clause: Clause, told: Iterable[Clause]) -> bool:
    """Whether a clause adds next to nothing to what has been told."""
    words = content_words(clause.text)
    for other in told:
        if other.present == clause.present:
            known = content_words(other.text)
            if words <= known or len(words & known) >= 0.8 * len(words | known):
                return True
    return False


def mended(clause: Clause, truth: Truth, *, keep: bool) -> Clause | None:
    """Without the diagnosis: masked where the rest still tells something, left out elsewhere.

    Args:
        keep: mask it even if little else is left.
    """
    if not (words := leaks(clause.text, truth)):
        return clause
    rest = content_words(clause.text) - content_words(" ".join(words))
    if not keep and (not clause.present or len(rest) < 4):
        return None
    text = mask(clause.text, truth, "the problem")
    if len(text) > MAX_CLAUSE:
        return None
    return Clause(text[:1].upper() + text[1:], clause.present)


def build(
    *,
    digest: str,
    person: Person,
    facts: tuple[Fact, ...],
    findings: tuple[Finding, ...],
    tests: tuple[Test, ...],
    actor: Json,
    truth: Truth,
    source: str,
) -> Case:
    """The case of a vignette, with its chart, the order that records its diagnosis, and the check.

    Args:
        digest: hexadecimal hash of the row.
        actor: may list ``Past_Medical_History`` and ``Current_Medications`` for the chart.
    """
    patient_id = opaque_id("patient", digest)
    openings = [fact.id for fact in facts if fact.disclosure == "opening"]
    shown = [finding.id for finding in findings]
    gold = condition(truth.diagnosis, patient_id, truth.code)
    return Case(
        id=opaque_id("case", digest),
        task=TASK.format(patient_id=patient_id),
        person=person,
        facts=facts,
        findings=findings,
        tests=tests,
        chart=tuple(
            resource
            for resource in patient_chart(actor, person, patient_id)
            if not leaks(json.dumps(resource, ensure_ascii=False), truth)
        ),
        patient_id=patient_id,
        truth=truth.model_copy(update={"explanation": (*openings, *shown), "orders": (gold,)}),
        checks=(
            Check(
                id="diagnosis-recorded",
                says="The diagnosis is recorded as a Condition.",
                searches=(f"Condition?patient={patient_id}",),
                names_diagnosis=True,
                at_least=1,
            ),
        ),
        limits=LIMITS,
        source=source,
    )
