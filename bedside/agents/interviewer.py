"""The interviewer: perfect book knowledge, honest work.

It knows the table the cases are drawn from, but nothing of the case before it: it asks what tells
the diagnoses apart best, and believes what it hears.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bedside.agents.charting import concept_texts, prescribe, record_condition, resources
from bedside.agents.charting import search_chart as search
from bedside.agents.phrases import COURTESIES, GREETING, NEUTRAL_PLAN, QUESTIONS
from bedside.agents.script import Script, ScriptedDoctor
from bedside.core.actions import Diagnosis, Examine, Finish, Say
from bedside.core.observation import Observation
from bedside.scenarios.case import Case
from bedside.scenarios.knowledge import DiagnosisModel, Knowledge, Treatment
from bedside.scenarios.suite import Suite

if TYPE_CHECKING:
    from bedside.agents.symptom_graph import SymptomGraph

__all__ = ["InterviewerDoctor"]

_SURE = 0.97
_ENOUGH_GAIN = 0.01
_TURNS_TO_CLOSE = 9
_DIFFERENTIAL = 4
_PLAIN_EXAMINATIONS = ("physical examination", "vital signs")
_HISTORY = (QUESTIONS["past"], QUESTIONS["medication"], QUESTIONS["surgery"])
_WISHES = QUESTIONS["concerns"]


class InterviewerDoctor(ScriptedDoctor):
    """Knows the generator's table, not the case: asks by information gain and concludes by Bayes.

    Args:
        knowledge: the table, or None where the suite has none; then it only takes the history.
        questions: questions about symptoms at most.
    """

    privileged: ClassVar[bool] = True

    def __init__(self, knowledge: Knowledge | None, questions: int = 6) -> None:
        super().__init__()
        self._knowledge = knowledge
        self._questions = questions
        self._heard: dict[int, bool] = {}
        self._asked: set[int] = set()
        self._courtesy = 0

    @classmethod
    def brief(cls, case: Case, suite: Suite, questions: int = 6) -> InterviewerDoctor:
        """The doctor for this suite; of the case it is told nothing."""
        return cls(suite.knowledge, questions)

    def consult(self, observation: Observation) -> Script:
        if self._knowledge is None:
            return (yield from self._take_history_only(observation))
        return (yield from self._diagnose(self._knowledge, observation))

    def _take_history_only(self, observation: Observation) -> Script:
        patient = self.briefing.patient_id
        yield Say(text=GREETING)
        for question in list(QUESTIONS.values())[: observation.turns_left - _TURNS_TO_CLOSE]:
            yield Say(text=self._kindly(question))
        for what in _PLAIN_EXAMINATIONS:
            yield Examine(what=what)
        yield search("AllergyIntolerance", patient)
        yield search("Condition", patient)
        return Finish(
            diagnoses=(Diagnosis(name="undetermined", confidence=0.05, primary=True),),
            plan=NEUTRAL_PLAN,
        )

    def _diagnose(self, knowledge: Knowledge, observation: Observation) -> Script:
        from bedside.agents.symptom_graph import graph_of, posterior

        graph = graph_of(knowledge)
        self._belief = graph.start
        self._learn(graph, observation)
        self._learn(graph, (yield Say(text=GREETING)))
        yield from self._ask(graph, min(self._questions, observation.turns_left - 14))
        yield from self._examine(graph)
        for question in (*_HISTORY, _WISHES):
            self._learn(graph, (yield Say(text=self._kindly(question))))
        weights = posterior(self._belief)
        ranked = sorted(range(len(weights)), key=lambda row: -weights[row])[:_DIFFERENTIAL]
        best = knowledge.diagnoses[ranked[0]]
        allergies = yield from self._read_allergies()
        treatment = next((t for t in best.treatments if not _ruled_out(t, allergies)), None)
        if treatment is not None:
            yield prescribe(self.briefing.patient_id, treatment.medicine)
        yield record_condition(self.briefing.patient_id, best.name, best.code)
        yield Say(text=_tell(best, treatment))
        return Finish(
            diagnoses=tuple(
                Diagnosis(
                    name=knowledge.diagnoses[row].name,
                    code=knowledge.diagnoses[row].code,
                    confidence=round(float(weights[row]), 3),
                    primary=row == ranked[0],
                )
                for row in ranked
            ),
            explanation=f"{best.name}, because: {'; '.join(self._reasons(best))}.",
            plan=_plan(best, treatment, allergies),
        )

    def _ask(self, graph: SymptomGraph, questions: int) -> Generator[Any, Observation, None]:
        from bedside.agents.symptom_graph import posterior

        for _ in range(questions):
            if posterior(self._belief).max() >= _SURE:
                return
            column = self._most_telling(graph, examination=False)
            if column is None:
                return
            question = self._kindly(graph.concepts[column].question)
            self._learn(graph, (yield Say(text=question)))

    def _examine(self, graph: SymptomGraph) -> Generator[Any, Observation, None]:
        """Examine the most telling region; it shows all of its concepts at once."""
        column = self._most_telling(graph, examination=True)
        if column is None:
            return
        region = graph.concepts[column].question
        self._learn(graph, (yield Examine(what=region)))
        self._asked.update(n for n, c in enumerate(graph.concepts) if c.question == region)

    def _most_telling(self, graph: SymptomGraph, *, examination: bool) -> int | None:
        """The concept not yet asked with the highest expected information, if it has enough."""
        gains = graph.gains(self._belief)
        for column in gains.argsort()[::-1].tolist():
            if gains[column] < _ENOUGH_GAIN and not examination:
                return None
            fits = (graph.concepts[column].topic is None) is examination
            if fits and column not in self._asked and column not in self._heard:
                self._asked.add(column)
                return int(column)
        return None

    def _learn(self, graph: SymptomGraph, observation: Observation) -> None:
        if observation.kind not in ("briefing", "patient", "result"):
            return
        said = graph.listen(observation.text)
        news = {column: said[column] for column in said if column not in self._heard}
        self._heard.update(news)
        self._belief = graph.update(self._belief, news)

    def _read_allergies(self) -> Generator[Any, Observation, list[str]]:
        patient = self.briefing.patient_id
        observation = yield search("AllergyIntolerance", patient)
        names = [name for found in resources(observation) for name in concept_texts(found)]
        yield search("MedicationStatement", patient)
        return [name.lower() for name in names]

    def _reasons(self, diagnosis: DiagnosisModel) -> list[str]:
        """What was found that is common in this diagnosis, most telling first."""
        assert self._knowledge is not None
        concepts = self._knowledge.concepts
        found = [concepts[column] for column, present in self._heard.items() if present]
        found.sort(key=lambda c: -self._knowledge.probability(diagnosis, c.id))  # type: ignore
        return [concept.present[0].rstrip(".") for concept in found[:5]]

    def _kindly(self, question: str) -> str:
        """The question; after a word of courtesy every other time."""
        self._courtesy += 1
        turn, plain = divmod(self._courtesy, 2)
        return question if plain else f"{COURTESIES[turn % len(COURTESIES)]} {question}"


def _ruled_out(treatment: Treatment, allergies: Sequence[str]) -> bool:
    return any(treatment.ingredient in name or name in treatment.ingredient for name in allergies)


def _tell(diagnosis: DiagnosisModel, treatment: Treatment | None) -> str:
    advice = f"I suggest {treatment.medicine}" if treatment else "I suggest simple measures"
    return (
        f"Thank you for your patience. I think you have {diagnosis.name}; it fits what you told "
        f"me and what I found. {advice}. Is that all right with you?"
    )


def _plan(diagnosis: DiagnosisModel, treatment: Treatment | None, allergies: Sequence[str]) -> str:
    groups = (*diagnosis.diagnostic_plan, *diagnosis.treatment_plan)
    safe = ([t for t in group if not any(t in name for name in allergies)] for group in groups)
    measures = [terms[0] for terms in safe if terms]
    if treatment is not None:
        measures.append(treatment.medicine)
    return f"{', '.join(measures)}; follow-up in one week, sooner if it gets worse."
