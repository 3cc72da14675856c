"""Chance that is the same under every NumPy: raw PCG64 integers through a table of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from statistics import NormalDist
from typing import TypeVar

import numpy as np

from bedside.core.seeds import derive

__all__ = ["SIGMA", "Chance", "halved"]

T = TypeVar("T")

SIGMA = 1000
"""One standard deviation of the hidden numbers, which are integers."""

_BITS = 12
_STEPS = 64
_AHEAD = 64
"""Integers that are drawn at once."""


class Chance:
    """Random choices of the place named by `labels` under a seed; integers only."""

    def __init__(self, seed: int, *labels: str | int) -> None:
        self._source = np.random.PCG64(derive(seed, *labels))
        self._raw = self._stream()

    def _stream(self) -> Iterator[int]:
        while True:
            yield from self._source.random_raw(_AHEAD).tolist()

    def below(self, end: int) -> int:
        """From 0 to `end` - 1."""
        return next(self._raw) % end

    def between(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return low + next(self._raw) % (high - low + 1)

    def happens(self, share: float) -> bool:
        """True in this share of the draws, to the thousandth."""
        return self.below(1000) < round(1000 * share)

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[T], weights: Sequence[int]) -> T:
        """One of them, each in proportion to its weight."""
        left = self.below(sum(weights))
        for choice, weight in zip(choices, weights, strict=True):
            left -= weight
            if left < 0:
                return choice
        raise AssertionError("the weights are not positive")

    def normal(self) -> int:
        """A normal number with the standard deviation `SIGMA`."""
        return _normals()[next(self._raw) >> (64 - _BITS)]


@cache
def _normals() -> tuple[int, ...]:
    """The middles of 4,096 equal parts of a normal distribution."""
    inverse, count = NormalDist().inv_cdf, 2**_BITS
    return tuple(round(SIGMA * inverse((place + 0.5) / count)) for place in range(count))


@cache
def _powers() -> tuple[int, ...]:
    return tuple(round(2**20 * 2 ** (-step / _STEPS)) for step in range(_STEPS))


def halved(amount: int, passed: int, half_life: int) -> int:
    """What is left of an amount that halves each `half_life`, after `passed` of the same unit."""
    whole, part = divmod(passed * _STEPS // half_life, _STEPS)
    return amount * _powers()[part] >> (20 + whole)
