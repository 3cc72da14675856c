"""The chart suite: a task is passed by doing it, and the grader says what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest

from bedside.agents.registry import DoctorSpec, build
from bedside.agents.state_grader import grade_answer
from bedside.core.actions import Answer, FhirRequest
from bedside.core.flow import drive
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.scenarios import chart
from bedside.scenarios.chart.family import families, family
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.files import check_cases
from bedside.scenarios.hospital import SIZES, clinic, lives
from bedside.scenarios.hospital.lives import DAY, NOW
from bedside.scenarios.suite import Suite
from tests.scenarios.chart_mutations import Trajectory, gold, mutations, variants

FEW = 6
"""Cases of a category in the default tests; all of them in the deep ones."""

ALL = sorted(families())
SLICES = [
    ("clinic", FEW),
    pytest.param(("clinic", chart.EACH), marks=pytest.mark.deep),
    pytest.param(("hospital", chart.EACH), marks=pytest.mark.deep),
]


@cache
def suite(size: str = "clinic") -> Suite:
    """All cases as they are over a population of this size, over the clinic: what decides a case
    is planted, and the chart asks of no reference that it leads to something."""
    cases = chart.cases(size)
    return Suite(name=f"chart-{size}", version="test", cases=cases, population=clinic())


@cache
def of(category: str, size: str = "clinic") -> tuple[ChartCase, ...]:
    cases = [case for case in suite(size).cases if isinstance(case, ChartCase)]
    return tuple(case for case in cases if case.category == category)


def stranger_to(case: ChartCase) -> str:
    records = suite().population.of_type("Patient")
    return next(record.id for record in records if record.id != case.patient_id)


def played(case: ChartCase, trajectory: Trajectory) -> Encounter:
    encounter = Encounter(case, suite=suite(), seed=1)
    drive(encounter.open(), _nobody)
    for write in trajectory.writes:
        drive(encounter.act(FhirRequest(**write)), _nobody)
    drive(encounter.act(Answer(values=trajectory.answer)), _nobody)
    return encounter


def _nobody(request: object) -> object:
    raise AssertionError(f"nobody is there to answer {request}")


@pytest.mark.parametrize("part", SLICES)
@pytest.mark.parametrize("category", ALL)
def test_what_is_right_in_any_form_passes(category: str, part: tuple[str, int]) -> None:
    size, few = part
    for case in of(category, size)[:few]:
        for variant in variants(case):
            sheet = played(case, variant.trajectory).sheet()
            faults = [check for check in sheet.checks if not check.met]
            assert sheet.success, (case.branch, variant.name, sheet.fault, faults)
            assert sheet.score == pytest.approx(1)


@pytest.mark.parametrize("part", SLICES)
@pytest.mark.parametrize("category", ALL)
def test_what_is_wrong_is_failed_and_called_by_its_name(
    category: str, part: tuple[str, int]
) -> None:
    size, few = part
    for case in of(category, size)[:few]:
        for mutation in mutations(case, stranger_to(case)):
            sheet = played(case, mutation.trajectory).sheet()
            told = (case.branch, mutation.name, sheet.fault, sheet.success)
            assert not sheet.success, told
            assert sheet.score < 1, told
            assert sheet.fault in mutation.faults, told


@pytest.mark.parametrize("category", ALL)
def test_doing_nothing_never_passes(category: str) -> None:
    cases = of(category)
    assert not any(played(case, Trajectory((), ())).sheet().success for case in cases)


def test_random_work_hardly_ever_passes() -> None:
    cases = [case for name in ALL for case in of(name)[:FEW]]
    passed = 0
    for case in cases:
        encounter = Encounter(case, suite=suite(), seed=3)
        play(encounter, build(DoctorSpec("random"), case=case, suite=suite()))
        passed += encounter.sheet().success
    assert passed <= 0.05 * len(cases)


@pytest.mark.parametrize("size", ["clinic", "hospital"])
def test_no_answer_without_a_look_passes_many_of_a_category(size: str) -> None:
    """Any answer at all, chosen with the truth in hand, without a write."""
    idle = [case for case in chart.cases(size) if not case.acts]
    for category in ALL:
        cases = [case for case in idle if case.category == category]
        for answer in {case.gold_answer for case in cases}:
            passed = sum(all(grade_answer(case, answer).met) for case in cases)
            assert passed <= 0.15 * chart.EACH, (category, answer)


@pytest.mark.parametrize("category", ALL)
def test_acting_and_leaving_alone_are_in_balance(category: str) -> None:
    acts = Counter(case.acts for case in of(category))
    if acts[True] and acts[False]:
        assert acts[True] >= len(of(category)) / 2
    assert sum(family(category).branches.values()) == chart.EACH
    assert len(family(category).wordings) >= 3


@pytest.mark.parametrize("category", ALL)
def test_a_task_says_nothing_of_its_branch(category: str) -> None:
    """No id of the chart is told, and no slot of a wording is left open."""
    for case in of(category):
        assert case.patient_id not in case.task
        assert all(resource["id"] not in case.task for resource in case.chart)
        assert "{" not in case.task


def people(cases: Sequence[ChartCase]) -> set[str]:
    """Whom cases are about, and whom they plant."""
    planted = (resource for case in cases for resource in case.chart)
    named = {resource["id"] for resource in planted if resource["resourceType"] == "Patient"}
    return named | {case.patient_id for case in cases}


def test_a_life_ends_two_days_before_the_encounter() -> None:
    """So what is planted after that competes with nothing."""
    for life in (*lives(SIZES["hospital"]), *lives(SIZES["clinic"])):
        moments = [visit.at for visit in life.visits] + [a.discharge for a in life.admissions]
        assert max(moments, default=0) < NOW - 2 * DAY


def test_the_splits_share_no_patient_and_no_case() -> None:
    test, drawn = chart.cases("hospital"), [chart.sample("hospital", n) for n in range(1500)]
    assert people(test).isdisjoint(people(drawn))
    assert len({case.id for case in (*test, *drawn)}) == len(test) + len(drawn)


def test_a_private_suite_shares_no_case_with_the_public_one() -> None:
    public = {case.task for case in chart.cases("clinic", each=2)}
    private = [case.task for case in chart.cases("clinic", each=2, root=99)]
    assert len(public.intersection(private)) < len(private) / 10


def test_the_suite_is_the_same_every_time() -> None:
    again = chart.cases("clinic", each=2)
    assert [case.model_dump_json() for case in again] == [
        case.model_dump_json() for case in chart.cases("clinic", each=2)
    ]


def test_every_resource_is_valid_and_every_model_write_is_accepted() -> None:
    report = check_cases([case for name in ALL for case in of(name)[:FEW]])
    assert report.problems == ()


def test_the_model_answer_counts_as_one_success_in_a_sheet() -> None:
    case = of("potassium")[0]
    sheet = played(case, gold(case)).sheet()
    assert sheet.version == "state-1"
    assert sheet.diagnosis is None
    assert sum(part.weight for part in sheet.parts) == pytest.approx(1)
