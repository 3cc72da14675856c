"""The fidelity of the patients of a run: what the figures of a doctor rest on.

Everything is counted from the cases and traces alone, see :mod:`bedside.runs.listening`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import get_args

import msgspec

from bedside.core.stats import mean_interval, wilson
from bedside.runs.dialogue import Dialogue, dialogues
from bedside.runs.listening import Heard, Listener
from bedside.runs.records import Run
from bedside.runs.recovery import Recovery, recover
from bedside.scenarios.case import Case, Temperament

__all__ = ["Fidelity", "FidelityReport", "Figure", "RecoveryFigures", "as_json", "fidelity"]


class Figure(msgspec.Struct, frozen=True):
    """A share, or a mean, with its 95 % interval.

    Attributes:
        n: how many lines, questions, facts or encounters it is taken over.
    """

    value: float
    low: float
    high: float
    n: int


class Fidelity(msgspec.Struct, frozen=True):
    """Of one group of encounters; a figure is None where there was nothing to count.

    Attributes:
        leaks: share of lines that give the diagnosis away.
        inventions: share of lines with a clinical word that is nowhere in the facts or the
            doctor's words. For a model's own words an upper bound.
        contradictions: share of lines that tell a fact with the opposite yes or no.
        unlisted: share of lines with any other word that is no known filler.
        facts_per_turn: mean number of facts told for the first time in an answer.
        unasked: share of those facts whose topic the doctor had not asked about.
        consistent: share of questions asked again word for word that are taken the same way.
        unanswered: share of messages with a question mark that got neither fact nor topic.
        interventions: share of lines in which the guard refused a wording.
        left: share of encounters that the patient ended.
    """

    encounters: int
    lines: int
    leaks: Figure | None
    inventions: Figure | None
    contradictions: Figure | None
    unlisted: Figure | None
    facts_per_turn: Figure | None
    unasked: Figure | None
    consistent: Figure | None
    unanswered: Figure | None
    interventions: Figure | None
    left: Figure | None


class RecoveryFigures(msgspec.Struct, frozen=True):
    """Share of encounters whose temperament is told from the patient's lines; chance is 0.25.

    Attributes:
        confusion: rows are the true temperaments, columns those told from the words.
    """

    words: Figure
    behaviour: Figure
    temperaments: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]


class FidelityReport(msgspec.Struct, frozen=True):
    """The patients of a run.

    Attributes:
        patient: their kind.
        recovery: None where the run is too small to tell.
    """

    patient: str
    overall: Fidelity
    temperaments: dict[str, Fidelity]
    diagnoses: dict[str, Fidelity]
    recovery: RecoveryFigures | None


@dataclass
class _Count:
    """A share in the making."""

    of: int = 0
    n: int = 0

    def add(self, hit: bool) -> None:
        self.of += hit
        self.n += 1


@dataclass
class _Tally:
    """What was counted in a group of encounters; `most` is the longest table of facts."""

    encounters: int = 0
    lines: int = 0
    most: int = 1
    paces: list[float] = field(default_factory=list)
    shares: dict[str, _Count] = field(default_factory=lambda: defaultdict(_Count))


def fidelity(run: Run) -> FidelityReport:
    """Measure the patients of every finished encounter of a run.

    Raises:
        RunError: the run is damaged.
        TraceError: a trace is damaged.
    """
    heard = list(dialogues(run))
    listener = Listener(case for case in run.cases() if isinstance(case, Case))
    overall = _Tally()
    temperaments: dict[str, _Tally] = {name: _Tally() for name in get_args(Temperament)}
    diagnoses: dict[str, _Tally] = defaultdict(_Tally)
    for dialogue in heard:
        case, wrong = dialogue.case, list(listener.listen(dialogue))
        of_temperament = temperaments[case.person.temperament]
        for tally in (overall, of_temperament, diagnoses[case.truth.diagnosis]):
            _count(dialogue, wrong, tally)
    return FidelityReport(
        patient=run.manifest.patient,
        overall=_fidelity(overall),
        temperaments={name: _fidelity(tally) for name, tally in temperaments.items()},
        diagnoses={name: _fidelity(tally) for name, tally in sorted(diagnoses.items())},
        recovery=_recovery(recover(heard)),
    )


def as_json(report: FidelityReport) -> bytes:
    """The report as it is kept in the run directory."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def _count(dialogue: Dialogue, wrong: Sequence[Heard], tally: _Tally) -> None:
    tally.encounters += 1
    tally.lines += len(dialogue.lines)
    tally.most = max(tally.most, len(dialogue.case.facts))
    shares = tally.shares
    shares["left"].add(dialogue.left)
    for line, found in zip(dialogue.lines, wrong, strict=True):
        shares["leaks"].add(bool(found.leaks))
        shares["inventions"].add(bool(found.inventions))
        shares["contradictions"].add(bool(found.contradictions))
        shares["unlisted"].add(bool(found.unlisted))
        shares["interventions"].add(bool(line.said.guard))
        if "?" in line.heard:
            shares["unanswered"].add(not line.said.facts and not line.said.topics)
    _count_facts(dialogue, tally)
    _count_repeats(dialogue, tally)


def _count_facts(dialogue: Dialogue, tally: _Tally) -> None:
    topic_of = {fact.id: fact.topic for fact in dialogue.case.facts}
    told = set(dialogue.lines[0].said.facts) if dialogue.lines else set()
    answers = dialogue.lines[1:]
    fresh = 0
    for line in answers:
        for name in line.said.facts:
            if name not in told:
                told.add(name)
                fresh += 1
                tally.shares["unasked"].add(topic_of.get(name) not in line.said.topics)
    if answers:
        tally.paces.append(fresh / len(answers))


def _count_repeats(dialogue: Dialogue, tally: _Tally) -> None:
    taken: dict[str, tuple[str, ...]] = {}
    for line in dialogue.lines[1:]:
        if line.heard in taken:
            tally.shares["consistent"].add(taken[line.heard] == line.said.topics)
        elif "?" in line.heard:
            taken[line.heard] = line.said.topics


def _fidelity(tally: _Tally) -> Fidelity:
    share: Callable[[str], Figure | None] = lambda name: _figure(tally.shares[name])  # noqa: E731
    return Fidelity(
        encounters=tally.encounters,
        lines=tally.lines,
        leaks=share("leaks"),
        inventions=share("inventions"),
        contradictions=share("contradictions"),
        unlisted=share("unlisted"),
        facts_per_turn=_mean(tally.paces, tally.most),
        unasked=share("unasked"),
        consistent=share("consistent"),
        unanswered=share("unanswered"),
        interventions=share("interventions"),
        left=share("left"),
    )


def _figure(count: _Count) -> Figure | None:
    if not count.n:
        return None
    rate = count.of / count.n
    return Figure(rate, *wilson(rate, count.n), count.n)


def _mean(values: Sequence[float], most: int) -> Figure | None:
    if not values:
        return None
    return Figure(fmean(values), *mean_interval(values, most=most), len(values))


def _recovery(found: Recovery | None) -> RecoveryFigures | None:
    if found is None:
        return None
    words, behaviour = (
        Figure(right / found.n, *wilson(right / found.n, found.n), found.n)
        for right in (found.words, found.behaviour)
    )
    return RecoveryFigures(words, behaviour, get_args(Temperament), found.confusion)
