"""The consult suite: valid, without leaks, drawn from its tables, learnable by book knowledge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.agents.chart_review import review
from bedside.core.errors import CaseError
from bedside.fhir_server import Chart, StartLayer
from bedside.scenarios.blueprint import UNCHECKED, statements
from bedside.scenarios.case import Case
from bedside.scenarios.consult import EACH, private, sample, suite
from bedside.scenarios.leaks import case_report
from bedside.scenarios.library import blueprints, rules, traps
from bedside.scenarios.names import ICD_10_CM as ICD
from bedside.scenarios.sampler import MAX_FACTS, draw
from benchmarks.book_knowledge import everything, history, opening, report

TEST = suite().cases
TRAIN = [sample(n) for n in range(400)]
EVERY = (*TEST, *TRAIN)
NAMES = tuple(blueprints())


def test_the_leak_check_of_the_package_agrees() -> None:
    hits = [hit for case in EVERY for hit in case_report(case)]
    assert not [hit for hit in hits if not hit.allowed]


def test_every_diagnosis_meets_every_temperament_equally_often() -> None:
    pairs = Counter((c.truth.diagnosis, c.person.temperament) for c in TEST)
    assert len(TEST) == len(NAMES) * 4 * EACH == 680
    assert len(pairs) == len(NAMES) * 4 and set(pairs.values()) == {EACH}
    assert suite().labels == tuple(sorted({c.truth.diagnosis for c in TEST}))
    assert [c.truth.diagnosis for c in TEST] != sorted(c.truth.diagnosis for c in TEST)


def test_a_secret_draws_a_suite_of_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a secret of the board\n")
    other.write_text("another secret of it\n")
    first = private(one)
    assert first.cases == private(one).cases
    assert first.labels == suite().labels and len(first.cases) == len(TEST)
    for suite_ in (suite(), private(other)):
        assert not {c.id for c in first.cases} & {c.id for c in suite_.cases}
        assert not {c.facts for c in first.cases} & {c.facts for c in suite_.cases}
    assert "secret of" not in f"{first.name} {first.digest()} {first.cases[0].id}"


@pytest.mark.parametrize(("text", "mend"), [(None, "cannot read"), ("short", "16 bytes")])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, text: str | None, mend: str) -> None:
    if text is not None:
        (tmp_path / "secret").write_text(text)
    with pytest.raises(CaseError, match=mend):
        private(tmp_path / "secret")


def test_splits_are_disjoint() -> None:
    assert not {c.id for c in TEST} & {c.id for c in TRAIN}
    assert not {c.facts for c in TEST} & {c.facts for c in TRAIN}


def test_facts_are_few_short_and_mostly_asked_for() -> None:
    for case in EVERY:
        kinds = Counter(f.disclosure for f in case.facts)
        assert 15 <= len(case.facts) <= MAX_FACTS
        assert 1 <= kinds["opening"] <= 3 and kinds["opening"] <= len(case.facts) / 4
        assert kinds["trust"] and kinds["direct"] and kinds["volunteered"]
        assert all(f.terms and f.terms == tuple(t.lower() for t in f.terms) for f in case.facts)
        codes = [f.code for f in case.facts if f.code]
        assert len(codes) == len(set(codes)) and set(codes) <= set(rules())


def test_what_is_said_is_what_the_table_says() -> None:
    for case in EVERY:
        for fact in filter(lambda f: f.code, case.facts):
            rule = rules()[fact.code]
            assert fact.text in (rule.present if fact.present else rule.absent)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**64 - 1))
def test_a_draw_depends_on_diagnosis_and_seed_alone(name: str, seed: int) -> None:
    calm = draw(name, "phlegmatic", seed, case_id="a")
    angry = draw(name, "choleric", seed, case_id="a")
    assert calm == draw(name, "phlegmatic", seed, case_id="a")
    assert angry.person.temperament == "choleric"
    again = angry.person.model_copy(update={"temperament": "phlegmatic"})
    assert angry.model_copy(update={"person": again}) == calm


def test_unknown_diagnosis_is_refused() -> None:
    with pytest.raises(CaseError, match="no diagnosis 'gout'"):
        draw("gout", "sanguine", 1, case_id="a")


def test_charts_and_orders_are_valid_fhir() -> None:
    from fhir.resources.R4B import get_fhir_model_class

    for case in (*TEST, *TRAIN[:100]):
        for resource in (*case.chart, *case.truth.orders):
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert case.chart[0]["id"] == case.patient_id
        ids = [r["id"] for r in case.chart]
        assert len(ids) == len(set(ids))
        tags = [r["meta"]["tag"][0]["code"] for r in case.chart]
        assert set(tags) == {"synthetic"}


VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def of_type(case: Case, kind: str) -> list[dict[str, Any]]:
    return [r for r in case.chart if r["resourceType"] == kind]


def charted(case: Case) -> set[str]:
    """What the chart calls the allergies, medicines and conditions, lowercase."""
    elements = ("code", "medicationCodeableConcept")
    named = [r[element]["text"] for r in case.chart for element in elements if element in r]
    return {name.lower() for name in named}


def test_the_chart_holds_what_the_patient_tells() -> None:
    says: dict[str, set[str]] = {}
    for text, trap in traps().items():
        says.setdefault(trap.says, set()).add(text)
    for case in EVERY:
        for fact in case.facts:
            if fact.text in says:
                assert says[fact.text] & charted(case), case.id
        hay_fever = any(f.code == "hay_fever_asthma" and f.present for f in case.facts)
        rhinitis = any("rhinitis" in name for name in charted(case))
        assert rhinitis or not hay_fever


def test_some_patients_do_not_remember_what_is_charted() -> None:
    allergic = [c for c in EVERY if of_type(c, "AllergyIntolerance")]
    denied = [c for c in allergic if any(f.topic == "allergy" and not f.present for f in c.facts)]
    assert 0.1 < len(denied) / len(allergic) < 0.3


def test_only_who_may_be_pregnant_speaks_of_it() -> None:
    for case in EVERY:
        if any(fact.topic == "pregnancy" for fact in case.facts):
            assert case.person.sex == "female" and 15 <= case.person.age <= 50


def test_a_red_flag_that_is_there_asks_for_an_order() -> None:
    flagged = 0
    for case in EVERY:
        told = {fact.code: fact.present for fact in case.facts if fact.code}
        flags = blueprints()[case.truth.diagnosis].red_flags
        asked = [check for check in case.checks if check.id.startswith("red-flag")]
        flagged += bool(asked)
        for flag in flags:
            if flag.concept in told:
                named = any(flag.says in check.says for check in asked)
                assert named == told[flag.concept], case.id
    assert 0.05 < flagged / len(EVERY) < 0.5


def banned_by_chart(case: Case) -> tuple[str, ...]:
    found = [trap for text, trap in traps().items() if text in charted(case)]
    return tuple(name for trap in found for name in trap.rules_out)


def medicines(case: Case, check: str) -> list[str]:
    """The names that a check of the case looks for."""
    searches = [s for c in case.checks if c.id.startswith(check) for s in c.searches]
    return [name for s in searches for name in unquote(s).split("code:text=")[1].split(",")]


def ordered(case: Case) -> list[str]:
    """What a perfect doctor orders, lowercase."""
    orders = case.truth.orders[1:]
    return [(o.get("medicationCodeableConcept") or o["code"])["text"].lower() for o in orders]


def test_the_perfect_orders_respect_the_chart_and_the_checks() -> None:
    second_choice = treated = 0
    for case in EVERY:
        banned = (*banned_by_chart(case), *case.truth.forbidden)
        assert case.truth.orders[0]["code"]["coding"][0]["code"] == case.truth.code
        assert not [text for text in ordered(case) for name in banned if name in text], case.id
        right, wrong = medicines(case, "treatment-ordered"), medicines(case, "nothing-contra")
        assert not set(wrong) & set(right)
        assert set(banned_by_chart(case)) <= set(wrong)
        if right:
            treated += 1
            first = min(blueprints()[case.truth.diagnosis].treatments, key=lambda t: t.line)
            assert any(name in ordered(case)[0] for name in right), case.id
            second_choice += ordered(case)[0] != first.order.lower()
    assert 0.05 < second_choice / treated < 0.3


def contradictions(case: Case) -> list[str]:
    """Where what the case expects to be given is what its chart, or the case itself, rules out."""
    truth = case.truth
    found = [trap for text, trap in traps().items() if text in charted(case)]
    banned = {name for trap in found for name in (*trap.rules_out, *trap.classes)}
    banned |= {*truth.forbidden, *(a["code"]["text"].lower() for a in allergies(case))}
    expected = [term for group in truth.treatment_plan for term in group]
    expected += [*ordered(case), *medicines(case, "treatment-ordered")]
    return [f"expects {e}, {b} is ruled out" for e in expected for b in banned if b in e]


def allergies(case: Case) -> list[dict[str, Any]]:
    return of_type(case, "AllergyIntolerance")


def test_no_case_expects_what_its_chart_rules_out() -> None:
    for case in EVERY:
        assert contradictions(case) == [], case.id
        assert case.truth.treatment_plan
        assert all(case.truth.treatment_plan)


@settings(max_examples=100, deadline=None)
@given(number=st.integers(0, 2**62))
def test_no_train_case_expects_what_its_chart_rules_out(number: int) -> None:
    assert contradictions(sample(number)) == []


@pytest.mark.parametrize("plan", [(("chloramphenicol",),), (("hygiene",), ("penicillin v",))])
def test_the_scan_finds_a_contradiction(plan: tuple[tuple[str, ...], ...]) -> None:
    case = next(c for c in EVERY if {"chloramphenicol", "penicillin"} & set(c.truth.forbidden))
    banned = ("chloramphenicol", "penicillin")
    truth = case.truth.model_copy(update={"treatment_plan": plan, "forbidden": banned})
    assert contradictions(case.model_copy(update={"truth": truth}))


def counts(case: Case, *written: dict[str, Any]) -> dict[str, int]:
    """How many of the written resources each check finds in the case's own chart."""
    start = StartLayer.of(case.chart)
    chart = Chart(suite().population, start, seed=1, now="2026-01-15T09:00:00Z")
    for resource in written:
        assert chart.request("POST", resource["resourceType"], body=resource).status == 201
    matched = review(case, chart).matched
    return {check.id: len(keys) for check, keys in zip(case.checks, matched, strict=True)}


def test_the_checks_count_in_a_real_chart_what_they_say() -> None:
    for case in TEST:
        idle, perfect = counts(case), counts(case, *case.truth.orders)
        assert set(idle.values()) == {0}
        assert all(perfect[c.id] >= 1 for c in case.checks if c.kind == "required"), case.id
        assert all(perfect[c.id] == 0 for c in case.checks if c.kind == "safety"), case.id
        if case.truth.forbidden:
            wrong = medication(case, f"{case.truth.forbidden[0].title()} 5 mg")
            assert counts(case, wrong)["nothing-contraindicated"] == 1
            cancelled = wrong | {"status": "cancelled"}
            assert counts(case, cancelled)["nothing-contraindicated"] == 0


def medication(case: Case, name: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": f"Patient/{case.patient_id}"},
    }


def test_a_refuted_problem_and_a_cancelled_order_count_for_nothing() -> None:
    status = {"coding": [{"system": VERIFICATION, "code": "refuted"}]}
    for case in TEST[:40]:
        condition, *orders = case.truth.orders
        refuted = condition | {"verificationStatus": status}
        cancelled = [order | {"status": "revoked"} for order in orders if "code" in order]
        found = counts(case, refuted, *cancelled)
        assert found["problem-recorded"] == 0
        assert not any(n for check, n in found.items() if check.startswith("red-flag"))


@pytest.mark.parametrize(
    ("diagnosis", "code", "counted"),
    [
        ("acne", {"text": "Acne"}, 1),
        ("acne", {"text": "acne vulgaris, face", "coding": [{"system": ICD, "code": "L70.0"}]}, 1),
        ("acne", {"coding": [{"system": ICD, "code": "L70.0"}]}, 1),
        ("acne", {"coding": [{"system": ICD, "code": "L70.0", "display": "Acne vulgaris"}]}, 1),
        ("acne", {"text": "acne rosacea"}, 0),
        ("acne", {"text": "Rosacea", "coding": [{"system": ICD, "code": "L70.0"}]}, 0),
        ("acne", {"text": "acne inversa"}, 0),
        ("acne", {"text": "no acne"}, 0),
        ("acne", {"coding": [{"system": ICD, "code": "L71.9"}]}, 0),
        ("acne", {"coding": [{"system": "http://example.org", "code": "L70.0"}]}, 0),
        ("rosacea", {"text": "Rosacea"}, 1),
        ("rosacea", {"text": "acne"}, 0),
        ("psoriasis", {"text": "psoriatic arthritis"}, 0),
        ("tonsillitis", {"text": "chronic tonsillitis"}, 0),
    ],
)
def test_a_condition_counts_when_it_means_the_diagnosis(
    diagnosis: str, code: dict[str, Any], counted: int
) -> None:
    case = next(case for case in TEST if case.truth.diagnosis == diagnosis)
    condition = {k: v for k, v in case.truth.orders[0].items() if k != "code"} | {"code": code}
    assert counts(case, condition)["problem-recorded"] == counted


def test_codes_are_icd_10_cm() -> None:
    import simple_icd_10_cm as icd

    for blueprint in blueprints().values():
        assert icd.get_description(blueprint.code) == blueprint.display
        assert all(icd.is_leaf(c) for c in (blueprint.code, *blueprint.accepted_codes))
    for case in TRAIN:
        for resource in of_type(case, "Condition"):
            for coding in resource["code"].get("coding", ()):
                assert icd.is_valid_item(coding["code"]), coding


def test_findings_can_be_read_back() -> None:
    """No way to say that a sign is there is part of a way to say that any sign is not."""
    signs = [rule for rule in rules().values() if rule.topic is None]
    absent = [text for rule in signs for text in rule.absent]
    assert not [p for rule in signs for p in rule.present for a in absent if p.lower() in a.lower()]
    for case in EVERY:
        told = {f.code: f.present for f in case.facts if f.code}
        shown = " ".join(e.text for e in case.findings)
        for sign, rule in rules().items():
            if rule.sign_of in told:
                assert any(t in shown for t in rule.present) == told[rule.sign_of], sign


def test_book_knowledge_finds_the_diagnosis() -> None:
    shares = {view.__name__: report(TRAIN, view)[0] for view in (everything, history, opening)}
    print(f"top-1: {shares}")
    assert shares["everything"] >= 0.9
    assert shares["everything"] > shares["history"] > shares["opening"]


def test_every_statement_names_a_source_that_was_opened() -> None:
    unchecked = total = 0
    for blueprint in blueprints().values():
        stated = list(statements(blueprint))
        unchecked += sum(statement.source == UNCHECKED for statement in stated)
        total += len(stated)
    print(f"unchecked: {unchecked} of {total} ({unchecked / total:.0%})")
    assert unchecked < total * 0.6
