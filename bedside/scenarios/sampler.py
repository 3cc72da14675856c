"""Draws synthetic consultation cases from the tables in :mod:`bedside.scenarios.library`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from random import Random

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id, rng
from bedside.scenarios.background import Background, Life, draw_background, draw_life
from bedside.scenarios.blueprint import Blueprint, Illness
from bedside.scenarios.case import (
    Case,
    Disclosure,
    Fact,
    Finding,
    Person,
    Temperament,
    Test,
    Topic,
    Truth,
)
from bedside.scenarios.knowledge import BANDS, DiagnosisModel
from bedside.scenarios.library import blueprints, knowledge, people, rules
from bedside.scenarios.papers import Papers

__all__ = ["MAX_FACTS", "draw"]

MAX_FACTS = 30
_FACTS = (25, MAX_FACTS)
_DENIALS = 5
"""Facts at least that the patient denies about the problem itself."""
TELLING = BANDS["common"]
"""How often a concept is present, at least, for the diagnosis to rest on it."""
_FELT: tuple[Topic, ...] = ("site", "character", "course", "associated")
"""Topics of what a patient brings up unasked."""

TASK = (
    "You are the doctor in a general practice consultation. The patient is in front of you: talk "
    "to them, examine them, and order tests where they help. The patient's chart is on a FHIR R4 "
    "server under Patient/{patient_id}. Before you finish, record the problem in the chart as a "
    "Condition; where a medicine is indicated, order it as a MedicationRequest, where a procedure, "
    "referral or review is, order it as a ServiceRequest with its name in code.text. Check the "
    "charted allergies, medicines and conditions first. Finish with exactly one primary diagnosis, "
    "what it rests on, and your plan."
)
SOURCE = (
    "Synthetic: drawn by Bedside from its own tables, which name their sources; Apache-2.0. "
    "No real person."
)


def draw(diagnosis: str, temperament: Temperament, seed: int, *, case_id: str) -> Case:
    """One case. The temperament changes nothing but ``person.temperament``.

    Args:
        diagnosis: a name of the closed list.
        temperament: the patient's.
        seed: the same diagnosis and seed give the same person, facts and findings.
        case_id: opaque id; the ids in the chart derive from it.

    Raises:
        CaseError: there is no such diagnosis.
    """
    blueprint = blueprints().get(diagnosis)
    if blueprint is None:
        raise CaseError(f"no diagnosis '{diagnosis}'; there are: {', '.join(blueprints())}")
    model = _models()[diagnosis]
    chance = rng(seed, "consult", diagnosis)
    life = draw_life(blueprint, chance)
    states = _states(model, life.sex, chance)
    background = draw_background(blueprint, life, chance)
    facts = tuple(_facts(blueprint, model, life, states, background, chance))
    findings = _findings(states, chance)
    patient_id = opaque_id("patient", case_id)
    present = tuple(flag for flag in blueprint.red_flags if states.get(flag.concept))
    papers = Papers(blueprint, case_id, patient_id, background, present)
    return Case(
        id=case_id,
        task=TASK.format(patient_id=patient_id),
        person=Person(
            name=f"{life.given} {life.family}",
            age=life.age,
            sex=life.sex,
            occupation=life.occupation,
            temperament=temperament,
        ),
        facts=facts,
        findings=findings,
        tests=tuple(
            Test(id=f"t{n}", name=t.name, text=t.text, minutes=t.minutes, terms=t.terms)
            for n, t in enumerate(blueprint.tests, start=1)
        ),
        chart=papers.chart(life, _charted(background, states)),
        patient_id=patient_id,
        truth=Truth(
            diagnosis=blueprint.name,
            code=blueprint.code,
            accepted_codes=blueprint.accepted_codes,
            synonyms=blueprint.synonyms,
            explanation=_explanation(model, states, facts, findings),
            diagnostic_plan=blueprint.plan.diagnostic,
            treatment_plan=papers.treatment_plan,
            forbidden=papers.ruled_out,
            orders=papers.orders(),
        ),
        checks=papers.checks(),
        source=SOURCE,
    )


@cache
def _models() -> Mapping[str, DiagnosisModel]:
    return {model.name: model for model in knowledge().diagnoses}


def _states(model: DiagnosisModel, sex: str, chance: Random) -> dict[str, bool]:
    """Which concepts are present; those the sex cannot have are left out."""
    states: dict[str, bool] = {}
    excluded: set[str] = set()
    for concept, rule in rules().items():
        drawn = chance.random() < BANDS[model.bands[concept]]
        if rule.sex not in (None, sex):
            continue
        if rule.sign_of is not None:
            states[concept] = states[rule.sign_of]
            continue
        clash = concept in excluded or any(states.get(other) for other in rule.excludes)
        states[concept] = drawn and not clash
        if states[concept]:
            excluded.update(rule.excludes)
    return states


def _charted(background: Background, states: Mapping[str, bool]) -> tuple[Illness, ...]:
    hay_fever = (people().hay_fever,) if states["hay_fever_asthma"] else ()
    return (*background.illnesses, *hay_fever)


def _facts(
    blueprint: Blueprint,
    model: DiagnosisModel,
    life: Life,
    states: Mapping[str, bool],
    background: Background,
    chance: Random,
) -> Iterator[Fact]:
    """Facts in the order of disclosure within their kind, with ids f1, f2, ..."""
    told = [*_story(blueprint, chance), *_common(life, states, background, chance)]
    told += _symptoms(blueprint, model, states, chance.randint(*_FACTS) - len(told), chance)
    for number, fact in enumerate(told, start=1):
        yield fact.model_copy(update={"id": f"f{number}"})


def _say(topic: Topic, text: str, disclosure: Disclosure, *, present: bool = True) -> Fact:
    terms = people().terms.get(topic, ())
    return Fact(
        id="f0", topic=topic, text=text, present=present, disclosure=disclosure, terms=terms
    )


def _story(blueprint: Blueprint, chance: Random) -> Iterator[Fact]:
    story = blueprint.story
    yield _say("complaint", chance.choice(story.complaint), "opening")
    yield _say("onset", chance.choice(story.onset), "opening")
    for text in chance.sample(story.tried, 2):
        yield _say("tried", text, "open")


def _common(
    life: Life, states: Mapping[str, bool], background: Background, chance: Random
) -> Iterator[Fact]:
    words = people().words
    yield _say("work", life.work, "open")
    aside, other = chance.sample(words["social"], 2)
    yield _say("social", aside, "volunteered")
    yield _say("social", other, "open")
    yield _say("ideas", chance.choice(words["ideas"]), "open")
    yield _say("concerns", chance.choice(words["concerns"]), "trust")
    yield _say("expectations", chance.choice(words["expectations"]), "trust")
    yield from _medical_history(states, background, chance)
    pregnant = background.trap is not None and background.trap.topic == "pregnancy"
    if life.may_be_pregnant and not pregnant:
        yield _say("pregnancy", chance.choice(words["not_pregnant"]), "direct", present=False)


def _medical_history(
    states: Mapping[str, bool], background: Background, chance: Random
) -> Iterator[Fact]:
    """Illnesses, medicines and allergies as the patient remembers them; denials of what is not."""
    words = people().words
    told: list[tuple[Topic, str]] = []
    for illness in background.illnesses:
        told.append(("past", illness.says))
        if illness.takes:
            told.append(("medication", illness.takes))
    if background.trap is not None and background.remembered:
        told.append((background.trap.topic, background.trap.says))
    for topic, text in told:
        yield _say(topic, text, "direct")
    named = {topic for topic, _ in told} | ({"past"} if states["hay_fever_asthma"] else set())
    for topic in ("past", "medication", "allergy"):
        if topic not in named:
            yield _say(topic, chance.choice(words[f"no_{topic}"]), "direct", present=False)


def _symptoms(
    blueprint: Blueprint,
    model: DiagnosisModel,
    states: Mapping[str, bool],
    room: int,
    chance: Random,
) -> Iterator[Fact]:
    """What is present, most usual first, then denials, those that tell from look-alikes first."""
    usual = {concept: BANDS[model.bands[concept]] for concept in states}
    telling = {negative.concept for negative in blueprint.negatives}
    asked = [concept for concept in states if rules()[concept].topic is not None]
    chance.shuffle(asked)
    present = sorted((c for c in asked if states[c]), key=lambda c: (not _core(c), -usual[c]))
    absent = sorted(
        (c for c in asked if not states[c]),
        key=lambda c: (c not in telling, not _core(c), -usual[c]),
    )
    chosen = present[: room - _DENIALS]
    chosen += absent[: room - len(chosen)]
    felt = [c for c in chosen if states[c] and rules()[c].topic in _FELT]
    unasked = chance.sample(felt, min(3, len(felt)))
    for concept in chosen:
        rule = rules()[concept]
        disclosure: Disclosure = "open" if states[concept] else "direct"
        if concept in unasked:
            disclosure = "opening" if concept == unasked[0] else "volunteered"
        assert rule.topic is not None
        yield Fact(
            id="f0",
            topic=rule.topic,
            text=chance.choice(rule.present if states[concept] else rule.absent),
            present=states[concept],
            disclosure=disclosure,
            code=concept,
            terms=rule.terms,
        )


def _core(concept: str) -> bool:
    return rules()[concept].core


@cache
def _regions() -> Mapping[str, tuple[str, ...]]:
    """The signs seen where one looks, by region."""
    regions: dict[str, tuple[str, ...]] = {}
    for concept, rule in rules().items():
        if rule.topic is None:
            regions[rule.question] = (*regions.get(rule.question, ()), concept)
    return regions


@cache
def _region_terms(region: str) -> tuple[str, ...]:
    terms = (term for sign in _regions()[region] for term in rules()[sign].terms)
    return tuple(dict.fromkeys(terms))


def _findings(states: Mapping[str, bool], chance: Random) -> tuple[Finding, ...]:
    """One finding a region: the signs that are there, then those that are not."""
    findings = []
    for number, (region, signs) in enumerate(_regions().items(), start=1):
        ordered = sorted(signs, key=lambda sign: not states[sign])
        texts = [
            chance.choice(rules()[sign].present if states[sign] else rules()[sign].absent)
            for sign in ordered
        ]
        findings.append(
            Finding(
                id=f"e{number}",
                name=region,
                text=f"{'. '.join(texts)}.",
                code=region.replace(" ", "_"),
                terms=_region_terms(region),
            )
        )
    return tuple(findings)


def _explanation(
    model: DiagnosisModel,
    states: Mapping[str, bool],
    facts: tuple[Fact, ...],
    findings: tuple[Finding, ...],
) -> tuple[str, ...]:
    """Ids of what is present and usual in the diagnosis; the complaint where nothing is."""
    telling = {c for c, present in states.items() if present and BANDS[model.bands[c]] >= TELLING}
    ids = [fact.id for fact in facts if fact.code in telling]
    ids += [item.id for item in findings if telling.intersection(_regions()[item.name])]
    return tuple(ids) or (facts[0].id,)
