"""Who plays the patient: the built-in kinds, by the name the trace records."""

from __future__ import annotations

from functools import partial

from bedside.core.errors import TraceError
from bedside.patients.base import Patient
from bedside.patients.guard import Guard
from bedside.patients.person import PersonPatient
from bedside.patients.scripted import ScriptedPatient
from bedside.patients.worded import LLMPatient
from bedside.scenarios.case import Case
from bedside.scenarios.leaks import hints

__all__ = ["KINDS", "patient_of"]

KINDS = (ScriptedPatient.kind, LLMPatient.kind, PersonPatient.kind)
"""The names of the built-in patients."""


def patient_of(kind: str, case: Case, seed: int) -> Patient:
    """The patient of a case.

    The truth of the case goes to nobody but the guard, as a function that finds telling words.

    Raises:
        TraceError: there is no such kind.
    """
    if kind == PersonPatient.kind:
        return PersonPatient()
    scripted = ScriptedPatient(case.person, case.facts, seed)
    if kind == ScriptedPatient.kind:
        return scripted
    if kind == LLMPatient.kind:
        tells = partial(hints, truth=case.truth)
        return LLMPatient(scripted, case.person, Guard(case.facts, tells))
    raise TraceError(f"there is no patient '{kind}'; known are {', '.join(KINDS)}")
