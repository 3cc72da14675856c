"""Seeds: every random choice in Bedside starts from a label path under one root seed."""

from __future__ import annotations

import hashlib
import random

__all__ = ["derive", "opaque_id", "rng"]


def derive(seed: int, *labels: str | int) -> int:
    """A 64-bit seed for the place named by `labels`, independent of every other place."""
    text = "\x1f".join([str(seed), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def rng(seed: int, *labels: str | int) -> random.Random:
    """A `random.Random` seeded by :func:`derive`."""
    return random.Random(derive(seed, *labels))


def opaque_id(*labels: str | int, length: int = 12) -> str:
    """A lowercase hex id that says nothing about the labels it is made from."""
    text = "\x1f".join(map(str, labels))
    return hashlib.sha256(text.encode()).hexdigest()[:length]
