"""The interviewer: perfect book knowledge, honest work.

It knows the table the cases are drawn from, but nothing of the case before it: it asks what tells
the diagnoses apart best, and believes what it hears.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bedside.agents.charting import (
    charted_names,
    prescribe,
    read_background,
    record_condition,
    request_service,
    resources,
)
from bedside.agents.phrases import GREETING, NEUTRAL_PLAN, QUESTIONS, ask, kindly, pairs
from bedside.agents.script import Script, ScriptedDoctor
from bedside.core.actions import Diagnosis, Examine, Finish, Say
from bedside.core.errors import DoctorError
from bedside.core.observation import Observation
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.knowledge import DiagnosisModel, Knowledge
from bedside.scenarios.suite import AnyCase, Suite

if TYPE_CHECKING:
    from bedside.agents.symptom_graph import Floats, SymptomGraph
    from bedside.scenarios.blueprint import RedFlag, Treatment

__all__ = ["InterviewerDoctor"]

_SURE = 0.97
_ENOUGH_GAIN = 0.01
_AT_ONCE = 2
_TURNS_TO_CLOSE = 5
_DIFFERENTIAL = 4
_REASONS = 8
_PLAIN_EXAMINATIONS = ("physical examination", "vital signs")
_HISTORY = (
    ask("site", "character", "associated"),
    ask("trigger", "tried"),
    ask("past", "medication"),
)
_ALWAYS_SAID = (
    Say(text=f"{GREETING} {QUESTIONS['concerns']}"),
    *(Say(text=kindly(questions, number)) for number, questions in enumerate(_HISTORY, start=1)),
)


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
        self._heard: dict[int, str | None] = {}
        self._asked: set[int] = set()
        self._said = 0

    @classmethod
    def brief(cls, case: AnyCase, suite: Suite, questions: int = 6) -> InterviewerDoctor:
        """The doctor for this suite; of the case it is told nothing.

        Raises:
            DoctorError: the case has no patient to interview.
        """
        if isinstance(case, ChartCase):
            raise DoctorError(
                f"doctor 'interviewer' interviews patients, and suite '{suite.name}' has none; "
                "choose another with --doctor"
            )
        return cls(suite.knowledge, questions)

    def consult(self, observation: Observation) -> Script:
        if self._knowledge is None:
            return (yield from self._take_history_only(observation))
        return (yield from self._diagnose(self._knowledge, observation))

    def _take_history_only(self, observation: Observation) -> Script:
        patient = self.briefing.patient_id
        yield Say(text=GREETING)
        spare = observation.turns_left - len(_PLAIN_EXAMINATIONS) - _TURNS_TO_CLOSE
        for topics in pairs(QUESTIONS)[:spare]:
            yield Say(text=self._kindly(ask(*topics)))
        for what in _PLAIN_EXAMINATIONS:
            yield Examine(what=what)
        yield read_background(patient)
        return Finish(
            diagnoses=(Diagnosis(name="undetermined", confidence=0.05, primary=True),),
            plan=NEUTRAL_PLAN,
        )

    def _diagnose(self, knowledge: Knowledge, observation: Observation) -> Script:
        from bedside.agents.symptom_graph import graph_of

        graph = graph_of(knowledge)
        self._belief = graph.start
        self._learn(graph, observation)
        self._said = len(_HISTORY)
        for said in _ALWAYS_SAID:
            observation = yield said
            self._learn(graph, observation)
        weights = yield from self._look_closer(graph, observation.turns_left - _TURNS_TO_CLOSE)
        ranked = (-weights).argsort(kind="stable")[:_DIFFERENTIAL].tolist()
        best = knowledge.diagnoses[ranked[0]]
        reasons = self._reasons(graph.probability[ranked[0]])
        avoided = yield from self._read_what_to_avoid(knowledge)
        treatment = next((t for t in best.treatments if not _ruled_out(t.name, avoided)), None)
        patient = self.briefing.patient_id
        if treatment is not None:
            order = prescribe if treatment.kind == "medicine" else request_service
            yield order(patient, treatment.order)
        for flag in self._red_flags(graph, best):
            yield request_service(patient, flag.order)
        yield record_condition(patient, best.name, best.code)
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
            explanation=f"{best.name}, because: {'; '.join(reasons)}.",
            plan=_plan(best, treatment, avoided),
        )

    def _look_closer(self, graph: SymptomGraph, turns: int) -> Generator[Any, Observation, Floats]:
        """Examine; then examine or ask on, whichever tells most, until the diagnosis is clear."""
        from bedside.agents.symptom_graph import posterior

        questions = self._questions
        for turn in range(turns):
            weights = posterior(self._belief)
            if turn and weights.max() >= _SURE:
                return weights
            gains = graph.gains(weights)
            gains[[*self._asked, *self._heard]] = 0
            region, sign_gain = graph.most_telling_region(gains)
            symptoms, symptom_gain = graph.most_telling_symptoms(gains, min(questions, _AT_ONCE))
            first_look = turn == 0 and bool(region)
            if not first_look and max(sign_gain, symptom_gain) < _ENOUGH_GAIN:
                return weights
            if first_look or sign_gain >= symptom_gain:
                self._asked.update(graph.regions[region])
                self._learn(graph, (yield Examine(what=region)))
            else:
                self._asked.update(symptoms)
                questions -= len(symptoms)
                text = " ".join(graph.concepts[column].question for column in symptoms)
                self._learn(graph, (yield Say(text=self._kindly(text))))
        return posterior(self._belief)

    def _learn(self, graph: SymptomGraph, observation: Observation) -> None:
        if observation.kind not in ("briefing", "patient", "result"):
            return
        said = graph.listen(observation.text)
        news = {column: said[column] for column in said if column not in self._heard}
        self._heard.update(news)
        self._belief = graph.update(self._belief, news)

    def _read_what_to_avoid(self, knowledge: Knowledge) -> Generator[Any, Observation, list[str]]:
        """Lowercase names of what the chart rules out: the allergies, and what else is known to."""
        observation = yield read_background(self.briefing.patient_id)
        avoided: list[str] = []
        for resource in resources(observation):
            for name in map(str.lower, charted_names(resource)):
                avoided += knowledge.ruled_out.get(name, ())
                if resource["resourceType"] == "AllergyIntolerance":
                    avoided.append(name)
        return avoided

    def _red_flags(self, graph: SymptomGraph, best: DiagnosisModel) -> list[RedFlag]:
        """Those of the diagnosis that were found."""
        found = {
            graph.concepts[column].id for column, text in self._heard.items() if text is not None
        }
        return [flag for flag in best.red_flags if flag.concept in found]

    def _reasons(self, common: Floats) -> Iterable[str]:
        """What was found, in the words it was told in, most common in the diagnosis first."""
        found = [(column, text) for column, text in self._heard.items() if text is not None]
        found.sort(key=lambda item: -common[item[0]])
        return dict.fromkeys(text.rstrip(".!") for _, text in found[:_REASONS])

    def _kindly(self, question: str) -> str:
        self._said += 1
        return kindly(question, self._said)


def _ruled_out(name: str, avoided: Sequence[str]) -> bool:
    return any(name in other or other in name for other in avoided)


def _tell(diagnosis: DiagnosisModel, treatment: Treatment | None) -> str:
    advice = f"I suggest {treatment.order}" if treatment else "I suggest simple measures"
    return (
        f"Thank you for your patience. I think you have {diagnosis.name}; it fits what you told "
        f"me and what I found. {advice}. Is that all right with you?"
    )


def _plan(diagnosis: DiagnosisModel, treatment: Treatment | None, avoided: Sequence[str]) -> str:
    """Of each group of steps the first, unless something in the group must not be given."""
    banned = (*diagnosis.forbidden, *avoided)
    groups = (*diagnosis.diagnostic_plan, *diagnosis.treatment_plan)
    measures = [
        group[0] for group in groups if not any(t in name for t in group for name in banned)
    ]
    if treatment is not None:
        measures.append(treatment.order)
    return f"{', '.join(measures)}; follow-up in one week, sooner if it gets worse."
