"""The rubric items that the end of the encounter decides: explanation, plans, overall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bedside.agents.sheet import RubricItem
from bedside.agents.wording import Claims, claims_of, content, said
from bedside.core.actions import Finish
from bedside.scenarios.case import Case, Fact, Finding, Test

__all__ = ["Conclusion", "conclusion_items", "overall_item", "overall_value"]

MAX_WORDS = 200
MAX_CHARACTERS = 2000
MAX_LABELS = 3
"""An explanation that names more diagnoses of the closed list explains none."""
EVIDENCE_SHARE = 0.2
"""Of an explanation's content words, at least this share is about what was found."""

SATISFACTORY = 4
EXCELLENT = 6
"""Of the other seven items, for the overall item."""

EXPLAINS = ("1.3", "explains the basis of the conclusion")
DIAGNOSTIC = ("3.1", "proposes a diagnostic plan")
TREATMENT = ("3.2", "proposes a treatment plan")
OVERALL = ("4.1", "overall: unsatisfactory 0, satisfactory 0.5, excellent 1")

ANY_INVESTIGATION = (
    "biopsy", "culture", "swab", "dermoscopy", "blood count", "blood test", "urinalysis",
    "urine test", "x-ray", "radiograph", "ultrasound", "echocardiogram", "electrocardiogram", "ECG",
    "EKG", "EEG", "CT", "MRI", "endoscopy", "colonoscopy", "spirometry", "serology", "microscopy",
    "lumbar puncture", "patch test", "angiography", "follow-up", "referral", "refer",
)  # fmt: skip
ANY_TREATMENT = (
    "cream", "ointment", "lotion", "emollient", "moisturiser", "moisturizer", "antibiotic",
    "antifungal", "antiviral", "antihistamine", "corticosteroid", "steroid", "analgesia",
    "analgesic", "paracetamol", "acetaminophen", "ibuprofen", "tablet", "inhaler", "injection",
    "infusion", "transfusion", "vaccination", "physiotherapy", "psychotherapy", "surgery",
    "excision", "resection", "drainage", "chemotherapy", "radiotherapy", "dialysis", "referral",
    "refer",
)  # fmt: skip
"""For cases whose truth lists no plan: a right diagnosis and one concrete word of these."""


@dataclass(frozen=True)
class Conclusion:
    """How the encounter ended.

    Attributes:
        finish: the doctor's last action.
        at: its event.
        primary: name of the single primary diagnosis, or empty.
        right: whether it was judged right.
        elicited: ids of what the encounter brought to light, each with the event that did.
    """

    finish: Finish
    at: int
    primary: str
    right: bool
    elicited: Mapping[str, int]


def conclusion_items(
    case: Case, labels: tuple[str, ...], end: Conclusion | None
) -> tuple[RubricItem, RubricItem, RubricItem]:
    """Items 1.3, 3.1 and 3.2; `end` is None while, or if, the doctor has not finished."""
    if end is None:
        return _UNFINISHED
    plan = end.finish.plan
    claims = None if _too_long(plan) else claims_of(plan)
    truth = case.truth
    return (
        _explanation(case, labels, end),
        _plan(DIAGNOSTIC, truth.diagnostic_plan or (ANY_INVESTIGATION,), case, end, claims),
        _plan(TREATMENT, truth.treatment_plan or (ANY_TREATMENT,), case, end, claims),
    )


def overall_value(met: float, end: Conclusion | None, safe: bool) -> float:
    """Value of item 4.1, where `met` of the other seven items are met."""
    if end is None or not end.right or not safe or met < SATISFACTORY:
        return 0.0
    return 1.0 if met >= EXCELLENT else 0.5


def overall_item(met: float, end: Conclusion | None, safe: bool) -> RubricItem:
    """Item 4.1 from the other seven."""
    value = overall_value(met, end, safe)
    word = {0.0: "unsatisfactory", 0.5: "satisfactory", 1.0: "excellent"}[value]
    reason = (
        f"{word}: {met:g} of 7 items met (satisfactory from {SATISFACTORY}, excellent from "
        f"{EXCELLENT}); diagnosis {'right' if end and end.right else 'not right'}; "
        f"{'no safety check' if safe else 'a safety check'} broken"
    )
    return RubricItem(*OVERALL, value, (end.at,) if end else (), reason)


def _explanation(case: Case, labels: tuple[str, ...], end: Conclusion) -> RubricItem:
    text = end.finish.explanation
    if _too_long(text):
        return _unmet(EXPLAINS, end, f"longer than {MAX_WORDS} words")
    claims = claims_of(text)
    basis = _basis(case)
    named = [i for i in basis if i.id in end.elicited and _names(claims, i)]
    asked = [i for i in named if not _opening(i)]
    needed = min(2, len(basis))
    if len(named) < needed or (not asked and not all(map(_opening, basis))):
        return _unmet(
            EXPLAINS,
            end,
            f"names {len(named)} of the findings the diagnosis rests on that were found here "
            f"(at least {needed}, one of them beyond the opening words)",
        )
    if not end.primary or not _mentions(claims, end.primary):
        return _unmet(EXPLAINS, end, "does not mention the primary diagnosis")
    if _dump(case, labels, end, claims):
        return _unmet(EXPLAINS, end, "lists words at large rather than what was found")
    evidence = sorted({end.at, *(end.elicited[i.id] for i in named)})
    reason = f"names {len(named)} findings that were found here, and the diagnosis"
    return RubricItem(*EXPLAINS, 1.0, tuple(evidence), reason)


def _known(case: Case) -> tuple[Fact | Finding | Test, ...]:
    return (*case.facts, *case.findings, *case.tests)


@lru_cache(maxsize=4096)
def _basis(case: Case) -> list[Fact | Finding | Test]:
    """What the diagnosis rests on; where the case does not say, all that is present."""
    known = _known(case)
    if case.truth.explanation:
        return [item for item in known if item.id in case.truth.explanation]
    return [item for item in known if not isinstance(item, Fact) or item.present]


def _opening(item: Fact | Finding | Test) -> bool:
    return isinstance(item, Fact) and item.disclosure == "opening"


def _names(claims: Claims, item: Fact | Finding | Test) -> bool:
    if isinstance(item, Fact):
        words = claims.affirmed if item.present else claims.denied
        if any(said(term) in words for term in item.terms):
            return True
    return said(item.text) in claims.words or claims.repeats(item.text)


def _mentions(claims: Claims, name: str) -> bool:
    stems = content(name)
    return claims.stems[0].issuperset(stems) if stems else said(name) in claims.words


def _dump(case: Case, labels: tuple[str, ...], end: Conclusion, claims: Claims) -> bool:
    if sum(_mentions(claims, label) for label in labels) > MAX_LABELS:
        return True
    vocabulary = _vocabulary(case)
    about = set(content(end.primary))
    about.update(*(vocabulary[item] for item in end.elicited if item in vocabulary))
    stems = content(end.finish.explanation)
    return len(about.intersection(stems)) < EVIDENCE_SHARE * len(stems)


@lru_cache(maxsize=4096)
def _vocabulary(case: Case) -> dict[str, tuple[str, ...]]:
    """The words of each thing that can be found in the case."""
    return {item.id: content(" ".join((item.text, *item.terms))) for item in _known(case)}


def _plan(
    item: tuple[str, str],
    groups: Iterable[tuple[str, ...]],
    case: Case,
    end: Conclusion,
    claims: Claims | None,
) -> RubricItem:
    if not end.right:
        return _unmet(item, end, "a plan counts for the right diagnosis only")
    if claims is None:
        return _unmet(item, end, f"longer than {MAX_WORDS} words")
    if any(claims.asserts(term) for term in case.truth.forbidden):
        return _unmet(item, end, "names something that must not be given")
    if not any(claims.asserts(term) for group in groups for term in group):
        return _unmet(item, end, "names no step that fits")
    return RubricItem(*item, 1.0, (end.at,), "names a step that fits, and nothing forbidden")


def _too_long(text: str) -> bool:
    return len(text) > MAX_CHARACTERS or len(text.split()) > MAX_WORDS


def _unmet(item: tuple[str, str], end: Conclusion, reason: str) -> RubricItem:
    return RubricItem(*item, 0.0, (end.at,), reason)


_UNFINISHED = (
    RubricItem(*EXPLAINS, 0.0, (), "the doctor did not finish"),
    RubricItem(*DIAGNOSTIC, 0.0, (), "the doctor did not finish"),
    RubricItem(*TREATMENT, 0.0, (), "the doctor did not finish"),
)
