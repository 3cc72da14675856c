"""Writes the sample dialogues of docs/patients.md: python -m scripts.sample_dialogues

One case in four temperaments; the doctor says the same each time.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from bedside.patients.base import Utterance
from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios.case import Temperament
from bedside.scenarios.sampler import draw

DOCS = Path(__file__).parents[1] / "docs" / "patients.md"
BLOCK = re.compile(r"(<!-- dialogues -->\n).*(?=<!-- end of dialogues -->)", re.DOTALL)
DIAGNOSIS, SEED, WIDTH = "conjunctivitis", 4, 100
TEMPERAMENTS: tuple[Temperament, ...] = ("sanguine", "melancholic", "choleric", "phlegmatic")
DOCTOR = (
    "Hello, I'm Dr Lee. When did this start?",
    "I'm sorry to hear that. Do your eyes itch?",
    "Any fever, cough or discharge?",
    "What have you tried for it?",
    "So it's conjunctivitis, right?",
    "What are you hoping for?",
    "I would like to prescribe eye drops. Is that all right with you?",
    "Where is it? How bad is it? What makes it worse? Do you smoke? Do you have any allergies?",
)


def dialogue(temperament: Temperament) -> Iterator[str]:
    """The lines of one dialogue, as Markdown."""
    case = draw(DIAGNOSIS, temperament, SEED, case_id="sample")
    patient = ScriptedPatient(case.person, case.facts, seed=SEED)
    yield f"### {temperament.capitalize()}"
    yield quoted("Patient", said(patient.opening()))
    for text in DOCTOR:
        yield quoted("Doctor", text)
        yield quoted("Patient", said(patient.reply(text)))


def said(utterance: Utterance) -> str:
    mood = f" *(mood {utterance.mood:.2f})*" if utterance.mood < 1 else ""
    return utterance.text + mood


def quoted(who: str, text: str) -> str:
    return textwrap.fill(
        f"**{who}:** {text}", WIDTH - 2, initial_indent="> ", subsequent_indent="> "
    )


def section() -> str:
    """All four, between the markers of the page."""
    blocks: list[str] = []
    for temperament in TEMPERAMENTS:
        heading, *lines = dialogue(temperament)
        blocks += [heading, "\n>\n".join(lines)]
    return "\n\n".join(blocks) + "\n\n"


def main() -> None:
    """Put the dialogues of today into the page."""
    page = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(BLOCK.sub(lambda found: found[1] + section(), page), encoding="utf-8")


if __name__ == "__main__":
    main()
