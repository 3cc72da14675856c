"""MedAgentBench's own rules, category by category, on transcripts of its text protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedside.agents.original_grader import original_verdict
from bedside.agents.text_protocol import BASE
from bedside.core.actions import Answer, Create
from bedside.envs.encounter import Encounter
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.medagentbench import suite
from bedside.scenarios.suite import Suite
from benchmarks.medagentbench import Verdicts, verdicts, write_measured

NOW = "2023-11-13T10:15:00+00:00"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Every kind of task in every situation."""
    folder = tmp_path_factory.mktemp("ward")
    write_measured(folder)
    return suite(folder)


def task(ward: Suite, category: str, branch: str, gold: Any = None) -> ChartCase:
    """The task of that kind and situation, whose answer begins with `gold` if that is given."""
    return next(
        case
        for case in ward.cases
        if isinstance(case, ChartCase)
        and (case.category, case.branch) == (category, branch)
        and (gold is None or case.gold_answer[0] == gold)
    )


def post(resource: Json) -> str:
    return f"POST {BASE}{resource['resourceType']}\n{json.dumps(resource)}"


def finish(*values: Any) -> str:
    return f"FINISH({json.dumps(values)})"


def pressure(case: ChartCase, **changes: Any) -> Json:
    vital = {
        "system": "http://hl7.org/fhir/observation-category",
        "code": "vital-signs",
        "display": "Vital Signs",
    }
    return {
        "resourceType": "Observation",
        "category": [{"coding": [vital]}],
        "code": {"text": "BP"},
        "effectiveDateTime": NOW,
        "status": "final",
        "valueString": "118/77 mmHg",
        "subject": {"reference": f"Patient/{case.patient_id}"},
        **changes,
    }


def drug(
    case: ChartCase, ndc: str, route: Any, dose: Json, rate: Json | None = None, **changes: Any
) -> Json:
    given = {"doseQuantity": dose, **({"rateQuantity": rate} if rate else {})}
    coding = {"system": "http://hl7.org/fhir/sid/ndc", "code": ndc}
    return {
        "resourceType": "MedicationRequest",
        "medicationCodeableConcept": {"coding": [coding]},
        "authoredOn": NOW,
        "dosageInstruction": [{"route": route, "doseAndRate": [given]}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{case.patient_id}"},
        **changes,
    }


def service(case: ChartCase, system: str, code: str, /, **changes: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "code": {"coding": [{"system": system, "code": code}]},
        "authoredOn": NOW,
        "status": "active",
        "intent": "order",
        "priority": "stat",
        "subject": {"reference": f"Patient/{case.patient_id}"},
        **changes,
    }


def magnesium(case: ChartCase, grams: float, **changes: Any) -> Json:
    dose, rate = {"value": grams, "unit": "g"}, {"value": grams, "unit": "h"}
    return drug(case, "0338-1715-40", "IV", dose, rate, **changes)


def potassium(case: ChartCase, dose: float, route: Any = "oral", **changes: Any) -> Json:
    return drug(case, "40032-917-01", route, {"value": dose, "unit": "mEq"}, **changes)


def follow_up(case: ChartCase, **changes: Any) -> Json:
    changes = {"occurrenceDateTime": "2023-11-14T08:00:00+00:00", **changes}
    return service(case, "http://loinc.org", "2823-3", **changes)


def a1c(case: ChartCase, **changes: Any) -> Json:
    return service(case, "http://loinc.org", "4548-4", **changes)


def referral(case: ChartCase, note: Any, **changes: Any) -> Json:
    code = "306181000000106"
    return service(case, "http://snomed.info/sct", code, note=note, **changes)


PASSED, FAILED = Verdicts(True, True), Verdicts(False, False)
ONLY_OURS, ONLY_ORIGINAL = Verdicts(False, True), Verdicts(True, False)
STRAY = {
    "resourceType": "Condition",
    "code": {"text": "asthma"},
    "subject": {"reference": "Patient/S0000001"},
}


@pytest.mark.parametrize(
    ("category", "branch"),
    [("task1", "found"), ("task2", "known"), ("task4", "measured"), ("task4", "none"),
     ("task7", "measured"), ("task7", "none")],
)  # fmt: skip
def test_1_2_4_7_want_the_very_answer_and_no_post(ward: Suite, category: str, branch: str) -> None:
    case = task(ward, category, branch)
    look = f"GET {BASE}Observation?patient={case.patient_id}"
    (right,) = case.gold_answer
    assert verdicts(ward, case, [look, finish(right)]) == PASSED
    for wrong in ([], ["S9999999"], [17.25], [right, right], [[right]]):
        assert verdicts(ward, case, [look, finish(*wrong)]) == FAILED
    assert verdicts(ward, case, [post(STRAY), finish(right)]) == FAILED


def test_an_answer_that_is_no_json_list_is_not_taken(ward: Suite) -> None:
    case = task(ward, "task1", "found")
    assert verdicts(ward, case, [f"FINISH({case.gold_answer[0]})"]) == FAILED
    assert verdicts(ward, case, [f"FINISH(['{case.gold_answer[0]}'])"]) == FAILED


def test_numbers_as_text_are_only_taken_by_us(ward: Suite) -> None:
    for category in ("task2", "task4", "task7"):
        case = task(ward, category, "known" if category == "task2" else "measured")
        assert verdicts(ward, case, [finish(str(case.gold_answer[0]))]) == ONLY_OURS


def test_a_task_that_was_not_finished_is_failed(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    assert verdicts(ward, case, [post(pressure(case)), "It is done."]) == FAILED
    assert verdicts(ward, case, [post(pressure(case)), *[f"GET {BASE}Patient"] * 9]) == FAILED


def test_3_wants_one_observation_as_told_and_ignores_the_answer(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    right = post(pressure(case))
    for answer in (finish(), finish("done"), finish(-1)):
        assert verdicts(ward, case, [right, answer]) == PASSED
    assert verdicts(ward, case, [finish()]) == FAILED
    assert verdicts(ward, case, [right, right, finish()]) == FAILED


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"effectiveDateTime": "2023-11-13T10:16:00+00:00"}, FAILED),
        ({"effectiveDateTime": "2023-11-13"}, FAILED),
        ({"effectiveDateTime": "2023-11-13T10:15:00Z"}, ONLY_OURS),
        ({"status": "preliminary"}, FAILED),
        ({"valueString": "120/77 mmHg"}, FAILED),
        ({"valueString": "118/77"}, ONLY_OURS),
        ({"code": {"text": "blood pressure"}}, ONLY_OURS),
        ({"code": {"text": "pulse"}}, FAILED),
        ({"category": []}, FAILED),
        ({"category": [{"text": "vital-signs"}]}, ONLY_OURS),
        ({"subject": {"reference": "Patient/S0000001"}}, FAILED),
    ],
)
def test_3_refuses_payloads(ward: Suite, changes: Json, wanted: Verdicts) -> None:
    case = task(ward, "task3", "measured")
    assert verdicts(ward, case, [post(pressure(case, **changes)), finish()]) == wanted


def test_5_without_a_measurement_forbids_an_order_and_ignores_the_answer(ward: Suite) -> None:
    case = task(ward, "task5", "none")
    assert verdicts(ward, case, [finish(-1)]) == PASSED
    assert verdicts(ward, case, [finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [finish(1.1)]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [post(magnesium(case, 2)), finish(-1)]) == FAILED


def test_5_above_the_limit_forbids_an_order_and_wants_the_value_or_nothing(ward: Suite) -> None:
    case = task(ward, "task5", "measured")
    assert verdicts(ward, case, [finish(2.2)]) == PASSED
    assert verdicts(ward, case, [finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [finish(-1)]) == FAILED
    assert verdicts(ward, case, [post(magnesium(case, 1)), finish(2.2)]) == FAILED


@pytest.mark.parametrize(("value", "grams"), [(1.7, 1), (1.2, 2), (0.9, 4)])
def test_5_below_the_limit_wants_the_dose_of_the_band(
    ward: Suite, value: float, grams: int
) -> None:
    case = task(ward, "task5", "low", value)
    assert verdicts(ward, case, [post(magnesium(case, grams)), finish(value)]) == PASSED
    assert verdicts(ward, case, [post(magnesium(case, grams)), finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [post(magnesium(case, grams)), finish(-1)]) == FAILED
    assert verdicts(ward, case, [finish(value)]) == FAILED
    assert verdicts(ward, case, [post(magnesium(case, grams + 1)), finish(value)]) == FAILED


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"authoredOn": "2023-11-13T10:15:30+00:00"}, PASSED),
        ({"authoredOn": "2023-11-13T10:17:00+00:00"}, FAILED),
        ({"status": "draft"}, FAILED),
        ({"intent": "plan"}, FAILED),
        ({"medicationCodeableConcept": {"text": "magnesium sulfate"}}, ONLY_OURS),
        ({"medicationCodeableConcept": {"text": "potassium chloride"}}, FAILED),
        ({"subject": {"reference": "Patient/S0000001"}}, FAILED),
    ],
)
def test_5_refuses_payloads(ward: Suite, changes: Json, wanted: Verdicts) -> None:
    case = task(ward, "task5", "low", 1.7)
    assert verdicts(ward, case, [post(magnesium(case, 1, **changes)), finish(1.7)]) == wanted


def test_5_wants_the_route_as_bare_text(ward: Suite) -> None:
    case = task(ward, "task5", "low", 1.7)
    dose, rate = {"value": 1, "unit": "g"}, {"value": 1, "unit": "h"}
    for route, wanted in (({"text": "IV"}, ONLY_OURS), ("iv", ONLY_OURS), ("oral", FAILED)):
        order = drug(case, "0338-1715-40", route, dose, rate)
        assert verdicts(ward, case, [post(order), finish(1.7)]) == wanted
    per_hour = drug(case, "0338-1715-40", "IV", dose, {"value": 1, "unit": "g/h"})
    assert verdicts(ward, case, [post(per_hour), finish(1.7)]) == ONLY_OURS


def test_6_wants_the_mean_of_a_day(ward: Suite) -> None:
    case = task(ward, "task6", "measured")
    for answer, wanted in ((127.5, PASSED), (127.45, PASSED), (127.7, FAILED), (110, FAILED)):
        assert verdicts(ward, case, [finish(answer)]) == wanted
    assert verdicts(ward, case, [finish(127.5, 127.5)]) == FAILED
    assert verdicts(ward, case, [post(STRAY), finish(127.5)]) == FAILED
    assert verdicts(ward, task(ward, "task6", "none"), [finish(-1)]) == PASSED


def test_8_wants_the_referral_with_its_words(ward: Suite) -> None:
    case = task(ward, "task8", "asked-for")
    words = "Situation: left knee."
    for answer in (finish(), finish("sent")):
        assert verdicts(ward, case, [post(referral(case, {"text": words})), answer]) == PASSED
    longer = post(referral(case, {"text": f"Please see. {words} Thanks."}))
    assert verdicts(ward, case, [longer, finish()]) == PASSED
    assert verdicts(ward, case, [post(referral(case, [{"text": words}])), finish()]) == ONLY_OURS
    assert verdicts(ward, case, [post(referral(case, {"text": "left knee"})), finish()]) == FAILED
    assert verdicts(ward, case, [finish()]) == FAILED


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"authoredOn": "2023-11-13T10:15:01+00:00"}, FAILED),
        ({"priority": "routine"}, FAILED),
        ({"status": "draft"}, FAILED),
        ({"intent": "plan"}, FAILED),
        ({"code": {"text": "Orthopedic surgery referral"}}, ONLY_OURS),
        ({"subject": {"reference": "Patient/S0000001"}}, FAILED),
    ],
)
def test_8_refuses_payloads(ward: Suite, changes: Json, wanted: Verdicts) -> None:
    case = task(ward, "task8", "asked-for")
    order = referral(case, {"text": "Situation: left knee."}, **changes)
    assert verdicts(ward, case, [post(order), finish()]) == wanted


def test_9_below_the_limit_wants_the_drug_and_then_the_follow_up(ward: Suite) -> None:
    case = task(ward, "task9", "low")
    drug_, test = post(potassium(case, 40)), post(follow_up(case))
    assert verdicts(ward, case, [drug_, test, finish(3.1)]) == PASSED
    assert verdicts(ward, case, [drug_, test, finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [test, drug_, finish(3.1)]) == ONLY_OURS
    for messages in ([drug_], [test], [], [drug_, test, test]):
        assert verdicts(ward, case, [*messages, finish(3.1)]) == FAILED
    assert verdicts(ward, case, [drug_, test, finish(4.4)]) == FAILED


@pytest.mark.parametrize(
    ("order", "test", "wanted"),
    [
        ({"dose": 40.05}, {}, PASSED),
        ({"dose": 40.2}, {}, FAILED),
        ({"dose": 40, "route": "Oral "}, {}, PASSED),
        ({"dose": 40, "route": {"text": "oral"}}, {}, ONLY_OURS),
        ({"dose": 40, "route": "IV"}, {}, FAILED),
        ({"dose": 40}, {"occurrenceDateTime": "2023-11-14T08:30:00+00:00"}, PASSED),
        ({"dose": 40}, {"occurrenceDateTime": "2023-11-14T09:00:00+00:00"}, FAILED),
        ({"dose": 40}, {"priority": "routine"}, FAILED),
        ({"dose": 40}, {"code": {"text": "serum potassium"}}, ONLY_OURS),
    ],
)
def test_9_refuses_payloads(ward: Suite, order: Json, test: Json, wanted: Verdicts) -> None:
    case = task(ward, "task9", "low")
    messages = [post(potassium(case, **order)), post(follow_up(case, **test)), finish(3.1)]
    assert verdicts(ward, case, messages) == wanted


@pytest.mark.parametrize(("branch", "answer"), [("measured", 3.5), ("none", -1)])
def test_9_otherwise_forbids_an_order(ward: Suite, branch: str, answer: float) -> None:
    case = task(ward, "task9", branch)
    assert verdicts(ward, case, [finish(answer)]) == PASSED
    assert verdicts(ward, case, [finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [finish(9)]) == FAILED
    orders = [post(potassium(case, 0)), post(follow_up(case))]
    assert verdicts(ward, case, [*orders, finish(answer)]) == FAILED


@pytest.mark.parametrize(
    ("branch", "answer"), [("stale", (7.4, "2022-05-01T08:30:00+00:00")), ("none", (-1,))]
)
def test_10_wants_a_new_test_where_there_is_none_of_a_year(
    ward: Suite, branch: str, answer: tuple[Any, ...]
) -> None:
    case = task(ward, "task10", branch)
    assert verdicts(ward, case, [post(a1c(case)), finish(*answer)]) == PASSED
    assert verdicts(ward, case, [post(a1c(case)), finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [post(a1c(case)), finish(5)]) == FAILED
    assert verdicts(ward, case, [finish(*answer)]) == FAILED
    for wrong in ({"authoredOn": "2023-11-13T10:20:00+00:00"}, {"priority": "routine"},
                  {"subject": {"reference": "Patient/S0000001"}}):  # fmt: skip
        assert verdicts(ward, case, [post(a1c(case, **wrong)), finish(*answer)]) == FAILED


def test_10_forbids_a_test_where_there_is_a_fresh_one(ward: Suite) -> None:
    case = task(ward, "task10", "fresh")
    answer = (5.9, "2023-05-01T08:30:00+00:00")
    assert verdicts(ward, case, [finish(*answer)]) == PASSED
    assert verdicts(ward, case, [finish(5.9, "2023-05-01T08:30:00Z")]) == ONLY_OURS
    assert verdicts(ward, case, [finish()]) == ONLY_ORIGINAL
    assert verdicts(ward, case, [finish(5.9)]) == FAILED
    assert verdicts(ward, case, [finish(5.9, "2023-05-02T08:30:00+00:00")]) == FAILED
    assert verdicts(ward, case, [post(a1c(case)), finish(*answer)]) == FAILED


def test_a_refused_post_counts_for_nothing(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    refused = post({**pressure(case), "status": "done"})
    assert verdicts(ward, case, [refused, post(pressure(case)), finish()]) == PASSED
    assert verdicts(ward, case, [refused, finish()]) == FAILED


def test_a_post_must_go_to_the_url_of_its_type(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": pressure(case), "request": {"method": "POST", "url": "Observation"}}
        ],
    }
    message = f"POST {BASE}\n{json.dumps(bundle)}"
    assert verdicts(ward, case, [message, finish()]) == ONLY_OURS


def test_our_own_actions_count_as_posts_too(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    encounter = Encounter(case, suite=ward, seed=0)
    for action in (Create(resource=pressure(case)), Answer(values=())):
        for _ in encounter.act(action):
            raise AssertionError("nothing is asked of anybody")
    assert original_verdict(case, encounter.events) is True


def test_an_unfinished_trace_is_failed(ward: Suite) -> None:
    case = task(ward, "task3", "measured")
    assert original_verdict(case, Encounter(case, suite=ward, seed=0).events) is False


def test_other_tasks_have_no_original_verdict(ward: Suite) -> None:
    case = task(ward, "task3", "measured").model_copy(update={"original": None})
    assert original_verdict(case, ()) is None


def test_the_small_data_set_reaches_every_category(ward: Suite) -> None:
    categories = {case.category for case in ward.cases if isinstance(case, ChartCase)}
    assert categories == {f"task{number}" for number in range(1, 11)}
