"""What may go wrong in a chart task, and what may rightly be done otherwise, from its model answer.

A trajectory is the writes of a perfect doctor and its answer. A mutation is told as it must be
called by the grader; a variant must pass.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bedside.scenarios.chart_case import ChartCase, Write

Json = dict[str, Any]


class Trajectory(NamedTuple):
    writes: tuple[Json, ...]
    answer: tuple[Any, ...]


class Variant(NamedTuple):
    """`fault` is what the grader must call it; "" must pass; several are as good as each other."""

    name: str
    trajectory: Trajectory
    faults: frozenset[str]


def gold(case: ChartCase) -> Trajectory:
    return Trajectory(
        tuple(request.model_dump(exclude_none=True) for request in case.gold), case.gold_answer
    )


def mutations(case: ChartCase, stranger: str) -> Iterator[Variant]:
    """Everything that must fail; `stranger` is the id of another patient."""
    model = gold(case)
    yield from _of_writes(case, model, stranger)
    yield from _of_the_whole(case, model)
    yield from _of_the_answer(case, model)


def variants(case: ChartCase) -> Iterator[Variant]:
    """Everything that must pass."""
    model = gold(case)
    yield Variant("as it is", model, frozenset({""}))
    if not model.writes:
        return
    if len(model.writes) > 1:
        yield _passing("other order", model, tuple(reversed(model.writes)))
    yield _passing("transaction", model, (_transaction(model.writes),))
    for name, change in _SAME.items():
        changed = tuple(change(copy.deepcopy(write)) for write in model.writes)
        if changed != model.writes:
            yield _passing(name, model, changed)
    patched = tuple(_patch(write, case) for write in model.writes)
    if patched != model.writes:
        yield _passing("patch", model, patched)


def _passing(name: str, model: Trajectory, writes: tuple[Json, ...]) -> Variant:
    return Variant(name, Trajectory(writes, model.answer), frozenset({""}))


def _transaction(writes: tuple[Json, ...]) -> Json:
    entries = [
        {"resource": w["body"], "request": {"method": w["method"], "url": w["path"]}}
        for w in writes
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return {"method": "POST", "path": "/", "body": bundle}


def _each(value: Any, change: Callable[[Json], None]) -> None:
    """Apply a change to every object, innermost last."""
    if isinstance(value, dict):
        change(value)
        for part in value.values():
            _each(part, change)
    elif isinstance(value, list):
        for part in value:
            _each(part, change)


def _code_only(write: Json) -> Json:
    def drop(node: Json) -> None:
        if node.get("coding") and "text" in node:
            del node["text"]
            for coding in node["coding"]:
                coding.pop("display", None)

    return _created(write, drop)


def _text_only(write: Json) -> Json:
    body = write["body"]
    for name in ("medicationCodeableConcept", "code", "vaccineCode"):
        concept = body.get(name, {})
        if write["method"] == "POST" and concept.get("coding"):
            display = concept["coding"][0].get("display")
            text = concept.get("text") or display
            if text:
                body[name] = {"text": text}
    return write


_SMALLER = {"kg": ("g", 1000), "g": ("mg", 1000), "mg": ("ug", 1000), "h": ("min", 60)}


def _other_unit(write: Json) -> Json:
    def convert(node: Json) -> None:
        smaller = _SMALLER.get(str(node.get("code")))
        if smaller and isinstance(node.get("value"), int | float) and "unit" in node:
            unit, ratio = smaller
            node.update(value=round(node["value"] * ratio, 6), unit=unit, code=unit)

    if write["body"].get("resourceType") not in ("MedicationRequest", "Observation"):
        return write
    return _created(write, convert)


def _created(write: Json, change: Callable[[Json], None]) -> Json:
    if write["method"] == "POST" and write["body"]["resourceType"] != "Bundle":
        _each(write["body"], change)
    return write


def _patch(write: Json, case: ChartCase) -> Json:
    """A change as a JSON Patch of its elements instead of the whole resource."""
    if write["method"] != "PUT":
        return write
    after = write["body"]
    before = next(resource for resource in case.chart if resource["id"] == after["id"])
    body = [
        {"op": "add", "path": f"/{name}", "value": value}
        for name, value in after.items()
        if before.get(name) != value
    ] + [{"op": "remove", "path": f"/{name}"} for name in before if name not in after]
    return {"method": "PATCH", "path": write["path"], "body": body}


def _contained(write: Json) -> Json:
    """The medicine as a contained resource."""
    body = write["body"]
    if write["method"] == "POST" and "medicationCodeableConcept" in body:
        code = body.pop("medicationCodeableConcept")
        body["contained"] = [{"resourceType": "Medication", "id": "drug", "code": code}]
        body["medicationReference"] = {"reference": "#drug"}
    return write


def _at_this_server(write: Json) -> Json:
    def lengthen(node: Json) -> None:
        text = node.get("reference")
        if isinstance(text, str) and text.startswith("Patient/"):
            node["reference"] = f"http://127.0.0.1:8103/fhir/{text}/_history/1"

    return _created(write, lengthen)


def _with_more_said(write: Json) -> Json:
    """What does no harm beside what is asked for."""
    body = write["body"]
    if write["method"] == "POST" and body["resourceType"] in (
        "MedicationRequest",
        "ServiceRequest",
    ):
        body["requester"] = {"reference": "Practitioner/practitioner-1"}
        body.setdefault("note", [{"text": "As the house rule says."}])
        body["extension"] = [{"url": "http://example.org/from", "valueString": "ward 3"}]
    return write


_SAME: Mapping[str, Callable[[Json], Json]] = {
    "code only": _code_only,
    "text only": _text_only,
    "equivalent unit": _other_unit,
    "contained medicine": _contained,
    "address of this server": _at_this_server,
    "more said": _with_more_said,
}


def _of_writes(case: ChartCase, model: Trajectory, stranger: str) -> Iterator[Variant]:
    for place, write in enumerate(model.writes):
        if write["method"] == "PUT":
            yield from _of_change(case, model, place, stranger)
            continue
        if write["body"]["resourceType"] == "Bundle":
            yield from _of_document(model, place, stranger)
            continue
        demanded = case.writes[place] if place < len(case.writes) else None
        for name, fault, body in _bodies(write["body"], demanded, stranger):
            writes = list(copy.deepcopy(model.writes))
            writes[place]["body"] = body
            yield Variant(name, Trajectory(tuple(writes), model.answer), fault)


def _with(model: Trajectory, place: int, **changed: Any) -> Trajectory:
    writes = list(copy.deepcopy(model.writes))
    writes[place] = {**writes[place], **changed}
    return Trajectory(tuple(writes), model.answer)


def _of_change(case: ChartCase, model: Trajectory, place: int, stranger: str) -> Iterator[Variant]:
    """A change left undone, of another resource, or with more changed than was asked for."""
    after = model.writes[place]["body"]
    before = next(resource for resource in case.chart if resource["id"] == after["id"])
    undone = _UNDONE if len(model.writes) == 1 else _UNDONE | {"wrong_payload"}
    yield Variant("change left undone", _with(model, place, body=before), undone)
    for name in ("subject", "patient"):
        if name in after:
            body = {**after, name: {"reference": f"Patient/{stranger}"}}
            yield Variant("handed over", _with(model, place, body=body), _STRANGER)
    for name in ("authoredOn", "effectiveDateTime", "birthDate", "recordedDate"):
        if name in after:
            body = {**after, name: "2019-03-04"}
            fault = _VALUE | {"wrong_payload"}
            yield Variant("more changed", _with(model, place, body=body), fault)
    other = next((r for r in case.chart if _alike(r, after)), None)
    if other is not None and all(other["id"] not in w["path"] for w in model.writes):
        changed = {name: v for name, v in after.items() if before.get(name) != v}
        path = f"{other['resourceType']}/{other['id']}"
        wrong = _with(model, place, path=path, body={**other, **changed})
        yield Variant("another one changed", wrong, _ANOTHER)


def _alike(resource: Json, after: Json) -> bool:
    kinds = resource["resourceType"], after["resourceType"]
    return kinds[0] == kinds[1] != "Patient" and resource["id"] != after["id"]


def _of_document(model: Trajectory, place: int, stranger: str) -> Iterator[Variant]:
    """A summary of somebody else, with a section more, or with one entry less."""
    body = model.writes[place]["body"]

    def changed(change: Callable[[Json], None]) -> Trajectory:
        other = copy.deepcopy(body)
        change(other["entry"][0]["resource"])
        return _with(model, place, body=other)

    someone = {"reference": f"Patient/{stranger}"}
    yield Variant("somebody else's", changed(lambda c: c.update(subject=someone)), _STRANGER)
    plan = {"title": "Plan", "text": {"status": "generated", "div": _DIV}}
    yield Variant("a section more", changed(lambda c: c["section"].append(plan)), _VALUE)
    fewer = changed(lambda c: c["section"][0]["entry"].pop())
    yield Variant("an entry less", fewer, _VALUE | {"wrong_payload", "refused_write"})


_DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Give warfarin</div>'
_UNDONE = frozenset({"wrong_branch", "wrong_value"})
_ANOTHER = frozenset({"wrong_value", "wrong_payload", "refused_write", "wrong_branch"})
_STRANGER = frozenset({"wrong_patient"})
_VALUE = frozenset({"wrong_value"})
_LEFT_OUT = frozenset({"wrong_payload", "refused_write"})


def _bodies(
    body: Json, demanded: Write | None, stranger: str
) -> Iterator[tuple[str, frozenset[str], Json]]:
    for name in ("subject", "patient", "for"):
        if name in body:
            other = {**body, name: {"reference": f"Patient/{stranger}"}}
            yield "wrong patient", frozenset({"wrong_patient"}), other
            elsewhere = {"reference": f"https://elsewhere.example/{body[name]['reference']}"}
            yield "patient elsewhere", _VALUE | {"wrong_patient"}, {**body, name: elsewhere}
    yield from _reversed(body, stranger)
    for name in ("occurrenceDateTime", "effectiveDateTime"):
        if name in body:
            yield "wrong time", _VALUE, {**body, name: _later(body[name])}
    if "dosageInstruction" in body and "doseQuantity" in json.dumps(body):
        for name, change in (("wrong dose", _double), ("wrong unit", _other_kind)):
            wrong = copy.deepcopy(body)
            quantity = wrong["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
            change(quantity)
            yield name, _VALUE, wrong
    graded = {way.path.split(".")[0] for need in _needs(demanded) for way in need.ways}
    for name in body:
        if name in ("resourceType", "subject", "patient", "for"):
            continue
        if _PATHS.get(name, name) in graded:
            yield f"without {name}", _LEFT_OUT, {k: v for k, v in body.items() if k != name}


def _reversed(body: Json, stranger: str) -> Iterator[tuple[str, frozenset[str], Json]]:
    """The right resource, and something beside it that makes another of it."""
    flag = [{"url": "http://example.org/not", "valueBoolean": True}]
    if body["resourceType"] in ("MedicationRequest", "ServiceRequest"):
        yield "not to be done", _VALUE, {**body, "doNotPerform": True}
        other = {"reference": f"Patient/{stranger}"}
        drawn_in = {**body, "performer": other if "dosageInstruction" in body else [other]}
        yield "somebody else drawn in", frozenset({"wrong_patient"}), drawn_in
    yield "modified", _VALUE | {"refused_write"}, {**body, "modifierExtension": flag}
    if "dosageInstruction" in body:
        second = copy.deepcopy(body["dosageInstruction"][0])
        second["doseAndRate"] = [{"doseQuantity": {"value": 9, "unit": "g"}}]
        doses = [*body["dosageInstruction"], second]
        yield "two doses", _VALUE, {**body, "dosageInstruction": doses}
        as_needed = [{**body["dosageInstruction"][0], "asNeededBoolean": True}]
        yield "as needed", _VALUE, {**body, "dosageInstruction": as_needed}
    for name in ("medicationCodeableConcept", "code"):
        codings = body.get(name, {}).get("coding", [])
        warfarin = {"system": "http://example.org/drugs", "code": "1", "display": "warfarin"}
        hedged = {"text": "warfarin", **body.get(name, {}), "coding": [*codings, warfarin]}
        if name in body:
            yield "two meanings", _VALUE, {**body, name: hedged}
    if "reasonReference" in body:
        (reason,) = body["reasonReference"]
        kind = reason["reference"].partition("/")[0]
        both = [reason, {"reference": f"{kind}/another"}]
        yield "two reasons", _VALUE, {**body, "reasonReference": both}


_PATHS = {
    "medicationCodeableConcept": "medication",
    "valueQuantity": "value",
    "effectiveDateTime": "effective",
    "occurrenceDateTime": "occurrence",
}


def _needs(write: Write | None) -> tuple[Any, ...]:
    return write.needs if write else ()


def _later(time: str) -> str:
    return (datetime.fromisoformat(time) + timedelta(days=1)).isoformat()


def _double(quantity: Json) -> None:
    quantity["value"] *= 2


def _other_kind(quantity: Json) -> None:
    unit = "mL" if quantity.get("code") != "mL" else "mg"
    quantity.update(unit=unit, code=unit)


def _of_the_whole(case: ChartCase, model: Trajectory) -> Iterator[Variant]:
    extra = {
        "method": "POST",
        "path": "Goal",
        "body": {
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": {"text": "drink more water"},
            "subject": {"reference": f"Patient/{case.patient_id}"},
        },
    }
    fault = "collateral" if case.acts else "wrong_branch"
    yield Variant(
        "extra write", Trajectory((*model.writes, extra), model.answer), frozenset({fault})
    )
    target = _deletable(case)
    if target:
        delete = {"method": "DELETE", "path": target}
        yield Variant(
            "delete",
            Trajectory((*model.writes, delete), model.answer),
            frozenset({"collateral"}),
        )
    if case.acts:
        without = Trajectory((), model.answer)
        fault = "wrong_branch" if model.answer else "did_nothing"
        yield Variant("answer without the action", without, frozenset({fault}))


def _deletable(case: ChartCase) -> str:
    """A planted resource of the patient that the model answer leaves alone."""
    touched = {request.path for request in case.gold}
    for resource in case.chart:
        path = f"{resource['resourceType']}/{resource['id']}"
        owner = resource.get("subject", resource.get("patient", {})).get("reference", "")
        if path not in touched and owner == f"Patient/{case.patient_id}":
            return path
    return ""


def _of_the_answer(case: ChartCase, model: Trajectory) -> Iterator[Variant]:
    if not case.answer:
        return
    empty = frozenset({"no_answer" if case.acts else "did_nothing"})
    yield Variant("action without the answer", Trajectory(model.writes, ()), empty)
    wrong = tuple(_other(value) for value in model.answer)
    yield Variant("wrong answer", Trajectory(model.writes, wrong), _VALUE)
    prose = (f"The answer is: {'; '.join(map(str, model.answer))}",)
    yield Variant(
        "answer in prose",
        Trajectory(model.writes, prose),
        frozenset({"format_only"}),
    )


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 777
    if isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-":
        return (datetime.fromisoformat(value) + timedelta(days=400)).isoformat()
    return "something else"
