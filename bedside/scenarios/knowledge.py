"""What a case generator knows: diagnoses, concepts, and how often they go together.

Only the generator and privileged doctors see it. It is the bipartite diagnosis-concept table the
cases are drawn from, so a doctor built on it shows what perfect book knowledge can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bedside.scenarios.case import Topic

if TYPE_CHECKING:
    from bedside.scenarios.blueprint import RedFlag, Treatment

__all__ = ["BANDS", "Band", "Concept", "DiagnosisModel", "Knowledge"]

Band = Literal["never", "background", "rare", "uncommon", "half", "common", "nearly_always"]

BANDS: Mapping[Band, float] = {
    "never": 0.0,
    "background": 0.01,
    "rare": 0.05,
    "uncommon": 0.2,
    "half": 0.5,
    "common": 0.75,
    "nearly_always": 0.95,
}
"""How often a concept is present, by band. The numbers are ours: bands are what sources support.

``background`` is what a diagnosis file does not mention: anyone may have it.
"""


@dataclass(frozen=True)
class Concept:
    """One thing that is present or absent in a patient.

    Attributes:
        id: e.g. ``itch``.
        topic: what a question about it is about; None for what only an examination shows.
        question: how a doctor asks for it; for an examination, what to examine.
        terms: lowercase words that ask for it.
        present: ways to say it is there: the patient's words, or the finding.
        absent: ways to say it is not.
    """

    id: str
    topic: Topic | None
    question: str
    terms: tuple[str, ...]
    present: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class DiagnosisModel:
    """One diagnosis.

    Attributes:
        name: as in the closed list.
        code: ICD-10-CM.
        accepted_codes: further codes that are right.
        synonyms: other names a doctor may use.
        bands: concept id -> how often it is present.
        treatments: in order of preference.
        red_flags: what is to be ordered when the concept is present.
        diagnostic_plan: groups of terms, as in ``Truth``.
        treatment_plan: groups of terms, as in ``Truth``.
        forbidden: terms of what must not be given.
    """

    name: str
    code: str
    accepted_codes: tuple[str, ...]
    synonyms: tuple[str, ...]
    bands: Mapping[str, Band]
    treatments: tuple[Treatment, ...]
    red_flags: tuple[RedFlag, ...]
    diagnostic_plan: tuple[tuple[str, ...], ...]
    treatment_plan: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The whole table.

    Attributes:
        diagnoses: in alphabetical order.
        concepts: symptoms and signs.
        ruled_out: what is charted, lowercase -> lowercase medicines and classes it rules out.
    """

    diagnoses: tuple[DiagnosisModel, ...]
    concepts: tuple[Concept, ...]
    ruled_out: Mapping[str, tuple[str, ...]]

    def probability(self, diagnosis: DiagnosisModel, concept_id: str) -> float:
        """How often the concept is present; what a model does not mention is background."""
        return BANDS[diagnosis.bands.get(concept_id, "background")]
