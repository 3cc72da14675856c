"""The scripted patient on imported vignettes, judged by 600 questions labelled by hand.

Nothing of the importer is used but its suite: what a right answer is comes from the labels and the
rows, and whether a reply is one is read from its words. Each question is put to a patient who has
said no more than the opening. Half of the vignettes, by row, may be looked at while the patient is
made. Wanted are 85 % right; the bound keeps what has been reached.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case

Json = dict[str, Any]
Verdict = Literal["right", "wrong", "no answer"]
Half = Literal["open", "closed"]

LABELS = Path(__file__).parent / "data" / "symptomcheck_labels.jsonl"
NEGATED = re.compile(r"\b(?:no|not|never|none|nobody|nothing|neither|without|deny|denies)\b|n't\b")
COMMON = frozenset((
    "have", "having", "been", "does", "your", "feel", "feels", "felt", "with", "that", "this",
    "there", "from", "they", "them", "what", "when", "where", "which", "would", "could", "ever",
    "anything", "noticed", "recently", "lately", "more", "than", "usual", "about", "doctor",
    "trouble", "problems", "symptoms", "history", "patient", "into", "some", "very", "just",
    "like", "also", "other",
))  # fmt: skip
STEM = 4


@cache
def labelled(half: Half) -> tuple[tuple[int, Json], ...]:
    lines = map(json.loads, LABELS.read_text(encoding="utf-8").splitlines())
    rows = [(line["row"], question) for line in lines for question in line["questions"]]
    return tuple((row, q) for row, q in rows if (row // 4 % 2 == 0) == (half == "open"))


@cache
def rows(path: Path) -> tuple[Json, ...]:
    return tuple(map(json.loads, path.read_text(encoding="utf-8").splitlines()))


@cache
def cases(path: Path) -> tuple[Case, ...]:
    return catalogue.load(f"symptomcheck:{path}").cases


def finding_of(row: Json, question: Json) -> str:
    """The words of the row in which the finding stands."""
    text, field = row[question["field"]], question["field"]
    split = (
        r"[,;.\n]+" if field in ("chief_complaints", "absent_findings") else r"(?<=[.;!?])\s+|\n+"
    )
    pieces = [piece for piece in re.split(split, text) if piece.strip()]
    return pieces[question["finding"]]


def roots(text: str) -> set[str]:
    words = re.findall(r"[a-z]{3,}", text.lower())
    return {word[:STEM] for word in words if word not in COMMON}


def verdict(question: Json, finding: str, reply: str) -> Verdict:
    """Right: a sentence about the finding says yes or no as the row does; wrong: the opposite."""
    if question["answer"] == "tell":
        there = all(
            re.search(rf"(?<![a-z0-9]){re.escape(word.lower())}", reply.lower())
            for word in question["contains"]
        )
        return "right" if there else "no answer"
    about = roots(finding) | roots(question["ask"])
    said = [s for s in re.split(r"(?<=[.!?])\s+", reply) if roots(s) & about]
    bare = re.match(r"(?:\w+[ ,]+)?(yes|no)\b", reply.lower())
    if bare and said:
        return "right" if bare[1] == question["answer"] else "wrong"
    answers = {"no" if NEGATED.search(s.lower()) else "yes" for s in said}
    if question["answer"] in answers:
        return "right"
    return "wrong" if answers else "no answer"


def asked(case: Case, text: str) -> str:
    patient = ScriptedPatient(case.person, case.facts, seed=1)
    patient.opening()
    return patient.reply(text).text


def judged(half: Half, path: Path) -> list[tuple[Verdict, int, Json, str]]:
    found: list[tuple[Verdict, int, Json, str]] = []
    for row, question in labelled(half):
        reply = asked(cases(path)[row], question["ask"])
        finding = finding_of(rows(path)[row], question)
        found.append((verdict(question, finding, reply), row, question, reply))
    return found


@pytest.fixture
def vignettes(test_data: Path) -> Path:
    return test_data / "symptomcheck" / "vignettes.jsonl"


def test_the_halves_are_halves() -> None:
    counts = [len(labelled(half)) for half in ("open", "closed")]
    assert sum(counts) == 600 and min(counts) > 250


@pytest.mark.parametrize("half", ["open", "closed"])
def test_most_questions_are_answered_right(half: Half, vignettes: Path) -> None:
    verdicts = [found[0] for found in judged(half, vignettes)]
    shares = {kind: verdicts.count(kind) / len(verdicts) for kind in set(verdicts)}
    print(f"{half} half: {shares}")
    assert shares["right"] >= 0.79
