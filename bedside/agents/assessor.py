"""The assessor: scores an encounter from its case, its trace and its final chart, by rules.

The assessment is a fold over trace events, so the live score after each step and the score of a
stored trace come from the same code. ``docs/scoring.md`` gives every rule and its reason.
"""

from __future__ import annotations

from typing import Literal

from bedside.agents.chart_review import ChangedChart, Review, is_write, review, review_items
from bedside.agents.rubric import Conclusion, conclusion_items, overall_item, overall_value
from bedside.agents.sheet import GRADER_VERSION, DiagnosisItem, Part, Sheet
from bedside.agents.talk import Talk
from bedside.core import trace
from bedside.core.actions import Action, Finish, Say, parse_action
from bedside.core.errors import ActionError
from bedside.scenarios.case import Case
from bedside.scenarios.names import judge, normalise

__all__ = ["Assessment"]

PARTS: tuple[Literal["diagnosis", "chart", "rubric"], ...] = ("diagnosis", "chart", "rubric")
WEIGHTS = (0.4, 0.2, 0.4)
"""Of the parts, in their order."""
WEIGHTS_WITHOUT_CHART = (0.5, 0.0, 0.5)
"""The same for a case that asks for nothing to be done in the chart."""
UNSAFE = 0.5
"""Every weight is multiplied by this when a safety check is broken."""


class Assessment:
    """The assessment of one encounter.

    Args:
        case: the case.
        labels: the suite's closed list of diagnoses, or empty.
    """

    def __init__(self, case: Case, labels: tuple[str, ...]) -> None:
        self._case = case
        self._labels = labels
        asks = any(check.kind == "required" and check.at_least for check in case.checks)
        self._weights = WEIGHTS if asks else WEIGHTS_WITHOUT_CHART
        self._position = 0
        self._over = False
        self._acted: tuple[int, trace.Acted] | None = None
        self._talk = Talk(case)
        self._elicited: dict[str, int] = {}
        self._writes: dict[int, trace.Charted] = {}
        self._diagnosis = DiagnosisItem("none", reason="the doctor did not finish")
        self._end: Conclusion | None = None
        self._ending = conclusion_items(case, labels, None)
        self._met: float | None = None
        self._review: Review | None = None

    def see(self, event: trace.Event) -> None:
        """Take in the next event of the trace. What follows the end counts for nothing."""
        at = self._position
        self._position += 1
        if self._over:
            return
        match event:
            case trace.Acted():
                self._acted = at, event
            case trace.Spoke():
                self._see_speech(event, at)
            case trace.Examined():
                self._elicit(event.findings, at)
            case trace.Resulted():
                self._elicit(event.tests, at)
            case trace.Charted() if is_write(event):
                self._writes[at] = event
                self._review = None
            case trace.Ended():
                self._over = True
                self._see_end(event)

    def score(self, chart: ChangedChart) -> float:
        """The score so far, in [0, 1]; 0 before the doctor has done anything.

        The chart is asked again only after a successful write.

        Args:
            chart: the encounter's chart, the same one at each call.
        """
        found = self._reviewed(chart)
        return _total(self._values(found), self._weighting(found))

    def sheet(self, chart: ChangedChart) -> Sheet:
        """The score sheet for all events seen so far.

        Args:
            chart: the encounter's chart as it is after these events, the same one at each call.
        """
        found = self._reviewed(chart)
        values, weights = self._values(found), self._weighting(found)
        history, symptoms, empathy, wishes = self._talk.items()
        explanation, diagnostic, treatment = self._ending
        overall = overall_item(self._items_met(), self._end, found.safe)
        return Sheet(
            version=GRADER_VERSION,
            success=self._diagnosis.verdict == "right" and found.complete and found.safe,
            score=_total(values, weights),
            parts=tuple(map(Part, PARTS, values, weights)),
            diagnosis=self._diagnosis,
            rubric=(
                history, symptoms, explanation, empathy, wishes, diagnostic, treatment, overall,
            ),
            checks=review_items(self._case, chart, found, self._writes),
        )  # fmt: skip

    def _reviewed(self, chart: ChangedChart) -> Review:
        if self._review is None:
            self._review = review(self._case, chart)
        return self._review

    def _see_speech(self, event: trace.Spoke, at: int) -> None:
        self._elicit(event.facts, at)
        said_at, text = self._take_words()
        if text is not None:
            self._talk.add(text, said_at, event, at)
        else:
            self._talk.listen(event, at)
        self._met = None

    def _see_end(self, event: trace.Ended) -> None:
        at, action = self._take_action()
        if event.ending != "finished" or not isinstance(action, Finish):
            return
        self._diagnosis = self._judge(action, at)
        right = self._diagnosis.verdict == "right"
        self._end = Conclusion(action, at, self._diagnosis.name, right, self._elicited)
        self._ending = conclusion_items(self._case, self._labels, self._end)
        self._talk.conclude(action.plan, at)
        self._met = None

    def _take_words(self) -> tuple[int, str | None]:
        """What the doctor said that the current event answers, once."""
        if self._acted is not None:
            at, acted = self._acted
            if isinstance(acted.action, dict) and acted.action.get("type") == "say":
                self._acted = None
                return at, str(acted.action["text"])
        at, action = self._take_action()
        return at, action.text if isinstance(action, Say) else None

    def _take_action(self) -> tuple[int, Action | None]:
        """The action that the current event is the consequence of, once."""
        if self._acted is None:
            return 0, None
        at, acted = self._acted
        self._acted = None
        try:
            return at, parse_action(acted.action)
        except ActionError:
            return at, None

    def _elicit(self, ids: tuple[str, ...], at: int) -> None:
        for item_id in ids:
            self._elicited.setdefault(item_id, at)

    def _judge(self, finish: Finish, at: int) -> DiagnosisItem:
        primaries = [diagnosis for diagnosis in finish.diagnoses if diagnosis.primary]
        if len(primaries) != 1:
            reason = f"{len(primaries)} diagnoses are marked primary instead of one"
            return DiagnosisItem("wrong", evidence=(at,), reason=reason)
        primary = primaries[0]
        if not primary.code and normalise(primary.name) in _ABSTENTIONS:
            reason = "names no diagnosis; abstaining is wrong"
            return DiagnosisItem("wrong", primary.name, None, (at,), reason)
        verdict = judge(primary.name, primary.code, self._case.truth, self._labels)
        return DiagnosisItem(verdict, primary.name, primary.code, (at,), _VERDICTS[verdict])

    def _items_met(self) -> float:
        """How many of the seven rubric items before the overall one are met."""
        if self._met is None:
            self._met = sum(self._talk.met()) + sum(item.value for item in self._ending)
        return self._met

    def _values(self, found: Review) -> tuple[float, float, float]:
        met = self._items_met()
        rubric = (met + overall_value(met, self._end, found.safe)) / 8
        return float(self._diagnosis.verdict == "right"), found.share, rubric

    def _weighting(self, found: Review) -> tuple[float, float, float]:
        diagnosis, chart, rubric = self._weights
        scale = 1.0 if found.safe else UNSAFE
        return diagnosis * scale, chart * scale, rubric * scale


_ABSTENTIONS = frozenset(
    map(
        normalise,
        ("", "undetermined", "undifferentiated", "unknown", "unclear", "uncertain", "unsure",
         "not sure", "none", "no diagnosis", "no idea", "n/a", "cannot tell", "can't tell",
         "cannot say", "I don't know", "to be determined", "to be confirmed", "deferred",
         "diagnosis deferred", "diagnosis unknown", "unknown diagnosis", "pending"),
    )
)  # fmt: skip
_VERDICTS = {
    "right": "the primary diagnosis is right",
    "wrong": "the primary diagnosis is wrong",
    "needs_judge": "rules cannot tell whether this name means the same; counted wrong",
}


def _total(values: tuple[float, ...], weights: tuple[float, ...]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))
