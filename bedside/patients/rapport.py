"""Rapport: the patience and the trust between a patient and the doctor, and what moves them."""

from __future__ import annotations

from typing import Literal

from bedside.patients.temperament import Behaviour

__all__ = ["MANY", "TRUSTING", "Rapport"]

TRUSTING = 0.5
"""Trust from which facts held back are told."""
MANY = 3
"""Questions in one message that a patient puts up with."""

_LISTENED = 0.03
_RELIEF = 0.08
_COSTS = {"too_many": 0.12, "again_asked": 0.06, "unclear": 0.06, "interrogated": 0.02}
_INTERROGATION = 6
_WEARY = 0.4

Loss = Literal["too_many", "again_asked", "unclear"]


class Rapport:
    """How well patient and doctor get on.

    Attributes:
        mood: patience left, from 1 down; at 0 the patient leaves.
        trust: from `TRUSTING` on, facts held back are told.
        kind_words: messages with empathy so far.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.mood = 1.0
        self.trust = behaviour.trust
        self.kind_words = 0
        self._warmth = behaviour.warmth
        self._strain = behaviour.strain
        self._run = 0

    def comforted(self) -> None:
        """The doctor showed empathy; the nth time counts one nth of the first."""
        self.kind_words += 1
        self.trust += self._warmth / self.kind_words
        self.mood = min(1.0, self.mood + _RELIEF / self.kind_words)

    def asked(self, questions: int, *, kindly: bool) -> None:
        """Being asked one thing at a time builds trust; question upon question wears down."""
        if questions == 1:
            self.trust += _LISTENED
        self._run = 0 if kindly else self._run + 1
        if self._run > _INTERROGATION and self.mood > _WEARY:
            self.mood = max(_WEARY, self.mood - _COSTS["interrogated"] * self._strain)

    def rested(self) -> None:
        """The doctor said something that asked for nothing."""
        self._run = 0

    def lose(self, reason: Loss) -> None:
        """Something cost patience."""
        self.mood -= _COSTS[reason] * self._strain
