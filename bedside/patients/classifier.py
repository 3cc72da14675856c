"""What a clause is for: a small network over pieces of words.

``scripts/understanding`` trains it on lines written for Bedside, with a sentence encoder as its
teacher (all-MiniLM-L6-v2, Apache-2.0, from which the list of pieces comes).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from bedside.patients.lexicon import closest

__all__ = ["PADDING", "WINDOW", "Classifier", "Guess", "classifier", "pieces_of", "words_of"]

PADDING = 0
"""The row of no piece."""
WINDOW = 3
"""Pieces a layer sees at once."""
_TOKEN = re.compile(r"[a-z]+|\d+|[?,]")
_CONTRACTED = re.compile(r"'(?:s|re|m|ve|d|ll)\b")
_LONGEST = 24


class Guess(NamedTuple):
    """What a clause is taken for, how surely, from 0 to 1, and what it may be for as well."""

    label: str
    surety: float
    second: str
    doubt: float


def words_of(text: str) -> list[str]:
    """The words, numbers (written ``0``), commas and question marks of a text."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    tokens = _TOKEN.findall(_CONTRACTED.sub(" ", plain.replace("n't", " not")))
    return ["0" if token[0].isdigit() else token for token in tokens]


def pieces_of(words: list[str], rows: dict[str, int]) -> list[int]:
    """The rows of words; one that has none is cut into the longest pieces that have one."""
    found: list[int] = []
    for word in words:
        row = rows.get(word)
        found.extend(_cut(word, rows) if row is None else (row,))
    return found


def _cut(word: str, rows: dict[str, int]) -> list[int]:
    """The rows of a word's pieces, the longest first; all but the first are written ``##piece``."""
    found: list[int] = []
    word = word[:_LONGEST]
    while word:
        for end in range(len(word), 0, -1):
            row = rows.get(("##" if found else "") + word[:end])
            if row is not None:
                found.append(row)
                break
        word = word[end:]
    return found


class Classifier:
    """A trained network: vectors of pieces, two layers over windows of three, maximum and mean.

    Args:
        stored: the arrays that the training wrote.
    """

    def __init__(self, stored: Any) -> None:
        pieces = _names(stored["pieces"])
        self._rows = {piece: row for row, piece in enumerate(pieces)}
        self._spoken = pieces[: int(stored["spoken"])]
        self.labels = _names(stored["labels"])
        self._vectors = stored["vectors"].astype(np.float32) * stored["scale"]
        self._layers = [
            (stored[f"{name}_weight"].astype(np.float32), stored[f"{name}_bias"].astype(np.float32))
            for name in ("lower", "upper", "head")
        ]

    def guess(self, text: str) -> Guess:
        """What a clause is for."""
        lower, upper, (weight, bias) = self._layers
        words = [word if word in self._rows else self._mended(word) for word in words_of(text)]
        hidden = self._vectors[pieces_of(words, self._rows) or [PADDING]]
        hidden = _layer(_layer(hidden, *lower), *upper)
        total = np.concatenate([hidden.max(axis=0), hidden.mean(axis=0)]) @ weight + bias
        shares = np.exp(total - total.max())
        shares /= shares.sum()
        second, first = shares.argsort()[-2:]
        return Guess(
            self.labels[first], float(shares[first]), self.labels[second], float(shares[second])
        )

    def _mended(self, word: str) -> str:
        return closest(word, self._spoken) or word


def _layer(hidden: Any, weight: Any, bias: Any) -> Any:
    """One layer over each piece and its neighbours; shape (pieces, size) -> (pieces, width)."""
    count, size = hidden.shape
    seen = np.zeros((count, WINDOW * size), np.float32)
    seen[1:, :size] = hidden[:-1]
    seen[:, size : 2 * size] = hidden
    seen[:-1, 2 * size :] = hidden[1:]
    return np.maximum(seen @ weight + bias, 0)


def _names(stored: Any) -> list[str]:
    return str(stored.tobytes().decode()).split("\n")


@cache
def classifier() -> Classifier:
    """The classifier that comes with Bedside."""
    file = files("bedside.patients").joinpath("data/questions.npz")
    with file.open("rb") as stream, np.load(stream) as stored:
        return Classifier(stored)
