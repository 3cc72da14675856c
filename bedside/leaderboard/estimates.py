"""What a set of encounters says about a doctor: numbers with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

import msgspec

from bedside.core.stats import Interval, mean_interval, pass_hat_k, wilson

__all__ = ["Estimate", "Outcome", "Performance", "performance"]


class Outcome(NamedTuple):
    """What counts of one encounter."""

    case: str
    success: bool
    score: float


class Estimate(msgspec.Struct, frozen=True):
    """A number in [0, 1] with its 95 % confidence interval over cases."""

    value: float
    low: float
    high: float


class Performance(msgspec.Struct, frozen=True):
    """What the encounters come to.

    Attributes:
        success: share of successes, with its Wilson interval.
        score: mean score.
        pass_hat: pass^k for k = 1, 2, ... up to the number of trials; empty while some cases have
            more trials than others.
    """

    success: Estimate
    score: Estimate
    pass_hat: tuple[float, ...]


def performance(outcomes: Iterable[Outcome]) -> Performance:
    """Summarise encounters, case by case.

    Raises:
        ValueError: there is no encounter.
    """
    by_case: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_case.setdefault(outcome.case, []).append(outcome)
    if not by_case:
        raise ValueError("there is no encounter to summarise")
    rates = [fmean(outcome.success for outcome in trials) for trials in by_case.values()]
    scores = [fmean(outcome.score for outcome in trials) for trials in by_case.values()]
    rate = fmean(rates)
    return Performance(
        success=_estimate(rate, wilson(rate, len(rates))),
        score=_estimate(fmean(scores), mean_interval(scores)),
        pass_hat=_pass_hat(list(by_case.values())),
    )


def _pass_hat(cases: list[list[Outcome]]) -> tuple[float, ...]:
    trials = min(map(len, cases))
    if any(len(outcomes) != trials for outcomes in cases):
        return ()
    successes = [sum(outcome.success for outcome in outcomes) for outcomes in cases]
    return tuple(pass_hat_k(successes, trials, k) for k in range(1, trials + 1))


def _estimate(value: float, interval: Interval) -> Estimate:
    return Estimate(value, interval.low, interval.high)
