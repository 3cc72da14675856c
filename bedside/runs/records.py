"""What a run directory holds, and how it is read.

    manifest.json             what was run; never changes once written
    cases.jsonl               the cases that were used, one a line
    traces/<case>-<trial>.jsonl
    index.jsonl               one :class:`Record` for each finished encounter
    errors.jsonl              one :class:`Failure` for each encounter that a provider broke off
    fidelity.json             how the patients behaved, measured after each start

An encounter is finished once its line is in the index. The index is only ever appended to; a last
line without its newline was being written when the process died, and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from pydantic import ValidationError

from bedside.agents.registry import known_privilege
from bedside.agents.sheet import DiagnosisVerdict, Failing, Sheet
from bedside.core.errors import CaseError, RunError, TraceError
from bedside.core.trace import Acted, Ended, Ending, Event, Refused, Started, sha256
from bedside.fhir_server.policy import Policy, Validation
from bedside.fhir_server.population import Population, Resources
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case, Temperament
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.hospital import clinic
from bedside.scenarios.suite import AnyCase, Suite, parse_case

__all__ = [
    "RUN_VERSION",
    "Failure",
    "Key",
    "Manifest",
    "Record",
    "Run",
    "Timing",
    "record_of",
    "trace_name",
]

RUN_VERSION = 1

Key = tuple[str, int]
"""Names an encounter of a run: (case id, trial)."""

S = TypeVar("S", bound=msgspec.Struct)

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that could change what a run means.

    Attributes:
        suite_digest: of the cases that were used and the labels, see :meth:`Suite.digest`.
        doctor_args: options given to the doctor.
        privileged: the doctor knows more than a doctor can.
        grader: version of the assessor that scored the run.
        population: digest of the other patients of the chart.
        doctor_source: sha256 of the file a custom doctor is in; "" for a built-in one.
        patient_args: options of the model that worded the patient's answers; empty if none did.
        validation: what a write to the chart had to be.
    """

    bedside: str
    suite: str
    suite_version: str
    suite_digest: str
    labels: tuple[str, ...]
    doctor: str
    doctor_args: dict[str, str]
    privileged: bool
    seed: int
    trials: int
    patient: str
    grader: str
    population: str
    doctor_source: str = ""
    patient_args: dict[str, str] = {}
    validation: Validation = "strict"
    run_version: int = RUN_VERSION


class Timing(msgspec.Struct, frozen=True):
    """What differs each time: wall-clock seconds of the encounter, from opening to score."""

    seconds: Annotated[float, msgspec.Meta(ge=0)]


class Record(msgspec.Struct, frozen=True):
    """One finished encounter.

    Attributes:
        trace: sha256 of the trace file.
        temperament: of the patient; None in a chart task.
        turns: actions taken.
        success: what the assessor decided, see :class:`bedside.agents.sheet.Sheet`.
        score: in [0, 1].
        parts: the value of each part of the score, in [0, 1].
        diagnosis: the assessor's verdict on the diagnosis; None in a chart task.
        refused: actions that could not be carried out.
        timing: left out wherever two runs are compared.
        category: of a chart task; "" for a consult.
        medagentbench: for a task of MedAgentBench, the verdict of its own grader; else None.
        fault: why a chart task was failed, see :data:`bedside.agents.sheet.Failing`.
    """

    case: str
    trial: _Count
    seed: int
    temperament: Temperament | None
    trace: _Sha256
    ending: Ending
    turns: _Count
    success: bool
    score: _Share
    parts: dict[str, _Share]
    diagnosis: DiagnosisVerdict | None
    refused: _Count
    timing: Timing
    category: str = ""
    fault: Failing = ""
    medagentbench: bool | None = None

    @property
    def key(self) -> Key:
        """(case id, trial)."""
        return self.case, self.trial


class Failure(msgspec.Struct, frozen=True):
    """An encounter that a provider broke off. It is not scored; resuming the run plays it again."""

    case: str
    trial: _Count
    message: str
    status: int | None = None


class Run:
    """A run directory, for reading.

    Args:
        path: the directory.

    Raises:
        RunError: it is no run directory, or its manifest is damaged, changed or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = read_manifest(path)
        self._cases: tuple[AnyCase, ...] | None = None

    @property
    def total(self) -> int:
        """Encounters the run has when it is complete."""
        return len(self.cases()) * self.manifest.trials

    def records(self) -> list[Record]:
        """Finished encounters, in the order of the cases, then trials.

        Raises:
            RunError: a line of the index is damaged, or an encounter stands in it twice.
        """
        place = {case.id: number for number, case in enumerate(self.cases())}
        records = _read_lines(self.path / "index.jsonl", Record)
        keys = [record.key for record in records]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise RunError(f"{self.path / 'index.jsonl'}: encounter {twice} is there twice")
        unknown = next((record.case for record in records if record.case not in place), None)
        if unknown is not None:
            raise RunError(f"{self.path / 'index.jsonl'}: no case '{unknown}' is in cases.jsonl")
        return sorted(records, key=lambda record: (place[record.case], record.trial))

    def failures(self) -> list[Failure]:
        """Encounters a provider broke off and that are not finished since."""
        finished = {record.key for record in self.records()}
        failures = _read_lines(self.path / "errors.jsonl", Failure)
        latest = {(failure.case, failure.trial): failure for failure in failures}
        return [failure for key, failure in latest.items() if key not in finished]

    def cases(self) -> tuple[AnyCase, ...]:
        """The cases that were used, in order.

        Raises:
            RunError: `cases.jsonl` is missing, or a line of it is no case.
        """
        if self._cases is None:
            self._cases = _read_cases(self.path / "cases.jsonl")
        return self._cases

    def suite(self, population: Resources | None = None) -> Suite:
        """The suite as it was run, so that the run can be replayed without the original.

        Args:
            population: the one it ran over; found by the suite's name unless it is given.

        Raises:
            RunError: the cases or the population are not those that were run.
        """
        manifest = self.manifest
        if population is None:
            population = _population_of(manifest)
        suite = Suite(
            name=manifest.suite,
            version=manifest.suite_version,
            cases=self.cases(),
            population=population,
            labels=manifest.labels,
            policy=Policy(manifest.validation),
        )
        if suite.digest() != manifest.suite_digest:
            raise RunError(
                f"{self.path}: cases.jsonl or the labels were changed: "
                "their digest is not the manifest's 'suite_digest'"
            )
        if population.digest != manifest.population:
            raise RunError(
                f"{self.path}: ran over population {manifest.population[:12]}, "
                f"not {population.digest[:12]}; give the population it ran over"
            )
        return suite

    def trace_path(self, record: Record) -> Path:
        """Where the trace of an encounter is stored."""
        return self.path / "traces" / trace_name(record.key)

    def trace(self, record: Record) -> bytes:
        """The stored trace of an encounter.

        Raises:
            RunError: it is missing.
        """
        path = self.trace_path(record)
        try:
            return path.read_bytes()
        except OSError as error:
            raise RunError(f"cannot read {path}: {error.strerror}") from None


def record_of(
    case: AnyCase, events: Sequence[Event], trace: bytes, sheet: Sheet, timing: Timing
) -> Record:
    """The record of a finished encounter.

    Args:
        case: what was examined.
        events: what happened, from `started` to `ended`.
        trace: the events as they are stored.
        sheet: how it was scored.
        timing: how long it took.

    Raises:
        TraceError: the events do not begin with `started` or do not end with `ended`.
    """
    started, ended = events[0], events[-1]
    if not isinstance(started, Started) or not isinstance(ended, Ended):
        raise TraceError(f"the trace of {case.id} is not of a finished encounter")
    kinds = [type(event) for event in events]
    return Record(
        case=case.id,
        trial=started.trial,
        seed=started.seed,
        temperament=case.person.temperament if isinstance(case, Case) else None,
        trace=sha256(trace),
        ending=ended.ending,
        turns=kinds.count(Acted),
        success=sheet.success,
        score=sheet.score,
        parts={part.name: part.value for part in sheet.parts},
        diagnosis=sheet.diagnosis.verdict if sheet.diagnosis else None,
        refused=kinds.count(Refused),
        timing=timing,
        category=case.category if isinstance(case, ChartCase) else "",
        fault=sheet.fault,
        medagentbench=sheet.medagentbench,
    )


def trace_name(key: Key) -> str:
    """File name of an encounter's trace."""
    case_id, trial = key
    return f"{case_id}-{trial}.jsonl"


def _population_of(manifest: Manifest) -> Resources:
    """The population of a built-in suite; else the known one that it ran over, or that of the
    suite's files, or nobody."""
    if manifest.suite in catalogue.BUILT_IN:
        return catalogue.load(manifest.suite).population
    for known in (clinic(), Population.of(())):
        if known.digest == manifest.population:
            return known
    try:
        return catalogue.load(manifest.suite).population
    except CaseError:
        return Population.of(())


def read_manifest(path: Path) -> Manifest:
    """The manifest of a run directory.

    Raises:
        RunError: there is none, it is damaged, of another version, or says of a built-in doctor
            that it is privileged when it is not, or the reverse.
    """
    file = path / "manifest.json"
    try:
        data = file.read_bytes()
    except OSError:
        raise RunError(f"{path} is no run directory: it has no readable manifest.json") from None
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise RunError(f"{file} is damaged: {error}") from None
    if manifest.run_version != RUN_VERSION:
        raise RunError(
            f"{file} has run_version {manifest.run_version}; this Bedside reads {RUN_VERSION}"
        )
    privileged = known_privilege(manifest.doctor)
    if privileged is not None and privileged != manifest.privileged:
        raise RunError(
            f"{file} was changed: doctor '{manifest.doctor}' is "
            f"{'' if privileged else 'not '}privileged, but it says the opposite"
        )
    return manifest


def whole_lines(data: bytes) -> bytes:
    """The data up to its last newline: a torn last line does not count."""
    return data[: data.rfind(b"\n") + 1]


def _read_cases(path: Path) -> tuple[AnyCase, ...]:
    try:
        lines = path.read_bytes().splitlines()
        return tuple(parse_case(msgspec.json.decode(line)) for line in lines)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise RunError(f"{path}: a line is no case: {where}: {first['msg']}") from None


def _read_lines(path: Path, kind: type[S]) -> list[S]:
    if not path.exists():
        return []
    decoder = msgspec.json.Decoder(kind)
    lines: Sequence[bytes] = whole_lines(path.read_bytes()).splitlines()
    found: list[S] = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RunError(f"{path}: line {number} is damaged: {error}") from None
    return found
