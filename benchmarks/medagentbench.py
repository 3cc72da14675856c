"""MedAgentBench's own verdict beside ours, for many ways to do its tasks.

``python -m benchmarks.medagentbench DIR`` plays every task of a folder of its data through the text
protocol; without DIR, tasks over a few measurements made here, which reach every situation.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bedside.agents.original_grader import original_verdict
from bedside.agents.text_doctor import TextDoctor
from bedside.agents.text_protocol import BASE, oracle_messages
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.medagentbench import suite
from bedside.scenarios.suite import Suite

__all__ = ["BEHAVIOURS", "Row", "Verdicts", "rows", "verdicts", "write_measured"]

Json = dict[str, Any]
Messages = list[str]
Change = Callable[[Json], Json | None]


class Verdicts(NamedTuple):
    """Whether an encounter is passed by the original rules, and by ours."""

    original: bool | None
    ours: bool


class Row(NamedTuple):
    """How many tasks of a kind and situation, done in one way, got which verdicts."""

    behaviour: str
    category: str
    branch: str
    verdicts: Verdicts
    tasks: int


class _Playback:
    """Says what it was given, and then nothing that is an action."""

    def __init__(self, messages: Messages) -> None:
        self._messages = iter(messages)

    def inference(self, history: list[dict[str, str]]) -> str:
        return next(self._messages, "I am done.")


def verdicts(found: Suite, case: ChartCase, messages: Messages) -> Verdicts:
    """Both verdicts on an agent that sends these messages."""
    encounter = Encounter(case, suite=found, seed=0)
    play(encounter, TextDoctor(_Playback(messages)))
    return Verdicts(original_verdict(case, encounter.events), encounter.sheet().success)


def _posts(case: ChartCase, change: Change) -> Messages | None:
    """The posts of a perfect doctor, changed; None where there is nothing to change."""
    posts, changed = [], False
    for request in case.gold:
        assert isinstance(request.body, dict)
        other = change(deepcopy(request.body))
        changed = changed or other is not None
        posts.append(f"POST {BASE}{request.path}\n{json.dumps(other or request.body)}")
    return posts if changed else None


def _changed(change: Change) -> Callable[[ChartCase], Messages | None]:
    def messages(case: ChartCase) -> Messages | None:
        posts = _posts(case, change)
        return None if posts is None else [*posts, _finish(case.gold_answer)]

    return messages


def _finish(values: Any) -> str:
    return f"FINISH({json.dumps(list(values))})"


def _gold(case: ChartCase) -> Messages:
    return oracle_messages(case, BASE)


def _as_original(body: Json) -> Json | None:
    """The two shapes that the original demands and R4 does not know."""
    if "note" in body:
        return {**body, "note": body["note"][0]}
    if "dosageInstruction" in body:
        body["dosageInstruction"][0]["route"] = body["dosageInstruction"][0]["route"]["text"]
    return body


def _for_another(body: Json) -> Json:
    return {**body, "subject": {"reference": "Patient/S0000000"}}


def _wrong_dose(body: Json) -> Json | None:
    if "dosageInstruction" not in body:
        return None
    body = _as_original(body) or body
    body["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] += 3
    return body


def _in_another_zone(body: Json) -> Json:
    text = json.dumps(_as_original(body)).replace(
        "2023-11-13T10:15:00+00:00", "2023-11-13T12:15:00+02:00"
    )
    found: Json = json.loads(text)
    return found


def _by_day(body: Json) -> Json:
    text = json.dumps(_as_original(body)).replace("2023-11-13T10:15:00+00:00", "2023-11-13")
    found: Json = json.loads(text)
    return found


def _named(body: Json) -> Json | None:
    """What is ordered by its name, without a code."""
    body = _as_original(body) or body
    for name in ("medicationCodeableConcept", "code"):
        if "coding" in body.get(name, {}):
            return {**body, name: {"text": body[name]["coding"][0]["display"]}}
    return None


def _in_components(body: Json) -> Json | None:
    if "valueString" not in body:
        return None
    told = body.pop("valueString").split()[0].split("/")
    parts = zip(("8480-6", "8462-4"), told, strict=True)
    component = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": int(value), "unit": "mmHg"},
        }
        for code, value in parts
    ]
    return {**body, "component": component}


def _silent(case: ChartCase) -> Messages:
    return ["FINISH([])"]


def _unfinished(case: ChartCase) -> Messages:
    return [*(_posts(case, _as_original) or ()), "I am done."]


def _only_acts(case: ChartCase) -> Messages:
    return [*(_posts(case, _as_original) or ()), "FINISH([])"]


def _only_answers(case: ChartCase) -> Messages | None:
    return [_finish(case.gold_answer)] if case.acts else None


def _wrong_answer(case: ChartCase) -> Messages | None:
    posts = _posts(case, _as_original) or []
    values = [v + 1 if isinstance(v, int | float) else "S0000000" for v in case.gold_answer]
    return [*posts, _finish(values)] if values else None


def _as_text(case: ChartCase) -> Messages | None:
    numbers = [isinstance(value, int | float) for value in case.gold_answer]
    posts = _posts(case, _as_original) or []
    return [*posts, _finish(map(str, case.gold_answer))] if any(numbers) else None


def _and_another_write(case: ChartCase) -> Messages:
    extra = {
        "resourceType": "Condition",
        "code": {"text": "Tiredness"},
        "subject": {"reference": f"Patient/{case.patient_id}"},
    }
    posts = _posts(case, _as_original) or []
    return [*posts, f"POST {BASE}Condition\n{json.dumps(extra)}", _finish(case.gold_answer)]


def _mended(case: ChartCase) -> Messages | None:
    posts = _posts(case, lambda body: _as_original({**body, "status": "done"}))
    right = _posts(case, _as_original)
    return [*posts, *right, _finish(case.gold_answer)] if posts and right else None


def _search_by_post(case: ChartCase) -> Messages:
    search = f"POST {BASE}Patient/_search?_id={case.patient_id}\n{{}}"
    return [search, *(_posts(case, _as_original) or ()), _finish(case.gold_answer)]


def _in_a_transaction(case: ChartCase) -> Messages | None:
    entries = [
        {"resource": request.body, "request": {"method": "POST", "url": request.path}}
        for request in case.gold
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return [f"POST {BASE}\n{json.dumps(bundle)}", _finish(case.gold_answer)] if entries else None


def _in_other_order(case: ChartCase) -> Messages | None:
    posts = _posts(case, _as_original) or []
    return [*reversed(posts), _finish(case.gold_answer)] if len(posts) > 1 else None


BEHAVIOURS: dict[str, Callable[[ChartCase], Messages | None]] = {
    "all right, payloads as the original demands": _changed(_as_original),
    "all right, payloads in valid R4": _gold,
    "FINISH([]) at once": _silent,
    "right writes, FINISH([])": _only_acts,
    "right answer, no write": _only_answers,
    "right writes, wrong answer": _wrong_answer,
    "right writes, numbers as text": _as_text,
    "right writes, never finished": _unfinished,
    "for another patient": _changed(_for_another),
    "wrong dose": _changed(_wrong_dose),
    "a further write": _and_another_write,
    "refused writes, then the right ones": _mended,
    "searched by POST": _search_by_post,
    "all in one transaction": _in_a_transaction,
    "in the other order": _in_other_order,
    "the same moment in another time zone": _changed(_in_another_zone),
    "the day without the time": _changed(_by_day),
    "code as text": _changed(_named),
    "blood pressure in components": _changed(_in_components),
}
"""Ways to do a task, each as the messages of an agent; None where it does not apply."""


def rows(found: Suite) -> Iterator[Row]:
    """Both verdicts on every behaviour for every task, counted."""
    for name, behaviour in BEHAVIOURS.items():
        counted: Counter[tuple[str, str, Verdicts]] = Counter()
        for case in found.cases:
            assert isinstance(case, ChartCase)
            messages = behaviour(case)
            if messages is not None:
                counted[case.category, case.branch, verdicts(found, case, messages)] += 1
        for (category, branch, both), tasks in counted.items():
            yield Row(name, category, branch, both, tasks)


_SITUATIONS: tuple[tuple[int, str, tuple[tuple[float, str], ...]], ...] = (
    (4, "MG", ((1.4, "2023-11-13T02:00:00+00:00"), (2.1, "2023-11-12T11:00:00+00:00"))),
    (4, "MG", ((1.4, "2023-11-12T10:00:00+00:00"),)),
    (5, "MG", ((1.7, "2023-11-13T02:00:00+00:00"), (0.8, "2023-11-12T20:00:00+00:00"))),
    (5, "MG", ((1.2, "2023-11-13T02:00:00+00:00"),)),
    (5, "MG", ((0.9, "2023-11-13T02:00:00+00:00"),)),
    (5, "MG", ((2.2, "2023-11-13T02:00:00+00:00"),)),
    (5, "MG", ((1.1, "2023-11-11T02:00:00+00:00"),)),
    (6, "GLU", ((110, "2023-11-13T02:00:00+00:00"), (145, "2023-11-12T12:00:00+00:00"))),
    (6, "GLU", ((99, "2023-11-01T02:00:00+00:00"),)),
    (7, "GLU", ((99, "2023-11-01T02:00:00+00:00"), (88, "2023-10-01T02:00:00+00:00"))),
    (7, "GLU", ()),
    (9, "K", ((3.1, "2023-11-10T02:00:00+00:00"), (4.4, "2023-11-09T02:00:00+00:00"))),
    (9, "K", ((3.5, "2023-11-10T02:00:00+00:00"),)),
    (9, "K", ()),
    (10, "A1C", ((5.9, "2023-05-01T08:30:00+00:00"),)),
    (10, "A1C", ((7.4, "2022-05-01T08:30:00+00:00"),)),
    (10, "A1C", ()),
)
_UNITS = {"MG": "mg/dL", "GLU": "mg/dL", "K": "mmol/L", "A1C": "%"}


def write_measured(folder: Path) -> None:
    """Write a small data set of our own: every kind of task in every situation."""
    said = {1: "Find the MRN.", 3: 'Record "118/77 mmHg".', 8: 'Refer: "Situation: left knee."'}
    plan = [(kind, "", ()) for kind in (1, 2, 3, 8)]
    tasks: list[Json] = []
    resources: list[Json] = []
    for number, (kind, code, readings) in enumerate((*plan, *_SITUATIONS), start=1):
        mrn = f"S{number:07}"
        task = {"id": f"task{kind}_{number}", "context": "", "eval_MRN": mrn, "sol": [mrn]}
        tasks.append({**task, "instruction": said.get(kind, "Do the task.")})
        resources.append({"resourceType": "Patient", "id": mrn, "birthDate": "1950-11-14"})
        resources.extend(
            _observation(f"o{number}-{place}", mrn, code, value, time)
            for place, (value, time) in enumerate(readings)
        )
    (folder / "tasks.json").write_text(json.dumps(tasks))
    (folder / "functions.json").write_text("[]")
    lines = "".join(f"{json.dumps(resource)}\n" for resource in resources)
    (folder / "everything.ndjson").write_text(lines)


def _observation(id: str, mrn: str, code: str, value: float, time: str) -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"code": code}], "text": code},
        "subject": {"reference": f"Patient/{mrn}"},
        "effectiveDateTime": time,
        "valueQuantity": {"value": value, "unit": _UNITS[code]},
    }


def _print(found: Suite) -> None:
    print("| what the agent did | tasks | original passes | ours passes | they differ in |")
    print("| --- | --- | --- | --- | --- |")
    every = list(rows(found))
    for name in BEHAVIOURS:
        own = [row for row in every if row.behaviour == name]
        differing = [row for row in own if row.verdicts.original != row.verdicts.ours]
        where = ", ".join(f"{row.category} {row.branch} ({row.tasks})" for row in differing)
        counts = (
            sum(row.tasks for row in own),
            sum(row.tasks for row in own if row.verdicts.original),
            sum(row.tasks for row in own if row.verdicts.ours),
        )
        print("|", " | ".join([name, *map(str, counts), where or "nothing"]), "|")


def main() -> None:
    """Print the table of both verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of MedAgentBench's data")
    folder = parser.parse_args().folder
    if folder is not None:
        _print(suite(folder))
        return
    with TemporaryDirectory() as made:
        write_measured(Path(made))
        _print(suite(Path(made)))


if __name__ == "__main__":
    main()
