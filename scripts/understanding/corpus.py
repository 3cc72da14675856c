"""The labelled lines of what doctors say, and variations of them for a teacher to label."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bedside.agents.phrases import QUESTIONS

__all__ = ["joined", "labelled", "slipped", "together", "variations"]

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "scripts" / "questions"
CONCEPTS = ROOT / "bedside" / "scenarios" / "data" / "consult" / "concepts"
LEADS = (
    "And", "And", "So", "Okay, and", "Right,", "Now,", "Um,", "Just to check,", "Tell me,",
    "Can you tell me", "Could you tell me", "I wanted to ask,", "I was wondering,", "May I ask,",
    "Do you know", "I'd like to know", "Let me ask you:", "I see, so", "Alright,", "Thanks.",
    "Good.", "Sorry,", "One more thing,", "Next,", "If you don't mind,", "Well,",
)  # fmt: skip
TAILS = (
    "at all", "recently", "lately", "by any chance", "would you say", "do you think", "exactly",
    "in the last few weeks", "these days", "then", "please", "for me", "right now", "or not",
    "or anything like that", "that you know of", "if you remember", "normally", "ever",
)  # fmt: skip
JOIN = "+"
JOINTS = (" and ", " and ", " or ", " or ", ", ", ", and ", ", or ", ", and also ")
LEADING = frozenset((
    "have", "you", "do", "are", "is", "there", "any", "did", "has", "had", "ever", "been", "a",
    "an", "the", "got", "your", "was", "were", "also",
))  # fmt: skip
_LONG, _SHORT = 4, 10

Neighbours = Callable[[str], tuple[str, ...]]


def labelled() -> list[tuple[str, str]]:
    """Labels and texts: the lines of the files, the questions of Bedside's own doctors, and the
    question of each concept of the book.

    To ask for the complaint is to ask an open question.
    """
    lines = [line for line in _lines() if JOIN not in line[0]]
    concepts = [
        concept
        for path in sorted(CONCEPTS.glob("*.toml"))
        for concept in tomllib.loads(path.read_text(encoding="utf-8")).values()
    ]
    asked = [(one["topic"], one["question"]) for one in concepts if "topic" in one]
    asked += QUESTIONS.items()
    return [(_openly(label), text) for label, text in (*lines, *asked)]


def together(neighbours: Neighbours, count: int, seed: int = 4) -> Iterator[tuple[str, str, str]]:
    """The lines of the files that ask for two things, `count` variations of each; their labels."""
    dice = random.Random(seed)
    for labels, text in _lines():
        if JOIN in labels:
            first, second = map(_openly, labels.split(JOIN))
            for _ in range(count):
                yield _varied(text, text, neighbours, dice), first, second


def _lines() -> list[list[str]]:
    return [
        line.split("\t")
        for path in sorted(CORPUS.glob("*.tsv"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def _openly(label: str) -> str:
    return "open" if label == "complaint" else label


def slipped(text: str, dice: random.Random) -> str:
    """The text with a slip of the keyboard: a letter lost, doubled, or two swapped."""
    at = dice.randrange(1, max(2, len(text) - 1))
    left, here, right = text[:at], text[at : at + 1], text[at + 1 :]
    return dice.choice(
        (left + right, left + here + here + right, left + right[:1] + here + right[1:])
    )


def joined(
    lines: list[tuple[str, str]], labels: Sequence[str], count: int, seed: int = 2
) -> Iterator[tuple[str, str, str]]:
    """Sentences that ask for two things at once, and the labels of both.

    Args:
        labels: those that may be asked for together with another.
        count: how many sentences.
    """
    dice = random.Random(seed)
    short = [(a, text) for a, text in lines if a in labels and len(text.split()) <= _SHORT]
    while count:
        (first, one), (second, other) = dice.sample(short, 2)
        if first != second:
            count -= 1
            rest = other.rstrip("?.! ").split()
            while len(rest) > 1 and rest[0].lower() in LEADING and dice.random() < 0.8:
                rest.pop(0)
            text = f"{one.rstrip('?.! ')}{dice.choice(JOINTS)}{' '.join(rest)}?"
            yield text.lower() if dice.random() < 0.5 else text, first, second


def variations(
    lines: list[tuple[str, str]], neighbours: Neighbours, count: int, seed: int = 1
) -> Iterator[str]:
    """Sentences around each line, about `count` of each; many say something a little different.

    Args:
        neighbours: words of like meaning.
    """
    dice = random.Random(seed)
    by_label: dict[str, list[str]] = {}
    for label, text in lines:
        by_label.setdefault(label, []).append(text)
    for label, text in lines:
        yield text
        for _ in range(count):
            yield _varied(text, dice.choice(by_label[label]), neighbours, dice)


def _varied(text: str, other: str, neighbours: Neighbours, dice: random.Random) -> str:
    mark = "?" if text.endswith("?") else "" if text[-1:].isalnum() else text[-1]
    words = text.rstrip("?.! ").split()
    if dice.random() < 0.2:
        last = other.rstrip("?.! ").split()
        words = words[: (len(words) + 1) // 2] + last[len(last) // 2 :]
    chance = dice.choice((0.0, 0.25, 0.25, 0.5))
    words = [
        _replaced(word, neighbours, dice) if dice.random() < chance else word for word in words
    ]
    if len(words) > _LONG and dice.random() < 0.25:
        words.pop(dice.randrange(len(words)))
    lead = f"{dice.choice(LEADS)} " if dice.random() < 0.25 else ""
    tail = f" {dice.choice(TAILS)}" if dice.random() < 0.15 else ""
    body = " ".join(words)
    if dice.random() < 0.1:
        body = slipped(body, dice)
    if dice.random() < 0.15:
        mark = dice.choice(("", "?", "."))
    return f"{lead}{body}{tail}{mark}"


def _replaced(word: str, neighbours: Neighbours, dice: random.Random) -> str:
    bare = word.strip(",.;:!?'\"").lower()
    near = neighbours(bare) if len(bare) >= _LONG else ()
    return word.lower().replace(bare, dice.choice(near)) if near else word
