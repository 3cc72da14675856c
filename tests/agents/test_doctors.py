"""The built-in doctors, driven by hand-made observations and in whole encounters."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from bedside.agents.base import Briefing, Doctor
from bedside.agents.baselines import (
    ConstantDoctor,
    NoInformationDoctor,
    NothingDoctor,
    RandomDoctor,
    StufferDoctor,
)
from bedside.agents.human import HumanDoctor
from bedside.agents.interviewer import InterviewerDoctor
from bedside.agents.oracle import OracleDoctor
from bedside.agents.phrases import QUESTIONS
from bedside.agents.symptom_graph import SymptomGraph, graph_of, posterior
from bedside.core.actions import (
    Create,
    Examine,
    FhirRequest,
    Finish,
    Order,
    Say,
    Search,
    Wait,
    parse_action,
)
from bedside.core.errors import ActionError
from bedside.core.observation import Kind, Observation
from bedside.fhir_server.population import Population
from bedside.scenarios.blueprint import Treatment
from bedside.scenarios.case import Case, Fact, Finding, Person, Test, Truth
from bedside.scenarios.knowledge import Concept, DiagnosisModel, Knowledge
from bedside.scenarios.suite import Suite

LABELS = ("eczema", "hives", "psoriasis")
BRIEFING = Briefing(seed=5, labels=LABELS, patient_id="p-1")
Answer = Callable[[Any], tuple[Kind, str, Any]]


def observed(kind: Kind, text: str, turn: int = 0, data: Any = None) -> Observation:
    return Observation(
        kind=kind,
        text=text,
        turn=turn,
        turns_left=30 - turn,
        minute=turn,
        minutes_left=240 - turn,
        data=data,
    )


def nods(action: Any) -> tuple[Kind, str, Any]:
    return "patient", "I am not sure.", None


def played(doctor: Doctor, answer: Answer = nods, briefing: Briefing = BRIEFING) -> list[Any]:
    """The actions a doctor takes until it finishes."""
    doctor.begin(briefing)
    observation = observed("briefing", "The patient says: I have a problem.")
    actions: list[Any] = []
    for turn in range(1, 31):
        actions.append(doctor.act(observation))
        if isinstance(actions[-1], Finish):
            return actions
        kind, text, data = answer(actions[-1])
        observation = observed(kind, text, turn, data)
    raise AssertionError("the doctor did not finish in 30 turns")


def primaries(finish: Finish) -> list[str]:
    return [diagnosis.name for diagnosis in finish.diagnoses if diagnosis.primary]


def test_nothing_abstains_at_once() -> None:
    (finish,) = played(NothingDoctor())
    assert primaries(finish) == ["undetermined"]


def test_constant_always_says_the_first_label() -> None:
    (finish,) = played(ConstantDoctor())
    assert primaries(finish) == ["eczema"]
    (finish,) = played(ConstantDoctor(), briefing=Briefing(1, (), "p-1"))
    assert primaries(finish) == ["viral infection"]


def test_no_information_guesses_by_its_seed_alone() -> None:
    guesses = set()
    for seed in range(30):
        create, finish = played(NoInformationDoctor(), briefing=Briefing(seed, LABELS, "p-1"))
        assert create.resource["code"]["text"] == primaries(finish)[0]
        assert create.resource["subject"] == {"reference": "Patient/p-1"}
        guesses.add(primaries(finish)[0])
    assert guesses == set(LABELS)


def test_random_is_reproducible_and_takes_every_kind_of_action() -> None:
    assert played(RandomDoctor()) == played(RandomDoctor())
    taken = [
        action
        for seed in range(40)
        for action in played(RandomDoctor(), briefing=Briefing(seed, LABELS, "p-1"))
    ]
    for kind in (Say, Examine, Order, Search, Wait, Create, Finish):
        assert any(isinstance(action, kind) for action in taken)
    invalid = [action for action in taken if isinstance(action, dict)]
    with pytest.raises(ActionError):
        parse_action(invalid[0])


def test_random_keeps_within_few_turns() -> None:
    doctor = RandomDoctor()
    doctor.begin(BRIEFING)
    observation = observed("briefing", "Hello", turn=27)
    taken: list[Any] = []
    while not taken or not isinstance(taken[-1], Finish):
        taken.append(doctor.act(observation))
    assert len(taken) <= 3


def test_stuffer_names_every_label() -> None:
    *says, finish = played(StufferDoctor())
    assert [type(action) for action in says] == [Say, Say, Say]
    assert [diagnosis.name for diagnosis in finish.diagnoses] == list(LABELS)
    assert primaries(finish) == ["eczema"]
    *_, finish = played(StufferDoctor(all_primary=True))
    assert primaries(finish) == list(LABELS)


def concept(name: str, topic: Any, present: str, absent: str, question: str = "") -> Concept:
    return Concept(name, topic, question or f"Any {name}?", (name,), (present,), (absent,))


def treatment(order: str, name: str, line: Literal[1, 2]) -> Treatment:
    return Treatment("medicine", order, name, (), line, "unchecked")


KNOWLEDGE = Knowledge(
    diagnoses=(
        DiagnosisModel(
            "eczema", "L20.9", (), (), {"itch": "nearly_always", "creases": "nearly_always"},
            (
                treatment("hydrocortisone cream", "hydrocortisone", 1),
                treatment("tacrolimus ointment", "tacrolimus", 2),
            ), (),
            (("examination",),), (("hydrocortisone", "tacrolimus"), ("emollient",)), (),
        ),
        DiagnosisModel(
            "hives", "L50.9", (), (), {"itch": "nearly_always", "weals": "nearly_always"},
            (treatment("cetirizine", "cetirizine", 1),), (),
            (("history",),), (("antihistamine",),), (),
        ),
        DiagnosisModel(
            "psoriasis", "L40.0", (), (), {"itch": "half", "scales": "nearly_always"},
            (), (), (("examination",),), (("vitamin d",),), (),
        ),
    ),
    concepts=(
        concept("itch", "character", "It itches", "It does not itch"),
        concept("creases", "site", "It's in the folds", "It's not in the folds"),
        concept("weals", None, "raised weals", "no raised weals", "skin"),
        concept("scales", None, "silvery scales", "no scales", "skin"),
    ),
    ruled_out={},
)  # fmt: skip


def test_listening_hears_denials_and_the_longer_phrase() -> None:
    graph = SymptomGraph(KNOWLEDGE)
    both = "Well, IT ITCHES, doctor; it's not in the folds."
    assert graph.listen(both) == {0: both, 1: None}
    assert graph.listen("Skin: no raised weals, silvery scales.").keys() == {2, 3}
    assert graph.listen("Skin: no raised weals, silvery scales.")[2] is None
    assert graph.listen("I bristle. It itches! Is that bad?") == {0: "It itches"}
    assert graph.listen("It itch es") == graph.listen("") == {}


def test_beliefs_follow_bayes_and_gains_are_information() -> None:
    graph = SymptomGraph(KNOWLEDGE)
    assert posterior(graph.start) == pytest.approx([1 / 3] * 3)
    scales = posterior(graph.update(graph.start, {3: "silvery scales"}))
    assert scales.argmax() == 2
    assert scales.sum() == pytest.approx(1)
    denied = posterior(graph.update(graph.start, {3: None}))
    assert denied.argmin() == 2
    gains = graph.gains(posterior(graph.start))
    assert (gains > 0).all()
    assert gains[0] < gains[1]
    region, worth = graph.most_telling_region(gains)
    assert (region, worth) == ("skin", gains[2] + gains[3])
    assert graph.most_telling_symptoms(gains, 1) == ([1], gains[1])
    assert graph.most_telling_symptoms(gains, 0) == ([], 0)
    assert graph_of(KNOWLEDGE) is graph_of(KNOWLEDGE)


def with_eczema(allergy: str | None) -> Answer:
    def answer(action: Any) -> tuple[Kind, str, Any]:
        match action:
            case Say(text=text) if "creases" in text:
                return "patient", "It's in the folds.", None
            case Say(text=text) if "itch" in text:
                return "patient", "It itches.", None
            case Examine():
                return "result", "Skin: no raised weals, no scales.", None
            case FhirRequest() if allergy:
                resource = {"resourceType": "AllergyIntolerance", "code": {"text": allergy}}
                body = {"type": "searchset", "entry": [{"resource": resource}]}
                return "chart", "200", {"status": 200, "body": body}
            case Search():
                return "chart", "200", {"status": 200, "body": {"type": "searchset"}}
        return "patient", "I am not sure.", None

    return answer


@pytest.mark.parametrize(
    ("allergy", "medicine"),
    [(None, "hydrocortisone cream"), ("Hydrocortisone (skin)", "tacrolimus ointment")],
)
def test_the_interviewer_diagnoses_and_minds_the_charted_allergy(
    allergy: str | None, medicine: str
) -> None:
    actions = played(InterviewerDoctor(KNOWLEDGE), with_eczema(allergy))
    finish = actions[-1]
    assert primaries(finish) == ["eczema"]
    assert finish.diagnoses[0].confidence > 0.9
    confidences = [diagnosis.confidence for diagnosis in finish.diagnoses]
    assert confidences == sorted(confidences, reverse=True)
    created = [action.resource for action in actions if isinstance(action, Create)]
    assert [resource["resourceType"] for resource in created] == ["MedicationRequest", "Condition"]
    assert created[0]["medicationCodeableConcept"] == {"text": medicine}
    assert created[1]["code"]["coding"][0]["code"] == "L20.9"
    assert "folds" in finish.explanation
    assert ("hydrocortisone" in finish.plan) is (allergy is None)


def test_the_interviewer_asks_less_when_it_is_sure_and_heeds_its_limit() -> None:
    def symptom_questions(doctor: InterviewerDoctor, answer: Answer) -> int:
        texts = [action.text for action in played(doctor, answer) if isinstance(action, Say)]
        return sum(text.count("Any ") for text in texts)

    assert symptom_questions(InterviewerDoctor(KNOWLEDGE), nods) == 2
    assert symptom_questions(InterviewerDoctor(KNOWLEDGE, questions=1), nods) == 1
    assert symptom_questions(InterviewerDoctor(KNOWLEDGE, questions=0), nods) == 0

    def silvery(action: Any) -> tuple[Kind, str, Any]:
        if isinstance(action, Examine):
            return "result", "Skin: no raised weals, silvery scales.", None
        if isinstance(action, Say):
            return "patient", "It's not in the folds.", None
        return nods(action)

    assert symptom_questions(InterviewerDoctor(KNOWLEDGE), silvery) == 0


def test_the_interviewer_ends_even_where_nothing_can_be_examined_or_asked() -> None:
    bare = Knowledge(diagnoses=KNOWLEDGE.diagnoses, concepts=(), ruled_out={})
    assert len(primaries(played(InterviewerDoctor(bare))[-1])) == 1


def test_the_interviewer_leaves_out_steps_that_must_not_be_given() -> None:
    eczema, *others = KNOWLEDGE.diagnoses
    knowledge = Knowledge(
        diagnoses=(replace(eczema, forbidden=("emollient",)), *others),
        concepts=KNOWLEDGE.concepts,
        ruled_out={},
    )
    plan = played(InterviewerDoctor(knowledge), with_eczema(None))[-1].plan
    assert "emollient" not in plan
    assert plan.startswith("examination, hydrocortisone")


def test_the_interviewer_without_knowledge_admits_it_cannot_know() -> None:
    actions = played(InterviewerDoctor(None))
    assert primaries(actions[-1]) == ["undetermined"]
    assert actions[-1].diagnoses[0].confidence < 0.1
    said = " ".join(action.text for action in actions if isinstance(action, Say))
    assert all(question in said for question in QUESTIONS.values())
    assert any(isinstance(action, FhirRequest) for action in actions)


CASE = Case(
    id="case-1",
    task="See the patient.",
    person=Person(name="Ada Alder", age=40, sex="female", temperament="sanguine"),
    facts=(
        Fact(id="f1", topic="complaint", text="My skin itches", disclosure="opening"),
        Fact(id="f2", topic="site", text="It's in the folds of my arms.", terms=("folds",)),
        Fact(id="f3", topic="past", text="I had hay fever"),
    ),
    findings=(Finding(id="e1", name="skin", text="Red patches in the folds"),),
    tests=(Test(id="t1", name="IgE", text="IgE raised", minutes=60),),
    patient_id="p-1",
    truth=Truth(
        diagnosis="eczema",
        code="L20.9",
        explanation=("f1", "f2", "e1", "t1"),
        diagnostic_plan=(("patch test",),),
        treatment_plan=(("steroid", "tacrolimus"),),
        forbidden=("steroid",),
        orders=({"resourceType": "Condition", "code": {"text": "eczema"}},),
    ),
    source="test",
)


def case_answers(action: Any) -> tuple[Kind, str, Any]:
    match action:
        case Say(text=text) if "Where exactly" in text:
            return "patient", "Well: it's in the folds of my arms.", None
        case Examine(what="skin"):
            return "result", "skin: Red patches in the folds", None
        case Wait():
            return "result", "Result of IgE: IgE raised", None
    return "patient", "I am not sure.", None


def test_the_oracle_consults_and_explains_with_what_it_found() -> None:
    suite = Suite("tiny", "1", (CASE,), Population.of(()))
    actions = played(OracleDoctor.brief(CASE, suite), case_answers)
    assert isinstance(actions[0], Say)
    kinds = [type(action) for action in actions]
    assert kinds.index(Examine) < kinds.index(Order) < kinds.index(Wait) < kinds.index(Create)
    assert kinds.index(Search) < kinds.index(Create)
    finish = actions[-1]
    assert primaries(finish) == ["eczema"]
    for shown in ("folds of my arms", "Red patches", "IgE raised"):
        assert shown in finish.explanation
    assert "my skin itches" not in finish.explanation.lower(), "it was never said"
    assert "Patch test, tacrolimus" in finish.plan


def test_the_oracle_asks_what_every_consultation_should_and_plans_without_a_given_plan() -> None:
    bare = CASE.model_copy(update={"truth": Truth(diagnosis="eczema")})
    actions = played(OracleDoctor.brief(bare, Suite("tiny", "1", (bare,), Population.of(()))))
    said = " ".join(action.text for action in actions if isinstance(action, Say))
    for topic in ("onset", "associated", "trigger", "tried", "past", "medication", "concerns"):
        assert QUESTIONS[topic] in said
    assert "blood count" in actions[-1].plan
    assert "referral to a specialist for the treatment of eczema" in actions[-1].plan


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("Hello there", {"type": "say", "text": "Hello there"}),
        ("/examine skin", {"type": "examine", "what": "skin"}),
        ("/order blood count", {"type": "order", "test": "blood count"}),
        ("/photo", {"type": "request_photo", "of": ""}),
        ("/wait 30", {"type": "wait", "minutes": 30}),
        ("/calc 2 * 3", {"type": "calculate", "expression": "2 * 3"}),
        ("/get Patient/p-1", {"type": "fhir_request", "method": "GET", "path": "Patient/p-1"}),
        ('/json {"type": "wait", "minutes": 2}', {"type": "wait", "minutes": 2}),
    ],
)
def test_a_person_types_actions(
    monkeypatch: pytest.MonkeyPatch, line: str, action: dict[str, Any]
) -> None:
    typed(monkeypatch, line)
    doctor = HumanDoctor()
    doctor.begin(BRIEFING)
    assert parse_action(doctor.act(observed("patient", "Hm."))) == parse_action(action)


def test_a_person_ends_and_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "/record eczema", "/prescribe emollient", "/done eczema; cream; it itches")
    record, order, finish = played(HumanDoctor())
    assert record.resource["code"] == {"text": "eczema"}
    assert order.resource["medicationCodeableConcept"] == {"text": "emollient"}
    assert primaries(finish) == ["eczema"]
    assert (finish.plan, finish.explanation) == ("cream", "it itches")


def test_the_first_screen_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    typed(monkeypatch, "hello")
    doctor = HumanDoctor()
    doctor.begin(BRIEFING)
    doctor.act(observed("briefing", "[bold]The patient says: I itch."))
    screen = capsys.readouterr().out
    for part in ("You are the doctor", "/examine skin", "patient=p-1", "[bold]The patient says"):
        assert part in screen


def test_mistyped_commands_cost_no_turn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "/exmine skin", "/wait long", "/examine", "/json {", "/done ;", "", "/help",
          "/examine skin")  # fmt: skip
    doctor = HumanDoctor()
    doctor.begin(BRIEFING)
    assert doctor.act(observed("patient", "Hm.")) == Examine(what="skin")
    said = capsys.readouterr().out
    for hint in ("no command '/exmine'", "/wait 30", "Add something", "not valid JSON"):
        assert hint in said


def test_leaving_the_terminal_ends_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch)
    (finish,) = played(HumanDoctor())
    assert primaries(finish) == ["undetermined"]


def test_a_person_sees_what_is_charted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "ok", "ok")
    doctor = HumanDoctor()
    kind, text, data = with_eczema("Penicillin")(FhirRequest(method="GET", path="Patient/1"))
    doctor.act(observed(kind, text, data=data))
    assert '"text": "Penicillin"' in capsys.readouterr().out
    doctor.act(observed("chart", "200", data={"status": 200, "body": {"type": "searchset"}}))
    assert "Nothing is charted" in capsys.readouterr().out
