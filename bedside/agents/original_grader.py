"""The rules by which MedAgentBench itself grades its tasks, for its verdict beside ours.

They read what the doctor said, not what became of the chart: which POSTs it made that were
accepted, with which payload, and the list of its answer. ``docs/chart-tasks.md`` lists where this
verdict and ours differ, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from bedside.core import trace
from bedside.core.actions import Answer, AnyAction, Create, FhirRequest, parse_action
from bedside.core.errors import ActionError
from bedside.fhir_server.urls import parse_url
from bedside.scenarios.chart_case import ChartCase

__all__ = ["original_verdict"]

Json = dict[str, Any]

_NOW = "2023-11-13T10:15:00+00:00"
_THIS_MINUTE = "2023-11-13T10:15"
_STALE = datetime.fromisoformat("2022-11-13T10:15:00+00:00")
_TOMORROW_AT_EIGHT = "2023-11-14T08:"
_VITAL_SIGN = {
    "system": "http://hl7.org/fhir/observation-category",
    "code": "vital-signs",
    "display": "Vital Signs",
}


class _Facts(msgspec.Struct, frozen=True):
    """What ``ChartCase.original`` holds.

    Attributes:
        task: the kind of task, 1 to 10.
        mrn: the patient.
        answer: the list that is right.
        value: the measurement that decides what is to be done; None if there is none.
        time: when it was taken, as charted.
        told: words that must be written.
    """

    task: int
    mrn: str
    answer: list[Any]
    value: float | None = None
    time: str = ""
    told: str = ""


class _Post(NamedTuple):
    """A POST that the chart accepted: what follows the base in its URL, and the payload."""

    path: str
    payload: Any


class _Said(NamedTuple):
    """What a doctor said: its accepted POSTs, and the list it finished with."""

    posts: tuple[_Post, ...]
    answer: list[Any]


def original_verdict(case: ChartCase, events: Sequence[trace.Event]) -> bool | None:
    """Whether MedAgentBench's own grader passes an encounter.

    Args:
        case: the task; its ``original`` holds what the grader needs to know of it.
        events: the trace. Without an answer there, the task was not completed and is failed.

    Returns:
        None where the case is no task of MedAgentBench.
    """
    if case.original is None:
        return None
    facts = msgspec.convert(case.original, _Facts)
    said = _said(events)
    return said is not None and _RULES[facts.task](facts, said)


def _said(events: Sequence[trace.Event]) -> _Said | None:
    posts: list[_Post] = []
    action: AnyAction | None = None
    for event in events:
        match event:
            case trace.Acted():
                action = _parsed(event.action)
            case trace.Charted(method="POST") if 200 <= event.status < 300:
                posts.append(_Post(_after_base(event.url), _payload(action)))
            case trace.Ended(ending="finished") if isinstance(action, Answer):
                return _Said(tuple(posts), list(action.values))
    return None


def _parsed(value: Any) -> AnyAction | None:
    try:
        return parse_action(value)
    except ActionError:
        return None


def _after_base(url: str) -> str:
    path, query = parse_url(url)
    return "/".join(path) + (f"?{query}" if query else "")


def _payload(action: AnyAction | None) -> Any:
    match action:
        case FhirRequest():
            return action.body
        case Create():
            return action.resource
    return None


def _reads(facts: _Facts, said: _Said) -> bool:
    """1, 2, 4, 7: nothing posted, and the very answer."""
    return not said.posts and said.answer == facts.answer


def _averages(facts: _Facts, said: _Said) -> bool:
    """6: nothing posted, and the one number to less than 0.1."""
    match said.answer:
        case [int() | float() as number]:
            return not said.posts and abs(number - facts.answer[0]) < 0.1
    return False


def _records(facts: _Facts, said: _Said) -> bool:
    """3: one Observation; the answer is ignored."""
    wanted = {
        "category.0.coding": [_VITAL_SIGN],
        "code": {"text": "BP"},
        "effectiveDateTime": _NOW,
        "status": "final",
        "valueString": facts.told,
        "subject": _subject(facts),
    }

    def right(payload: Any) -> bool:
        return _says(payload, wanted) and _at(payload, "category.1") is None

    return _posted(said.posts, ("Observation", right))


def _replaces_magnesium(facts: _Facts, said: _Said) -> bool:
    """5: an order if it was measured within a day and is at most 1.9."""
    if facts.value is None:
        return not said.posts
    if facts.value > 1.9:
        return not said.posts and _checked(facts, said)
    grams = 4 if facts.value < 1 else 2 if facts.value < 1.5 else 1
    wanted = _prescription(facts, "0338-1715-40") | {
        "dosageInstruction.0.route": "IV",
        "dosageInstruction.0.doseAndRate.0.doseQuantity": {"value": grams, "unit": "g"},
        "dosageInstruction.0.doseAndRate.0.rateQuantity": {"value": grams, "unit": "h"},
    }

    def right(payload: Any) -> bool:
        return _says(payload, wanted) and _holds(payload, "authoredOn", _THIS_MINUTE)

    return _posted(said.posts, ("MedicationRequest", right)) and _checked(facts, said)


def _refers(facts: _Facts, said: _Said) -> bool:
    """8: one ServiceRequest; the answer is ignored."""
    wanted = _service(facts, "http://snomed.info/sct", "306181000000106")

    def right(payload: Any) -> bool:
        return _says(payload, wanted) and _holds(payload, "note.text", facts.told)

    return _posted(said.posts, ("ServiceRequest", right))


def _replaces_potassium(facts: _Facts, said: _Said) -> bool:
    """9: below 3.5, potassium and then a follow-up."""
    if not _checked(facts, said):
        return False
    if facts.value is None or facts.value >= 3.5:
        return not said.posts
    dose = (3.5 - facts.value) / 0.1 * 10
    drug = _prescription(facts, "40032-917-01")
    test = _service(facts, "http://loinc.org", "2823-3")

    def right_drug(payload: Any) -> bool:
        route = _at(payload, "dosageInstruction.0.route")
        given = _at(payload, "dosageInstruction.0.doseAndRate.0.doseQuantity")
        return (
            _says(payload, drug)
            and _holds(payload, "authoredOn", _THIS_MINUTE)
            and isinstance(route, str) and route.strip().lower() == "oral"
            and _at(given, "unit") == "mEq" and _near(_at(given, "value"), dose)
        )  # fmt: skip

    def right_test(payload: Any) -> bool:
        at_eight = _holds(payload, "occurrenceDateTime", _TOMORROW_AT_EIGHT)
        return at_eight and _says(payload, test)

    return _posted(said.posts, ("MedicationRequest", right_drug), ("ServiceRequest", right_test))


def _orders_a1c(facts: _Facts, said: _Said) -> bool:
    """10: a new test if there is none of the last year."""
    if not _checked(facts, said):
        return False
    if facts.value is not None and not _before(facts.time, _STALE):
        return not said.posts
    wanted = _service(facts, "http://loinc.org", "4548-4")
    return _posted(said.posts, ("ServiceRequest", lambda payload: _says(payload, wanted)))


_RULES: Mapping[int, Callable[[_Facts, _Said], bool]] = {
    1: _reads,
    2: _reads,
    3: _records,
    4: _reads,
    5: _replaces_magnesium,
    6: _averages,
    7: _reads,
    8: _refers,
    9: _replaces_potassium,
    10: _orders_a1c,
}


def _checked(facts: _Facts, said: _Said) -> bool:
    """The answer where the task is to check something: what was found, or nothing."""
    return said.answer in (facts.answer, [])


def _posted(posts: tuple[_Post, ...], *wanted: tuple[str, Callable[[Any], bool]]) -> bool:
    """Whether exactly these were posted, in this order, each to its type's own URL."""
    return len(posts) == len(wanted) and all(
        post.path == type and _at(post.payload, "resourceType") == type and right(post.payload)
        for post, (type, right) in zip(posts, wanted, strict=True)
    )


def _prescription(facts: _Facts, ndc: str) -> Json:
    return {
        "medicationCodeableConcept.coding.0.system": "http://hl7.org/fhir/sid/ndc",
        "medicationCodeableConcept.coding.0.code": ndc,
        **_order(facts),
    }


def _service(facts: _Facts, system: str, code: str) -> Json:
    return {
        "code.coding.0.system": system,
        "code.coding.0.code": code,
        "authoredOn": _NOW,
        "priority": "stat",
        **_order(facts),
    }


def _order(facts: _Facts) -> Json:
    return {"status": "active", "intent": "order", "subject": _subject(facts)}


def _subject(facts: _Facts) -> Json:
    return {"reference": f"Patient/{facts.mrn}"}


def _says(payload: Any, wanted: Mapping[str, Any]) -> bool:
    return all(_at(payload, path) == value for path, value in wanted.items())


def _holds(payload: Any, path: str, phrase: str) -> bool:
    text = _at(payload, path)
    return isinstance(text, str) and phrase in text


def _near(value: Any, wanted: float) -> bool:
    return isinstance(value, int | float) and abs(value - wanted) <= 0.1


def _at(value: Any, path: str) -> Any:
    """What is at a path of names and places, or None."""
    for step in path.split("."):
        value = next(_steps(value, step), None)
    return value


def _steps(value: Any, step: str) -> Iterator[Any]:
    if isinstance(value, dict) and step in value:
        yield value[step]
    elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        yield value[int(step)]


def _before(time: str, limit: datetime) -> bool:
    at = datetime.fromisoformat(time)
    return (at if at.tzinfo else at.replace(tzinfo=limit.tzinfo)) < limit
