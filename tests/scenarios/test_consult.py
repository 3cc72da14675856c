"""The consult suite: valid, without leaks, drawn from its tables, learnable by book knowledge."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.agents.chart_review import review
from bedside.core.errors import CaseError
from bedside.fhir_server import Chart, StartLayer
from bedside.scenarios.case import Case
from bedside.scenarios.consult import sample, suite
from bedside.scenarios.knowledge import DiagnosisModel, Knowledge
from bedside.scenarios.leaks import case_report
from bedside.scenarios.library import UNCHECKED, blueprints, claims, knowledge, rules
from bedside.scenarios.names import ICD_10_CM as ICD
from bedside.scenarios.sampler import MAX_FACTS, draw

TEST = suite().cases
TRAIN = [sample(n) for n in range(400)]
EVERY = (*TEST, *TRAIN)
NAMES = tuple(blueprints())

GENERAL = {
    "unspecified", "without", "complication", "complications", "infective", "infection", "vulgaris",
    "acute", "toenail", "streptococcal",
}  # fmt: skip
"""Words of names and codes that say nothing about which diagnosis it is."""

PARTS_OF_THE_BODY = {"nail", "nails", "toenail", "toenails", "fingernails"}


def seen_by_doctor(case: Case) -> dict[str, str]:
    texts = {"id": case.id, "patient_id": case.patient_id, "task": case.task}
    texts["person"] = f"{case.person.name} {case.person.occupation}"
    texts["chart"] = json.dumps(case.chart)
    texts |= {f"fact {f.id}": f.text for f in case.facts}
    texts |= {f"finding {e.id}": f"{e.id} {e.name} {e.text}" for e in case.findings}
    texts |= {f"test {t.id}": f"{t.id} {t.name} {t.text}" for t in case.tests}
    return texts


def giveaways(name: str) -> re.Pattern[str]:
    """The names as wholes, and any word that begins like a long word of a name or code title."""
    blueprint = blueprints()[name]
    phrases = (name, *blueprint.synonyms)
    words = re.findall(r"[a-z]+", " ".join((*phrases, blueprint.display)).lower())
    stems = sorted({w[:6] for w in words if len(w) >= 6 and w not in GENERAL})
    found = [rf"{re.escape(phrase)}\b" for phrase in phrases] + stems
    return re.compile(rf"\b(?:{'|'.join(found)})", re.I)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_the_doctor_sees_names_a_diagnosis(name: str) -> None:
    pattern = giveaways(name)
    for case in EVERY:
        for where, text in seen_by_doctor(case).items():
            assert not pattern.search(text), f"{case.id} {where}: {text}"


def test_the_leak_check_of_the_package_agrees() -> None:
    hits = [hit for case in EVERY for hit in case_report(case)]
    assert not [hit for hit in hits if hit.word.lower() not in PARTS_OF_THE_BODY]


def test_the_scan_finds_a_leak() -> None:
    assert giveaways("hives").search("an urticarial rash")
    assert giveaways("acne").search("my Acne")


def test_forty_cases_cover_every_diagnosis_and_temperament_once() -> None:
    pairs = Counter((c.truth.diagnosis, c.person.temperament) for c in TEST)
    assert len(TEST) == 40 and set(pairs.values()) == {1} and len(pairs) == 40
    assert suite().labels == tuple(sorted({c.truth.diagnosis for c in TEST}))
    assert [c.truth.diagnosis for c in TEST] != sorted(c.truth.diagnosis for c in TEST)


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


MEDICATION = "MedicationStatement"


def of_type(case: Case, kind: str) -> list[dict[str, Any]]:
    return [r for r in case.chart if r["resourceType"] == kind]


def test_chart_and_patient_tell_the_same() -> None:
    for case in EVERY:
        allergic = [f for f in case.facts if f.topic == "allergy" and f.present]
        takes = [f for f in case.facts if f.topic == "medication" and f.present]
        rhinitis = [r for r in of_type(case, "Condition") if "rhinitis" in r["code"]["text"]]
        hay_fever = [f for f in case.facts if f.code == "hay_fever_asthma" and f.present]
        assert len(of_type(case, "AllergyIntolerance")) == len(allergic)
        assert len(of_type(case, "MedicationStatement")) == len(takes)
        assert len(rhinitis) == len(hay_fever)
        for statement, fact in zip(of_type(case, "MedicationStatement"), takes, strict=True):
            assert statement["medicationCodeableConcept"]["text"].split()[0] in fact.text


def banned_by_chart(case: Case) -> tuple[str, ...]:
    charted = {r["code"]["text"] for r in of_type(case, "AllergyIntolerance")}
    traps = [b.trap for b in blueprints().values() if b.trap]
    return tuple(name for t in traps if t.substance in charted for name in t.rules_out)


def medicines(case: Case, check: str) -> list[str]:
    """The names that a check of the case looks for."""
    searches = [c.searches[0] for c in case.checks if c.id.startswith(check)]
    return [name for s in searches for name in unquote(s).split("code:text=")[1].split(",")]


def test_the_perfect_orders_respect_the_chart_and_the_checks() -> None:
    second_line = 0
    for case in EVERY:
        condition, request = case.truth.orders
        medicine = request["medicationCodeableConcept"]["text"].lower()
        assert condition["code"]["coding"][0]["code"] == case.truth.code
        assert not any(b in medicine for b in (*banned_by_chart(case), *case.truth.forbidden))
        right, banned = medicines(case, "treatment-ordered"), medicines(case, "nothing-contra")
        assert any(name in medicine for name in right)
        assert not set(banned) & set(right)
        assert set(banned_by_chart(case)) <= set(banned)
        first = blueprints()[case.truth.diagnosis].treatments[0].medicine.lower()
        second_line += medicine != first
    assert 0.05 < second_line / len(EVERY) < 0.3


def contradictions(case: Case) -> list[str]:
    """Where what the case expects to be given is what its chart, or the case itself, rules out."""
    truth = case.truth
    charted = {r["code"]["text"] for r in of_type(case, "AllergyIntolerance")}
    traps = [b.trap for b in blueprints().values() if b.trap and b.trap.substance in charted]
    banned = {name for trap in traps for name in (*trap.rules_out, *trap.classes)}
    banned |= {*truth.forbidden, *(word.lower() for word in charted)}
    expected = [term for group in truth.treatment_plan for term in group]
    expected += [r["medicationCodeableConcept"]["text"].lower() for r in truth.orders[1:]]
    expected += medicines(case, "treatment-ordered")
    given = [r["medicationCodeableConcept"]["text"].lower() for r in of_type(case, MEDICATION)]
    expected_wrong = [f"expects {e}, {b} is ruled out" for e in expected for b in banned if b in e]
    return expected_wrong + [f"takes {g}" for g in given for b in banned if b in g]


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
    allergies = ("chloramphenicol", "penicillin")
    truth = case.truth.model_copy(update={"treatment_plan": plan, "forbidden": allergies})
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
        wanted = {c.id: 1 if c.kind == "required" else 0 for c in case.checks}
        assert perfect == wanted
        if case.truth.forbidden:
            text = {"text": f"{case.truth.forbidden[0].title()} 5 mg"}
            wrong = case.truth.orders[1] | {"medicationCodeableConcept": text}
            assert counts(case, wrong)["nothing-contraindicated"] == 1


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
            coding = resource["code"]["coding"][0]
            assert icd.get_description(coding["code"]) == coding["display"]


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


def observed(case: Case, *, examination: bool) -> dict[str, bool]:
    """What a doctor who asks everything, and examines everything if told so, knows."""
    found = {f.code: f.present for f in case.facts if f.code}
    if examination:
        shown = " ".join(e.text for e in case.findings)
        for sign, rule in rules().items():
            if rule.topic is None:
                found[sign] = any(text in shown for text in rule.present)
    return found


def likelihood(table: Knowledge, diagnosis: DiagnosisModel, found: dict[str, bool]) -> float:
    total = 0.0
    for concept, present in found.items():
        p = min(max(table.probability(diagnosis, concept), 0.005), 0.995)
        total += math.log(p if present else 1 - p)
    return total


def top_1(*, examination: bool) -> float:
    table = knowledge()
    right = 0
    for case in TRAIN:
        found = observed(case, examination=examination)
        best = max(table.diagnoses, key=lambda d: likelihood(table, d, found))
        right += best.name == case.truth.diagnosis
    return right / len(TRAIN)


def test_book_knowledge_finds_the_diagnosis() -> None:
    everything, history = top_1(examination=True), top_1(examination=False)
    print(f"top-1: history and examination {everything:.3f}, history alone {history:.3f}")
    assert everything >= 0.9
    assert history >= 0.75


def test_every_statement_names_a_source_that_was_opened() -> None:
    unchecked = total = 0
    for blueprint in blueprints().values():
        stated = list(claims(blueprint))
        used = {source for _, source, _ in stated} - {UNCHECKED}
        assert used == set(blueprint.sources), blueprint.name
        assert all(s.address.startswith("http") for s in blueprint.sources.values())
        unchecked += sum(source == UNCHECKED for _, source, _ in stated)
        total += len(stated)
    print(f"unchecked: {unchecked} of {total} ({unchecked / total:.0%})")
    assert unchecked < total / 2
