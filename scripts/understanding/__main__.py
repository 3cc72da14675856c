"""Trains what the patient understands: python -m scripts.understanding ENCODER

Needs torch, transformers and the directory of a small sentence encoder (all-MiniLM-L6-v2). A
teacher is trained on the labelled lines of ``scripts/questions`` and labels variations of them; a
student that is a thousand times faster learns from both and becomes the ``questions.npz`` of the
patients. The lines were written for Bedside without sight of the questions that judge the patient.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from bedside.patients.classifier import words_of
from bedside.scenarios.case import Topic
from scripts.understanding.corpus import (
    Neighbours,
    joined,
    labelled,
    together,
    variations,
)
from scripts.understanding.student import Student
from scripts.understanding.teacher import Teacher

TARGET = Path(__file__).parents[2] / "bedside" / "patients" / "data" / "questions.npz"
SIZE = 64
"""Numbers in the vector of a piece."""
WORDS = 12_000
"""Whole words the student knows, the most frequent first."""
NEAR, CLOSENESS = 8, 0.5
GOLD = 0.7
"""How much of a labelled line is its label; the rest is the teacher's guess."""
JOINED, TOGETHER = 30_000, 30
"""Sentences made of two questions; variations of each line that asks for two things."""
AGAIN = 3
"""How often more a labelled line is learnt than a variation."""


def main() -> None:
    """Train teacher and student, and write the student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", type=Path, help="directory of the sentence encoder")
    parser.add_argument("--teacher-epochs", type=int, default=5)
    parser.add_argument("--student-epochs", type=int, default=12)
    parser.add_argument("--variations", type=int, default=12, help="of each line")
    parser.add_argument("--kept", type=Path, help="where the teacher is kept for another time")
    options = parser.parse_args()
    torch.manual_seed(1)
    lines = labelled()
    labels = sorted({label for label, _ in lines})
    teacher = Teacher(options.encoder, labels)
    spoken = words_spoken(lines, teacher.tokens.get_vocab())
    pieces = [*spoken, *other_pieces(teacher.tokens.get_vocab(), spoken)]
    words = [piece.removeprefix("##") for piece in pieces]
    plain = teacher.meanings(words)
    near = neighbours(pieces, plain)
    texts = list(dict.fromkeys(variations(lines, near, options.variations)))
    if options.kept and options.kept.exists():
        teacher.load_state_dict(torch.load(options.kept))
    else:
        teacher.learn(lines, options.teacher_epochs)
        if options.kept:
            torch.save(teacher.state_dict(), options.kept)
    table = compressed(plain, teacher.meanings(words))
    print(f"{len(lines)} lines, {len(texts)} texts with their variations", flush=True)
    student = Student(table, {p: i for i, p in enumerate(("", *pieces))}, labels)
    shares = wanted(texts, lines, labels, teacher)
    rows = {text: row for row, text in enumerate(texts)}
    again = [rows[text] for _, text in lines] * AGAIN
    both = [*joined(lines, get_args(Topic), JOINED), *together(near, TOGETHER)]
    student.learn(
        [*texts, *(texts[row] for row in again), *(text for text, _, _ in both)],
        np.concatenate([shares, shares[again], halves(both, labels)]),
        options.student_epochs,
    )
    student.save(TARGET, 1 + len(spoken))
    print(f"{len(pieces)} pieces, {TARGET.stat().st_size // 1000} kB in {TARGET.name}")


def words_spoken(lines: list[tuple[str, str]], vocabulary: dict[str, int]) -> list[str]:
    """The words of the lines; what stands only once and is no word of the teacher's is a slip."""
    counted = Counter(word for _, text in lines for word in words_of(text) if len(word) > 1)
    return sorted(word for word, count in counted.items() if count > 1 or word in vocabulary)


def other_pieces(vocabulary: dict[str, int], spoken: list[str]) -> list[str]:
    """Marks, letters, and the words and pieces of words of the teacher's vocabulary."""
    ordered = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    plain = [
        p for p in ordered if p.removeprefix("##").isascii() and p.removeprefix("##").isalpha()
    ]
    words = [piece for piece in plain if not piece.startswith("##")]
    letters = [word for word in words if len(word) == 1]
    longer = [word for word in words if len(word) > 1 and word not in set(spoken)]
    return ["?", ",", "0", *letters, *longer[:WORDS], *(p for p in plain if p.startswith("##"))]


def neighbours(pieces: list[str], vectors: Any) -> Neighbours:
    """Words of like meaning, by the encoder as it was before training."""
    kept = [i for i, piece in enumerate(pieces) if piece.isalpha() and len(piece) > 2]
    names = [pieces[i] for i in kept]
    unit = vectors[kept] / np.linalg.norm(vectors[kept], axis=1, keepdims=True)
    rows = {name: i for i, name in enumerate(names)}
    found: dict[str, tuple[str, ...]] = {}

    def near(word: str) -> tuple[str, ...]:
        if word not in rows:
            return ()
        if word not in found:
            close = unit @ unit[rows[word]]
            best = np.argsort(-close)[1 : NEAR + 1]
            found[word] = tuple(names[i] for i in best if close[i] > CLOSENESS)
        return found[word]

    return near


def compressed(*meanings: Any) -> Any:
    """The main directions of meaning, a zero row for padding first; shape (1 + pieces, SIZE)."""
    table = np.concatenate(meanings, axis=1)
    table = table - table.mean(axis=0)
    _, _, directions = np.linalg.svd(table, full_matrices=False)
    small = table @ directions[:SIZE].T
    small = small / small.std()
    return np.concatenate([np.zeros((1, SIZE)), small]).astype(np.float32)


def wanted(
    texts: Iterable[str], lines: list[tuple[str, str]], labels: list[str], teacher: Teacher
) -> Any:
    """The share of each label the student should give a text; shape (texts, labels)."""
    texts = list(texts)
    logits = teacher.label(texts)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    gold = {text: labels.index(label) for label, text in lines}
    for row, text in enumerate(texts):
        if text in gold:
            shares[row] *= 1 - GOLD
            shares[row, gold[text]] += GOLD
    return shares.astype(np.float32)


def halves(both: list[tuple[str, str, str]], labels: list[str]) -> Any:
    """An equal share for each of two labels; shape (sentences, labels)."""
    shares = np.zeros((len(both), len(labels)), np.float32)
    for row, (_, first, second) in enumerate(both):
        shares[row, [labels.index(first), labels.index(second)]] = 0.5
    return shares


if __name__ == "__main__":
    main()
