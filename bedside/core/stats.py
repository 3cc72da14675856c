"""Interval statistics for success rates and mean scores, with the case as the unit.

Trials of one case are not independent of each other, so every interval is taken over case means:
more trials sharpen each mean but never count as more cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

__all__ = ["Interval", "mean_interval", "pass_hat_k", "wilson"]


class Interval(NamedTuple):
    """A two-sided confidence interval, of a rate within [0, 1]."""

    low: float
    high: float


def wilson(rate: float, n: int, *, level: float = 0.95) -> Interval:
    """Wilson score interval of a success rate.

    Args:
        rate: share of successes in [0, 1]; with several trials a case, the mean of the case means.
        n: number of cases, at least 1.
        level: confidence level in (0, 1).

    Raises:
        ValueError: an argument is out of its range.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], not {rate}")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    z = _quantile(level)
    scale = 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / scale
    half = z / scale * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low, high = _clipped(centre - half, centre + half)
    return Interval(min(low, rate), max(high, rate))


def mean_interval(
    case_means: Sequence[float], *, level: float = 0.95, most: float = 1.0
) -> Interval:
    """Normal-approximation interval of a mean score, clipped to [0, most].

    Args:
        case_means: one mean score in [0, most] for each case. A single case says nothing about
            the spread between cases, so its interval is the whole of [0, most].
        level: confidence level in (0, 1).
        most: the highest score there is.

    Raises:
        ValueError: there is no case, or `level` is out of its range.
    """
    if not case_means:
        raise ValueError("case_means must not be empty")
    z = _quantile(level)
    if len(case_means) == 1:
        return Interval(0.0, most)
    mean = fmean(case_means)
    half = z * stdev(case_means) / sqrt(len(case_means))
    return _clipped(mean - half, mean + half, most)


def pass_hat_k(successes: Sequence[int], trials: int, k: int) -> float:
    """pass^k: the chance that k trials of one case, drawn without putting back, all succeed.

    Args:
        successes: for each case, how many of its trials succeeded.
        trials: trials of every case.
        k: trials drawn, from 1 to `trials`; k = 1 gives the success rate.

    Returns:
        The mean over cases of C(successes, k) / C(trials, k).

    Raises:
        ValueError: there is no case, or an argument is out of its range.
    """
    if not successes:
        raise ValueError("successes must not be empty")
    if not 1 <= k <= trials:
        raise ValueError(f"k must lie between 1 and trials ({trials}), not {k}")
    if not all(0 <= count <= trials for count in successes):
        raise ValueError(f"successes must lie between 0 and trials ({trials})")
    return fmean(comb(count, k) for count in successes) / comb(trials, k)


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


def _clipped(low: float, high: float, most: float = 1.0) -> Interval:
    return Interval(max(0.0, low), min(most, high))
