"""What is to be run: the configuration, its encounters, and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bedside import __version__
from bedside.agents.grading import grader_of
from bedside.agents.models import Model, model_of
from bedside.agents.registry import DoctorSpec, resolve, source_digest
from bedside.core.errors import RunError
from bedside.core.options import read_options
from bedside.core.seeds import derive, opaque_id
from bedside.envs.encounter import NOBODY
from bedside.patients.scripted import ScriptedPatient
from bedside.patients.worded import LLMPatient
from bedside.runs.records import Key, Manifest
from bedside.scenarios.case import Case
from bedside.scenarios.suite import AnyCase, Suite

__all__ = [
    "RunConfig",
    "Unit",
    "default_directory",
    "has_patients",
    "kind_of",
    "manifest_of",
    "patient_model",
    "plan",
]

MOST_ENCOUNTERS = 1_000_000
"""A run keeps one file for each."""

_LONGEST_NAME = 100


@dataclass(frozen=True)
class RunConfig:
    """What to run and where to keep it.

    Attributes:
        suite: its cases are all played; narrow them with :func:`dataclasses.replace`.
        doctor: the doctor under test and its options; a fresh one is built for every encounter.
        patient_args: the model that words the patient's answers, by the options of
            :func:`bedside.agents.models.model_of`; empty for the scripted patient.
        directory: new or empty, or with `resume` the directory of the same run.
        seed: root of every random choice.
        trials: encounters with each case, at least 1.
        concurrency: encounters at a time, where a doctor or patient waits for something outside.
        resume: play only what is not finished yet.

    Raises:
        RunError: a field is out of its range.
    """

    suite: Suite
    doctor: DoctorSpec
    directory: Path
    seed: int = 0
    trials: int = 1
    concurrency: int = 16
    resume: bool = False
    patient_args: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("trials", "concurrency"):
            value = getattr(self, name)
            if value < 1:
                raise RunError(f"{name} must be at least 1, not {value}")
        if not self.suite.cases:
            raise RunError(f"suite '{self.suite.name}' has no cases to run")
        planned = len(self.suite.cases) * self.trials
        if planned > MOST_ENCOUNTERS:
            raise RunError(
                f"{self.trials} trials of {len(self.suite.cases)} cases are {planned:,} encounters;"
                f" a run keeps at most {MOST_ENCOUNTERS:,}: lower 'trials'"
            )


class Unit(NamedTuple):
    """One encounter to play."""

    case: AnyCase
    trial: int
    seed: int

    @property
    def key(self) -> Key:
        """(case id, trial)."""
        return self.case.id, self.trial


def plan(suite: Suite, *, seed: int, trials: int) -> list[Unit]:
    """Every encounter of a run, trial by trial, in the order of the cases."""
    return [
        Unit(case, trial, derive(seed, case.id, trial))
        for trial in range(trials)
        for case in suite.cases
    ]


def kind_of(suite: Suite, patient_args: Mapping[str, str]) -> str:
    """The kind of patient these options ask for; nobody where a suite has only chart tasks.

    Raises:
        RunError: options for a patient are given where there is none.
    """
    if not has_patients(suite):
        if patient_args:
            raise RunError(
                f"suite '{suite.name}' has no patients: leave out --patient-model and --patient-arg"
            )
        return NOBODY
    return LLMPatient.kind if patient_args else ScriptedPatient.kind


def has_patients(suite: Suite) -> bool:
    """Whether a suite has a case with a patient."""
    return any(isinstance(case, Case) for case in suite.cases)


def patient_model(args: Mapping[str, str]) -> Model | None:
    """The model that words the patient's answers; None for the scripted patient.

    Raises:
        UserError: an option is missing, unknown or not of its kind, or LiteLLM is not installed.
    """
    if not args:
        return None
    return model_of(**read_options(args, model_of, who="the patient", flag="--patient-arg"))


def manifest_of(config: RunConfig) -> Manifest:
    """The manifest of a run with this configuration.

    Raises:
        DoctorError: there is no such doctor.
    """
    suite, doctor = config.suite, config.doctor
    return Manifest(
        bedside=__version__,
        suite=suite.name,
        suite_version=suite.version,
        suite_digest=suite.digest(),
        labels=suite.labels,
        doctor=doctor.name,
        doctor_args=doctor.args,
        privileged=resolve(doctor.name).privileged,
        seed=config.seed,
        trials=config.trials,
        patient=kind_of(suite, config.patient_args),
        patient_args=dict(config.patient_args),
        grader=grader_of(suite),
        population=suite.population.digest,
        validation=suite.policy.validation,
        doctor_source=source_digest(doctor.name),
    )


def default_directory(suite: str, doctor: str, args: Mapping[str, str]) -> Path:
    """Where a run is kept unless the user says: ``runs/SUITE-DOCTOR-ARGS``, in safe characters."""
    text = "-".join([suite, doctor, *args.values()])
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in text)
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{opaque_id(text)}"
    return Path("runs") / name
