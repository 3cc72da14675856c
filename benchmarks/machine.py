"""How fast the machine is at this moment, to read the other figures by.

A shared machine can be several times slower from one minute to the next; figures taken at different
speeds are not comparable.
"""

from __future__ import annotations

from time import process_time

__all__ = ["plain_steps"]

STEPS = 1_000_000


def plain_steps() -> float:
    """Million steps of a bare Python loop per CPU-second; about 13 on an idle 2-core machine."""
    begun = process_time()
    total = 0
    for number in range(STEPS):
        total += number * number & 7
    return STEPS / (process_time() - begun) / 1e6
