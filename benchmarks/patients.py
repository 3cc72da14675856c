"""Scripted replies per CPU-second: to questions never heard before, and to the interviewer's own.

For the unseen questions every cache of the words is emptied before each reply, so that nothing is
remembered from one question to the next; each is put to the patient of another case.
"""

from __future__ import annotations

import random
from itertools import cycle, islice
from time import process_time

from bedside.agents.phrases import GREETING, QUESTIONS
from bedside.patients import lexicon, understanding
from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case
from scripts.understanding.corpus import labelled

UNSEEN = 4000
INTERVIEWS = 1500
REPEATS = 3
"""The best of so many is printed: whatever else a machine does only ever slows a run down."""


def forget() -> None:
    """Empty the caches of words and sentences; what is loaded once per process stays."""
    for cached in (
        understanding.understand,
        understanding._parts,
        lexicon.stem,
        lexicon.mended,
    ):
        cached.cache_clear()


def unseen(cases: list[Case]) -> float:
    """Replies per CPU-second to lines of the training corpus, each said once, caches emptied."""
    texts = random.Random(1).sample([text for _, text in labelled()], UNSEEN)
    patients = [ScriptedPatient(case.person, case.facts, seed=1) for case in cases]
    total = 0.0
    for text, patient in zip(texts, islice(cycle(patients), UNSEEN), strict=True):
        forget()
        begun = process_time()
        patient.reply(text)
        total += process_time() - begun
    return UNSEEN / total


def repertoire(cases: list[Case]) -> float:
    """Replies per CPU-second to the interviewer's questions, new patients included."""
    texts = [GREETING, *QUESTIONS.values()]
    begun = process_time()
    for case in islice(cycle(cases), INTERVIEWS):
        patient = ScriptedPatient(case.person, case.facts, seed=1)
        for text in texts:
            patient.reply(text)
    return INTERVIEWS * len(texts) / (process_time() - begun)


def main() -> None:
    """Print the figures."""
    cases = [case for case in catalogue.load("consult").cases if isinstance(case, Case)]
    repertoire(cases)
    new, known = (max(speed(cases) for _ in range(REPEATS)) for speed in (unseen, repertoire))
    print(f"replies per CPU-second, unseen questions:  {new:,.0f} (wanted 2,000)")
    print(f"replies per CPU-second, interviewer's own: {known:,.0f} (wanted 20,000)")


if __name__ == "__main__":
    main()
