"""How a patient puts things: phrases by temperament, and facts made into sentences."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from bedside.scenarios.case import Temperament

__all__ = ["COMPANION", "Voice", "phrases", "sentence"]

COMPANION = "My child:"
"""How someone who speaks for a child begins what the child has."""

_STOPS = (".", "!", "?")


@cache
def phrases(temperament: Temperament) -> dict[str, tuple[str, ...]]:
    """Every phrase of a temperament, by occasion: its own, and those that everyone uses."""
    text = files("bedside.patients").joinpath("data/temperaments.toml").read_text("utf-8")
    table = tomllib.loads(text)["phrases"]
    shared = table["everyone"]
    return {
        occasion: (*lines, *shared.get(occasion, ()))
        for occasion, lines in table[temperament].items()
    }


@lru_cache(maxsize=20_000)
def sentence(text: str) -> str:
    """The text of a fact as a sentence of its own: first letter large, one full stop."""
    tidy = text.strip().rstrip(" ,;:")
    tidy = tidy[:1].upper() + tidy[1:]
    return tidy if tidy.endswith(_STOPS) else f"{tidy}."


@dataclass(slots=True)
class Voice:
    """Picks phrases so that none comes twice before every other came once."""

    temperament: Temperament
    random: random.Random
    _used: dict[str, list[str]] = field(default_factory=dict)

    def say(self, occasion: str) -> str:
        """A phrase for the occasion."""
        left = self._used.get(occasion)
        if not left:
            left = self._used[occasion] = list(phrases(self.temperament)[occasion])
        return left.pop(int(self.random.random() * len(left)))

    def perhaps(self, occasion: str, chance: float) -> str:
        """A phrase for the occasion by this chance, or nothing."""
        return self.say(occasion) if self.random.random() < chance else ""
