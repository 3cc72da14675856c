"""The ceiling: a doctor that knows the answer and conducts a whole consultation all the same."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, ClassVar

from bedside.agents.base import Doctor
from bedside.agents.chart_doctors import ChartOracle
from bedside.agents.charting import search_chart
from bedside.agents.phrases import GREETING, QUESTIONS, ask, kindly, pairs
from bedside.agents.script import Script, ScriptedDoctor
from bedside.core.actions import Create, Diagnosis, Examine, Finish, Order, Say, Wait
from bedside.core.observation import Observation
from bedside.scenarios.case import Case, Fact, Finding, Test, Topic, Truth
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["OracleDoctor"]

_ALWAYS_ASKED: tuple[Topic, ...] = (
    "onset",
    "associated",
    "trigger",
    "tried",
    "past",
    "surgery",
    "medication",
    "allergy",
    "concerns",
    "expectations",
)
_FINDINGS_NAMED = 5
_WORDS_NAMED = 30
"""Words of each: an examination of the whole skin is long to tell."""
_FOLLOW_UPS = 3
_INVESTIGATION = "full blood count and urinalysis"
_TREATMENT = "analgesia as needed, and referral to a specialist for the treatment of"
"""Where the case names no plan."""


class OracleDoctor(ScriptedDoctor):
    """Knows the truth of the case: asks, examines, charts and explains as it should be done."""

    privileged: ClassVar[bool] = True

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case
        self._heard: list[str] = []
        self._asked = 0

    @classmethod
    def brief(cls, case: AnyCase, suite: Suite) -> Doctor:
        """The doctor for this case."""
        return ChartOracle(case) if isinstance(case, ChartCase) else cls(case)

    def consult(self, observation: Observation) -> Script:
        self._heard.append(observation.text.lower())
        yield from self._do(Say(text=GREETING))
        yield from self._take_history(observation.turns_left)
        yield from self._investigate()
        yield from self._do(search_chart("AllergyIntolerance", self._case.patient_id))
        for resource in self._case.truth.orders:
            yield from self._do(Create(resource=resource))
        yield from self._do(Say(text=self._explanation_to_patient()))
        yield from self._do(Say(text="Is that all right with you, or would you prefer otherwise?"))
        return self._conclusion()

    def _do(self, action: Any) -> Generator[Any, Observation, Observation]:
        observation = yield action
        self._heard.append(observation.text.lower())
        return observation

    def _take_history(self, turns: int) -> Generator[Any, Observation, None]:
        basis = set(self._case.truth.explanation)
        needed = [fact for fact in self._case.facts if fact.id in basis]
        wanted = {fact.topic for fact in needed if fact.disclosure != "opening"}
        wanted.update(_ALWAYS_ASKED)
        turns_for_topics = max(0, turns - self._turns_after_history())
        for topics in pairs(topic for topic in QUESTIONS if topic in wanted)[:turns_for_topics]:
            yield from self._do(Say(text=self._kindly(ask(*topics))))
        missed = [fact for fact in needed if not self._was_heard(fact.text)]
        for fact in missed[:_FOLLOW_UPS]:
            yield from self._do(Say(text=self._kindly(_direct_question(fact))))

    def _turns_after_history(self) -> int:
        """Follow-ups, examinations, tests with their waits, the chart, the talk, the end."""
        basis = set(self._case.truth.explanation)
        looked_at = sum(finding.id in basis for finding in self._case.findings)
        tested = sum(test.id in basis for test in self._case.tests)
        return _FOLLOW_UPS + looked_at + 2 * tested + len(self._case.truth.orders) + 6

    def _investigate(self) -> Generator[Any, Observation, None]:
        basis = set(self._case.truth.explanation)
        for finding in self._case.findings:
            if finding.id in basis and not self._was_heard(finding.text):
                yield from self._do(Examine(what=finding.name))
        for test in self._case.tests:
            if test.id not in basis:
                continue
            ordered = yield from self._do(Order(test=test.name))
            if 0 < test.minutes < ordered.minutes_left - 30:
                yield from self._do(Wait(minutes=test.minutes))

    def _kindly(self, question: str) -> str:
        self._asked += 1
        return kindly(question, self._asked)

    def _was_heard(self, text: str) -> bool:
        clause = text.lower().rstrip(".!")
        return any(clause in heard for heard in self._heard)

    def _basis(self) -> list[str]:
        """What the diagnosis rests on, as far as this encounter showed it."""
        case = self._case
        shown_by: tuple[Fact | Finding | Test, ...] = (*case.facts, *case.findings, *case.tests)
        texts = {item.id: item.text for item in shown_by}
        shown = [texts[id_] for id_ in case.truth.explanation if self._was_heard(texts[id_])]
        return [" ".join(t.split()[:_WORDS_NAMED]).rstrip(".") for t in shown[:_FINDINGS_NAMED]]

    def _explanation_to_patient(self) -> str:
        return (
            f"Thank you for telling me all this. I think you have {self._case.truth.diagnosis}. "
            "It fits what you told me and what I found, and we can treat it together."
        )

    def _conclusion(self) -> Finish:
        truth = self._case.truth
        return Finish(
            diagnoses=(
                Diagnosis(name=truth.diagnosis, code=truth.code, confidence=1.0, primary=True),
            ),
            explanation=f"{truth.diagnosis}, because: {'; '.join(self._basis())}.",
            plan=_plan(truth),
        )


def _direct_question(fact: Fact) -> str:
    asked = fact.terms[0] if fact.terms else fact.text.rstrip(".").lower()
    return f"Can you tell me about {asked}?"


def _plan(truth: Truth) -> str:
    """Every step of the case's own plan; for a case without one, plain steps that suit most."""
    investigations = _named(truth.diagnostic_plan, truth.forbidden) or [_INVESTIGATION]
    treatments = _named(truth.treatment_plan, truth.forbidden)
    steps = [*investigations, *(treatments or [f"{_TREATMENT} {truth.diagnosis}"])]
    return f"{', '.join(steps).capitalize()}; follow-up in one week, sooner if it gets worse."


def _named(groups: Iterable[tuple[str, ...]], forbidden: tuple[str, ...]) -> list[str]:
    """Of each group the first step that is allowed."""
    allowed = ([term for term in group if term not in forbidden] for group in groups)
    return [terms[0] for terms in allowed if terms]
