"""MedAgentBench as an open suite: its tasks, graded on the chart, over the user's copy of its data.

The suite takes what the original graders take, and what means the same in valid FHIR R4; so its
chart is ``lenient``, which repairs the two payloads that the original demands and R4 does not know
(a route as bare text, a note that is no list). ``docs/chart-tasks.md`` has every difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from bedside.core.errors import CaseError, PopulationError
from bedside.fhir_server import search
from bedside.fhir_server.bulk import lines_of
from bedside.fhir_server.chart import Chart
from bedside.fhir_server.jsontext import decode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.policy import Policy
from bedside.fhir_server.population import Population, Resources, StartLayer
from bedside.fhir_server.snapshot import open_snapshot
from bedside.scenarios import medagentbench_orders as orders
from bedside.scenarios.case import Limits
from bedside.scenarios.chart_case import Asked, ChartCase, GoldRequest
from bedside.scenarios.comparators import Amount, Comparator, Moment, Same
from bedside.scenarios.medagentbench_orders import NOW, Order
from bedside.scenarios.suite import Suite
from bedside.scenarios.units import factor

__all__ = ["functions", "suite"]

VERSION = "1"
"""Changes whenever a task would become a different case."""

SOURCE = "MedAgentBench (https://github.com/stanfordmlgroup/MedAgentBench), MIT"
LIMITS = Limits(turns=30, minutes=240)

Json = dict[str, Any]

_ID = re.compile(r"task(?P<kind>[1-9]|10)_(?P<number>\d+)")
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)
_TODAY = datetime.fromisoformat(NOW)
_STALE = _TODAY.replace(year=_TODAY.year - 1)
_DAY = timedelta(hours=24)
_GOAL = 3.5
_HIGHEST_LOW_MAGNESIUM = 1.9
_NONE = -1
"""The answer where nothing was measured."""
_NOBODY = "nobody"
"""The patient of a task whose patient does not exist."""
_NO_ANSWER = "Nothing is to be answered: finish with an empty list."


def suite(path: Path) -> Suite:
    """The tasks of a folder over the patients in it.

    Args:
        path: a folder with ``tasks.json`` and its population (any ``*.ndjson``, or the folder
            ``snapshot`` made by ``bedside ehr import``); or a tasks file in such a folder.

    Raises:
        CaseError: a file is missing or not what it should be; the message names the mend.
    """
    tasks = path if path.is_file() else path / "tasks.json"
    population = _population(tasks.parent)
    records = _Records(population)
    return Suite(
        name=f"medagentbench:{path}",
        version=VERSION,
        cases=tuple(_case(tasks, task, records) for task in _list(tasks)),
        population=population,
        policy=Policy(validation="lenient"),
    )


def functions(path: Path) -> list[Json]:
    """The functions that MedAgentBench tells an agent of.

    Args:
        path: the list, or a folder with it as ``functions.json``.

    Raises:
        CaseError: there is no such file, or it holds no list of objects.
    """
    return _list(path / "functions.json" if path.is_dir() else path)


def _list(path: Path) -> list[Json]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CaseError(f"cannot read {path}: {error}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise CaseError(f"{path}: must be one JSON list of objects")
    return found


def _population(folder: Path) -> Resources:
    snapshot = folder / "snapshot"
    if snapshot.is_dir():
        return open_snapshot(snapshot)
    files = sorted(folder.glob("*.ndjson"))
    if not files:
        raise CaseError(
            f"{folder} has no patients: put *.ndjson there, or make a snapshot of them with "
            f"'bedside ehr import {snapshot} FILES'"
        )
    try:
        return Population.of(decode(line.text) for line in lines_of(files))
    except (PopulationError, Refusal) as error:
        raise CaseError(f"{folder}: {error}") from None


class _Reading(NamedTuple):
    """A measurement.

    Attributes:
        value: as charted.
        unit: as charted; "" if none is.
        at: when it was taken.
        time: the same as charted.
    """

    value: float
    unit: str
    at: datetime
    time: str

    def in_unit(self, unit: str) -> float:
        """The value in a unit; as charted where its own unit is unknown or does not convert."""
        ratio = factor(self.unit, unit) if self.unit else None
        return self.value if ratio in (None, 1.0) else self.value * ratio


class _Records:
    """What the population says of a patient."""

    def __init__(self, population: Resources) -> None:
        self._population = population

    @cached_property
    def _chart(self) -> Chart:
        return Chart(self._population, StartLayer.of(()), seed=0, now=NOW)

    def has(self, mrn: str) -> bool:
        """Whether a patient is there."""
        return self._population.get("Patient", mrn) is not None

    def birth_date(self, mrn: str) -> datetime:
        """When a patient was born.

        Raises:
            CaseError: the patient is not there, or the date is not a whole one.
        """
        patient = self._population.get("Patient", mrn)
        if patient is None:
            raise CaseError(f"eval_MRN: no Patient/{mrn} is in the population; add it")
        birth_date = str(patient.resource.get("birthDate"))
        try:
            return datetime.strptime(birth_date, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise CaseError(
                f"birthDate of Patient/{mrn} is {birth_date!r}; give a whole date"
            ) from None

    def readings(self, mrn: str, code: str, since: datetime | None = None) -> list[_Reading]:
        """The measurements of a patient under a code, first those taken first."""
        found = list(_readings(self._observations(mrn, code)))
        return sorted((each for each in found if since is None or each.at >= since),
                      key=lambda reading: reading.at)  # fmt: skip

    def last(self, mrn: str, code: str, since: datetime | None = None) -> _Reading | None:
        """The last measurement of a patient under a code, or None."""
        found = self.readings(mrn, code, since)
        return found[-1] if found else None

    def _observations(self, mrn: str, code: str) -> Iterator[Json]:
        found = search.matching(self._chart, "Observation", f"patient={mrn}&code={code}")
        if not found:
            by_text = search.matching(self._chart, "Observation", f"patient={mrn}&code:text={code}")
            found = [record for record in by_text if record.resource["code"].get("text") == code]
        return (record.resource for record in found)


def _readings(observations: Iterator[Json]) -> Iterator[_Reading]:
    for observation in observations:
        quantity, time = observation.get("valueQuantity", {}), observation.get("effectiveDateTime")
        if "value" in quantity and time:
            at = datetime.fromisoformat(time)
            unit = quantity.get("code") or quantity.get("unit") or ""
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            yield _Reading(_number(quantity["value"]), unit, at, time)


def _number(value: Decimal | float) -> float:
    return int(value) if value == int(value) else float(value)


class _Plan(NamedTuple):
    """What a task comes to with the data at hand.

    Attributes:
        branch: which of its category's situations this is.
        form: how the answer is to be given, told to the doctor.
        asked: what the answer must say.
        gold: a right answer.
        orders: what must be written.
        facts: what the original grader needs to know besides the task's kind and patient.
    """

    branch: str
    form: str
    asked: tuple[Asked, ...] = ()
    gold: tuple[Any, ...] = ()
    orders: tuple[Order, ...] = ()
    facts: Json = {}  # noqa: RUF012


def _case(file: Path, task: Json, records: _Records) -> ChartCase:
    name = task.get("id")
    try:
        parts = _ID.fullmatch(str(name))
        if parts is None:
            raise CaseError("id: must be task1_1 to task10_..., as in MedAgentBench")
        kind = int(parts["kind"])
        if kind == 1:
            task = {**task, "eval_MRN": task.get("eval_MRN") or _NOBODY}
        for field in ("instruction", "context", "eval_MRN"):
            if not isinstance(task.get(field), str):
                raise CaseError(f"{field}: must be text")
        return _planned(task, kind, parts["number"], _PLANS[kind](task, records))
    except CaseError as error:
        raise CaseError(f"{file}: task '{name}': {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the task"
        raise CaseError(f"{file}: task '{name}': {field}: {first['msg']}") from None


def _planned(task: Json, kind: int, number: str, plan: _Plan) -> ChartCase:
    told = (task["instruction"], task["context"], plan.form)
    return ChartCase(
        id=f"task{kind}-{number}",
        category=f"task{kind}",
        branch=plan.branch,
        task="\n".join(part.strip() for part in told if part.strip()),
        patient_id=task["eval_MRN"],
        acts=bool(plan.orders),
        writes=tuple(order.write(place) for place, order in enumerate(plan.orders, start=1)),
        answer=plan.asked,
        gold=tuple(
            GoldRequest(method="POST", path=order.resource["resourceType"], body=order.resource)
            for order in plan.orders
        ),
        gold_answer=plan.gold,
        original={"task": kind, "mrn": task["eval_MRN"], "answer": list(plan.gold), **plan.facts},
        limits=LIMITS,
        source=SOURCE,
    )


def _look_up(task: Json, records: _Records) -> _Plan:
    match task.get("sol"):
        case [str() as answer]:
            branch = "found" if records.has(answer) else "not-found"
        case _:
            raise CaseError("sol: must be a list of one text, the answer")
    form = "Answer with one value: the MRN."
    return _Plan(branch, form, (_asked("the MRN", Same(values=(answer,))),), (answer,))


def _age(task: Json, records: _Records) -> _Plan:
    born = records.birth_date(task["eval_MRN"])
    had_birthday = (_TODAY.month, _TODAY.day) >= (born.month, born.day)
    age = _TODAY.year - born.year - (not had_birthday)
    form = "Answer with one value: the age."
    return _Plan("known", form, (_asked("the age", Amount(value=age)),), (age,))


def _record_pressure(task: Json, records: _Records) -> _Plan:
    told = _quoted(task)
    order = orders.pressure(task["eval_MRN"], told)
    return _Plan("measured", _NO_ANSWER, orders=(order,), facts={"told": told})


def _magnesium(task: Json, records: _Records) -> _Plan:
    last = records.last(task["eval_MRN"], "MG", _TODAY - _DAY)
    return _one_value(last, "mg/dL", "the magnesium")


def _replace_magnesium(task: Json, records: _Records) -> _Plan:
    last = records.last(task["eval_MRN"], "MG", _TODAY - _DAY)
    plan = _one_value(last, "mg/dL", "the magnesium")
    if last is None or last.in_unit("mg/dL") > _HIGHEST_LOW_MAGNESIUM:
        return plan
    value = last.in_unit("mg/dL")
    grams = 4 if value < 1 else 2 if value < 1.5 else 1
    order = orders.magnesium(task["eval_MRN"], grams)
    return plan._replace(branch="low", orders=(order,))


def _mean_glucose(task: Json, records: _Records) -> _Plan:
    found = records.readings(task["eval_MRN"], "GLU", _TODAY - _DAY)
    plan = _one_value(found[-1] if found else None, "mg/dL", "the mean glucose")
    if not found:
        return plan
    mean = sum(reading.in_unit("mg/dL") for reading in found) / len(found)
    charted = sum(reading.value for reading in found) / len(found)
    want = Amount(value=mean, unit="mg/dL", tolerance=0.1)
    asked = (_asked("the mean glucose", want),)
    return plan._replace(asked=asked, gold=(mean,), facts={"answer": [charted]})


def _glucose(task: Json, records: _Records) -> _Plan:
    return _one_value(records.last(task["eval_MRN"], "GLU"), "mg/dL", "the glucose")


def _refer(task: Json, records: _Records) -> _Plan:
    told = _quoted(task)
    order = orders.referral(task["eval_MRN"], told)
    return _Plan("asked-for", _NO_ANSWER, orders=(order,), facts={"told": told})


def _replace_potassium(task: Json, records: _Records) -> _Plan:
    mrn = task["eval_MRN"]
    last = records.last(mrn, "K")
    plan = _one_value(last, "mmol/L", "the potassium")
    if last is None or last.in_unit("mmol/L") >= _GOAL:
        return plan
    dose = round((_GOAL - last.in_unit("mmol/L")) * 100, 1)
    both = (orders.potassium(mrn, _number(dose)), orders.morning_potassium(mrn))
    return plan._replace(branch="low", orders=both)


def _haemoglobin_a1c(task: Json, records: _Records) -> _Plan:
    last = records.last(task["eval_MRN"], "A1C")
    order = orders.haemoglobin_a1c(task["eval_MRN"])
    form = "Answer with two values, its value and its date and time, or with -1 if there is none."
    if last is None:
        none = _asked("that there is none", Amount(value=_NONE))
        return _Plan("none", form, (none,), (_NONE,), (order,), {"value": None})
    value = last.in_unit("%")
    moment = last.at.isoformat()
    asked = (
        _asked("the HbA1c", Amount(value=value, unit="%")),
        _asked("its time", Moment(earliest=moment, latest=moment)),
    )
    facts = {"value": last.value, "time": last.time, "answer": [last.value, last.time]}
    stale = last.at < _STALE
    return _Plan(
        "stale" if stale else "fresh", form, asked, (value, last.time),
        (order,) if stale else (), facts,
    )  # fmt: skip


def _one_value(last: _Reading | None, unit: str, what: str) -> _Plan:
    """The plan of a task that asks for a measurement and for nothing else."""
    form = f"Answer with one value: {what} in {unit}, or -1 if there is none."
    if last is None:
        none = _asked("that there is none", Amount(value=_NONE))
        return _Plan("none", form, (none,), (_NONE,), (), {"value": None})
    value = last.in_unit(unit)
    asked = (_asked(what, Amount(value=value, unit=unit)),)
    facts = {"value": last.value, "answer": [last.value]}
    return _Plan("measured", form, asked, (value,), (), facts)


def _asked(says: str, want: Comparator) -> Asked:
    return Asked(says=says, want=want)


def _quoted(task: Json) -> str:
    found = _QUOTED.search(task["instruction"])
    if found is None:
        raise CaseError("instruction: must have what is to be written in double quotes")
    return found[1]


_PLANS = {
    1: _look_up,
    2: _age,
    3: _record_pressure,
    4: _magnesium,
    5: _replace_magnesium,
    6: _mean_glucose,
    7: _glucose,
    8: _refer,
    9: _replace_potassium,
    10: _haemoglobin_a1c,
}
