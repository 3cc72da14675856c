"""Spaces that Gymnasium lacks: text of any Unicode characters."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from bedside.core.actions import Station

__all__ = ["Actions", "UnicodeText"]

_ALPHABET = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,?!'\"{}[]:\n"
    "äéñøßçЖωאع中日한😀"
)


class UnicodeText(gym.Space[str]):
    """All Unicode strings of at most `max_length` characters, the empty one included.

    Unlike :class:`gymnasium.spaces.Text` it has no charset to declare. Strings that UTF-8 cannot
    encode (lone surrogates) are not in it.

    Args:
        max_length: most characters a string may have.
        seed: seeds :meth:`sample`.
    """

    def __init__(self, max_length: int = 1_000_000, seed: int | None = None) -> None:
        self.max_length = max_length
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: text has no fixed-size array."""
        return False

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A random string of at most 32 characters over several scripts.

        Raises:
            gymnasium.error.Error: a mask or probability was given.
        """
        if mask is not None or probability is not None:
            raise gym.error.Error("UnicodeText.sample takes no mask and no probability")
        length = int(self.np_random.integers(0, min(self.max_length, 32) + 1))
        picks = self.np_random.integers(0, len(_ALPHABET), size=length)
        return "".join(_ALPHABET[i] for i in picks)

    def contains(self, x: Any) -> bool:
        """Whether `x` is such a string."""
        if not isinstance(x, str) or len(x) > self.max_length:
            return False
        try:
            x.encode()
        except UnicodeEncodeError:
            return False
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.max_length == other.max_length

    def __hash__(self) -> int:
        return hash((type(self), self.max_length))


class Actions(UnicodeText):
    """Text as a doctor may send it: every string is accepted, samples are valid actions.

    :meth:`sample` gives the JSON of a simple action that the station knows, so that random rollouts
    do more than raise errors.

    Args:
        station: where the actions are taken.
        seed: seeds :meth:`sample`.
    """

    _ALWAYS = (
        '{"type":"search","resource_type":"Condition"}',
        '{"type":"calculate","expression":"2*21"}',
        '{"type":"wait","minutes":5}',
    )
    _CONSULT = (
        '{"type":"say","text":"What brings you in today?"}',
        '{"type":"say","text":"When did it start?"}',
        '{"type":"say","text":"Do you take any medicines?"}',
        '{"type":"examine","what":"skin"}',
        '{"type":"examine","what":"vital signs"}',
        '{"type":"order","test":"blood count"}',
        '{"type":"request_photo"}',
    )
    _CHART = (
        '{"type":"search","resource_type":"Patient","params":{"_count":"5"}}',
        '{"type":"fhir_request","method":"GET","path":"Observation?_count=3&_sort=-date"}',
        '{"type":"answer","values":[-1]}',
    )

    def __init__(self, station: Station = "consult", seed: int | None = None) -> None:
        self._samples: tuple[str, ...] = (
            *self._ALWAYS,
            *(self._CHART if station == "chart" else self._CONSULT),
        )
        super().__init__(seed=seed)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """The JSON text of a random simple action.

        Raises:
            gymnasium.error.Error: a mask or probability was given.
        """
        if mask is not None or probability is not None:
            raise gym.error.Error("Actions.sample takes no mask and no probability")
        return self._samples[int(np.asarray(self.np_random.integers(len(self._samples))))]
