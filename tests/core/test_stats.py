from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.stats import mean_interval, pass_hat_k, wilson

shares = st.floats(0, 1, allow_nan=False)


def test_wilson_by_hand() -> None:
    # z = 1.96: (0.5 + 1.96^2/20) / (1 + 1.96^2/10) = 0.5; half-width 0.2634
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    # at the edge: upper bound z^2 / (n + z^2) = 3.8415 / 13.8415
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_mean_interval_by_hand() -> None:
    # mean 0.5, standard deviation 0.1, n 4: 0.5 +- 1.96 * 0.1 / 2
    values = [0.5 - 0.1 * 0.75**0.5, 0.5 - 0.1 * 0.75**0.5, 0.5 + 0.1 * 0.75**0.5]
    values.append(0.5 + 0.1 * 0.75**0.5)
    assert mean_interval(values) == pytest.approx((0.402, 0.598), abs=1e-4)


def test_one_case_says_nothing_about_the_spread() -> None:
    assert mean_interval([0.4]) == (0.0, 1.0)


@given(shares, st.integers(1, 1000))
def test_wilson_holds_the_rate_within_bounds(rate: float, n: int) -> None:
    low, high = wilson(rate, n)
    assert 0 <= low <= rate <= high <= 1


@given(shares, st.integers(1, 500))
def test_wilson_narrows_with_more_cases(rate: float, n: int) -> None:
    few, many = wilson(rate, n), wilson(rate, 4 * n)
    assert many.high - many.low < few.high - few.low


@given(shares, st.integers(1, 500))
def test_wilson_is_symmetric(rate: float, n: int) -> None:
    low, high = wilson(rate, n)
    assert wilson(1 - rate, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.lists(shares, min_size=2, max_size=50))
def test_mean_interval_holds_the_mean_within_bounds(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert 0 <= low <= fmean(values) + 1e-12
    assert fmean(values) - 1e-12 <= high <= 1


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1), st.integers(1, 4))
def test_pass_hat_k_counts_draws(cases: list[list[bool]], k: int) -> None:
    drawn = fmean(fmean(all(draw) for draw in combinations(trials, k)) for trials in cases)
    assert pass_hat_k([sum(trials) for trials in cases], 4, k) == pytest.approx(drawn)


def test_pass_hat_k_by_hand() -> None:
    assert pass_hat_k([4, 2, 0], 4, 1) == pytest.approx(0.5)
    assert pass_hat_k([4, 2, 0], 4, 2) == pytest.approx((1 + 1 / 6) / 3)
    assert pass_hat_k([4, 2, 0], 4, 4) == pytest.approx(1 / 3)


def test_out_of_range_is_refused() -> None:
    for call in (
        lambda: wilson(1.5, 3),
        lambda: wilson(0.5, 0),
        lambda: wilson(0.5, 3, level=1.0),
        lambda: mean_interval([]),
        lambda: pass_hat_k([], 1, 1),
        lambda: pass_hat_k([1], 2, 3),
        lambda: pass_hat_k([3], 2, 1),
    ):
        with pytest.raises(ValueError):
            call()
