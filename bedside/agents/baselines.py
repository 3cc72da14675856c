"""Floors: doctors that do little or nothing honest, to show what a score is worth."""

from __future__ import annotations

from bedside.agents.base import Briefing, Doctor
from bedside.agents.chart_doctors import random_work
from bedside.agents.charting import record_condition, search_chart
from bedside.agents.phrases import COURTESIES, GREETING, NEUTRAL_PLAN, QUESTIONS
from bedside.agents.script import Script, ScriptedDoctor
from bedside.core.actions import Answer, Diagnosis, Examine, Finish, Order, Say, Wait
from bedside.core.observation import Observation
from bedside.core.seeds import rng

__all__ = [
    "ConstantDoctor",
    "NoInformationDoctor",
    "NothingDoctor",
    "RandomDoctor",
    "StufferDoctor",
    "undetermined",
]

FALLBACK_LABELS = ("viral infection", "bacterial infection", "allergic reaction", "cancer")
"""Guesses where the suite has no closed list."""

EXAMINATIONS = ("vital signs", "skin", "throat", "eyes", "chest", "abdomen")
TESTS = ("complete blood count", "urinalysis", "swab", "chest x-ray")
CHART_TYPES = ("Condition", "AllergyIntolerance", "MedicationRequest", "Observation")


def undetermined() -> Finish:
    """End without a conclusion. Abstaining counts as wrong."""
    return Finish(diagnoses=(Diagnosis(name="undetermined", confidence=0.0, primary=True),))


def _conclude(label: str, plan: str) -> Finish:
    return Finish(diagnoses=(Diagnosis(name=label, primary=True),), plan=plan)


def _labels(briefing: Briefing) -> tuple[str, ...]:
    return briefing.labels or FALLBACK_LABELS


class NothingDoctor(Doctor):
    """Finishes at once, undetermined, or without an answer."""

    def act(self, observation: Observation) -> Finish | Answer:
        return Answer(values=()) if observation.station == "chart" else undetermined()


class ConstantDoctor(ScriptedDoctor):
    """Finishes at once with the first label and the same plan, or answers -1 to a chart task."""

    def consult(self, observation: Observation) -> Script:
        if observation.station == "chart":
            return Answer(values=(-1,))
        return _conclude(_labels(self.briefing)[0], NEUTRAL_PLAN)
        yield


class NoInformationDoctor(ScriptedDoctor):
    """Guesses without meeting the patient or opening the chart.

    In a consult it records a label and makes a plan.
    """

    def consult(self, observation: Observation) -> Script:
        if observation.station == "chart":
            return Answer(values=("normal", "no action is needed"))
        label = rng(self.briefing.seed, "no-information").choice(_labels(self.briefing))
        yield record_condition(self.briefing.patient_id, label)
        return _conclude(label, NEUTRAL_PLAN)


class RandomDoctor(ScriptedDoctor):
    """Takes random actions of every kind, then guesses."""

    def consult(self, observation: Observation) -> Script:
        dice = rng(self.briefing.seed, "random")
        if observation.station == "chart":
            return (yield from random_work(dice, observation))
        patient = self.briefing.patient_id
        questions = (GREETING, *QUESTIONS.values(), *COURTESIES)
        kinds = ("say", "say", "say", "examine", "order", "search", "wait", "invalid")
        for _ in range(min(dice.randint(4, 12), observation.turns_left - 2)):
            match dice.choice(kinds):
                case "say":
                    yield Say(text=dice.choice(questions))
                case "examine":
                    yield Examine(what=dice.choice(EXAMINATIONS))
                case "order":
                    yield Order(test=dice.choice(TESTS))
                case "search":
                    yield search_chart(dice.choice(CHART_TYPES), patient)
                case "wait":
                    yield Wait(minutes=dice.randint(1, 10))
                case _:
                    yield {"type": "examine", "where": dice.choice(EXAMINATIONS)}
        label = dice.choice(_labels(self.briefing))
        yield record_condition(patient, label)
        return _conclude(label, NEUTRAL_PLAN)


class StufferDoctor(ScriptedDoctor):
    """Says every polite phrase, every question and every label in a few turns.

    Args:
        all_primary: mark every diagnosis as the primary one, not only the first.
    """

    def __init__(self, all_primary: bool = False) -> None:
        super().__init__()
        self.all_primary = all_primary

    def consult(self, observation: Observation) -> Script:
        if observation.station == "chart":
            return Answer(values=(-1, 0, 1, "yes", "no", "Patient not found", "2026-01-15"))
        labels = _labels(self.briefing)[:50]
        everything = ", ".join(labels)
        courtesy = " ".join((GREETING, *COURTESIES))
        yield Say(text=" ".join((courtesy, *QUESTIONS.values())))
        yield Say(text=" ".join((*QUESTIONS.values(), courtesy)))
        yield Say(
            text=f"{courtesy} I think it is {everything}. I respect your wishes and understand "
            "your worries. Is that all right with you? Do you agree with every treatment?"
        )
        diagnoses = tuple(
            Diagnosis(name=label, confidence=1.0, primary=self.all_primary or number == 0)
            for number, label in enumerate(labels)
        )
        tests = ", ".join((*EXAMINATIONS, *TESTS))
        return Finish(
            diagnoses=diagnoses,
            explanation=f"{everything}: because of all symptoms, the history and {tests}.",
            plan=f"{tests}, biopsy, cream, ointment, antibiotic, antiviral, antifungal, steroid, "
            f"antihistamine, surgery, rest, referral for {everything}. {NEUTRAL_PLAN}",
        )
