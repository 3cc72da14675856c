"""The ``bedside`` command: parses, calls, prints. Everything else is imported when it is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bedside import __version__
from bedside.cli_ehr import ehr
from bedside.cli_suites import JSON, SUITE, check, list_, loaded, print_json, schema
from bedside.core.visible import visible

if TYPE_CHECKING:
    from bedside.runs.runner import Summary
    from bedside.scenarios.suite import Suite

__all__ = ["main"]

SEED = click.option("--seed", default=0, show_default=True, help="Root of every random choice.")
DIRECTORY = click.Path(path_type=Path, file_okay=False)


class _Pairs(click.ParamType[tuple[str, str]]):
    name = "k=v"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not equals or not key:
            self.fail(f"'{value}' is not of the form k=v", param, ctx)
        return key, text


DOCTOR = click.option(
    "--doctor", default="interviewer", show_default=True, help="Name, or FILE.py:Class."
)
DOCTOR_ARG = click.option("--doctor-arg", multiple=True, type=_Pairs(), help="Option for it, k=v.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bedside")
def commands() -> None:
    """Bedside: an OSCE for AI doctors.

    A doctor agent meets a patient with a temperament, works in a live FHIR chart, and is scored.
    Begin with: bedside demo
    """


@commands.command()
@click.option("--out", type=DIRECTORY, default=None, help="Where to keep the runs.")
def demo(out: Path | None) -> None:
    """Watch one encounter, run five doctors on the suite, see the board. No key, no network."""
    import tempfile

    from bedside.console import console, show_board, show_transcript
    from bedside.leaderboard.board import board
    from bedside.leaderboard.floors import floors
    from bedside.leaderboard.page import page
    from bedside.leaderboard.transcript import transcript
    from bedside.runs.records import Run
    from bedside.scenarios import catalogue

    root = out or Path(tempfile.mkdtemp(prefix="bedside-"))
    suite = catalogue.load("consult")
    directories = []
    for name in ("nothing", "random", "stuffer", "interviewer", "oracle"):
        directories.append(root / name)
        _run(suite, name, {}, root / name, quiet=True)
    watched = Run(root / "interviewer")
    show_transcript(transcript(watched, watched.records()[0]))
    ranking = board(directories, [floors(suite, 0)])
    show_board(ranking)
    (root / "board.html").write_text(page(ranking), encoding="utf-8")
    console().print(f"The runs and [bold]board.html[/] are in {root}", soft_wrap=True)
    console().print(f"Next: bedside show {root / 'random'}", soft_wrap=True)


@commands.command()
@SUITE
@DOCTOR
@DOCTOR_ARG
@click.option("--patient-model", help="A model that words the patient's answers, as LiteLLM's.")
@click.option("--patient-arg", multiple=True, type=_Pairs(), help="Option for it, k=v.")
@click.option("--out", type=DIRECTORY, default=None, help="Run directory [runs/SUITE-DOCTOR-ARGS].")
@click.option("--trials", default=1, show_default=True, help="Encounters with each case.")
@SEED
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N cases.")
@click.option("--ids", help="Only these cases, separated by commas.")
@click.option("--resume", is_flag=True, help="Go on with what is missing in the directory.")
@JSON
def run(
    suite: str,
    doctor: str,
    doctor_arg: tuple[tuple[str, str], ...],
    patient_model: str | None,
    patient_arg: tuple[tuple[str, str], ...],
    out: Path | None,
    trials: int,
    seed: int,
    limit: int | None,
    ids: str | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Run a doctor on a suite."""
    from bedside.console import show_summary
    from bedside.runs.plan import default_directory

    chosen = _narrow(loaded(suite), limit, ids)
    args, patient_args = dict(doctor_arg), dict(patient_arg)
    if patient_model:
        patient_args["model"] = patient_model
    summary = _run(
        chosen,
        doctor,
        args,
        out or default_directory(suite, doctor, {**args, **patient_args}),
        patient_args=patient_args,
        trials=trials,
        seed=seed,
        resume=resume,
        quiet=as_json,
    )
    if as_json:
        print_json(summary)
    else:
        show_summary(summary)
    if summary.failures:
        sys.exit(1)


@commands.command()
@SUITE
@click.option("--case", "case_id", help="Which case; a random one by default.")
@click.option(
    "--as", "role", type=click.Choice(["doctor", "patient"]), default="doctor", show_default=True
)
@DOCTOR
@DOCTOR_ARG
@SEED
def play(
    suite: str,
    case_id: str | None,
    role: str,
    doctor: str,
    doctor_arg: tuple[tuple[str, str], ...],
    seed: int,
) -> None:
    """Be the doctor yourself, or the patient of any doctor; ends with the assessor's sheet."""
    from bedside.agents.registry import DoctorSpec, build
    from bedside.console import show_sheet
    from bedside.core.errors import CaseError
    from bedside.core.seeds import derive, rng
    from bedside.envs.drivers import Answer
    from bedside.envs.drivers import play as play_encounter
    from bedside.envs.encounter import Encounter
    from bedside.patients.person import PersonAtTerminal, PersonPatient
    from bedside.patients.scripted import ScriptedPatient
    from bedside.scenarios.case import Case

    chosen = loaded(suite)
    case = chosen.case(case_id) if case_id else rng(seed, "play").choice(chosen.cases)
    spec, kind, answer = DoctorSpec("human"), ScriptedPatient.kind, None
    if role == "patient":
        spec, kind = DoctorSpec(doctor, dict(doctor_arg)), PersonPatient.kind
        if not isinstance(case, Case):
            raise CaseError(f"suite '{suite}' has no patients to play")
        answer = cast(Answer, PersonAtTerminal(case).complete)
    encounter = Encounter(
        case, suite=chosen, seed=derive(seed, case.id, 0), doctor=spec.name, patient=kind
    )
    play_encounter(encounter, build(spec, case=case, suite=chosen), answer)
    show_sheet(encounter.sheet())


@commands.command()
@click.argument("suite")
@click.option(
    "--split",
    type=click.Choice(["test", "train"]),
    default="test",
    show_default=True,
    help="Cases of the suite, or drawn from its unlimited train split.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Cases [all; 500 of the train split].")
@SEED
@JSON
def floors(suite: str, split: str, limit: int | None, seed: int, as_json: bool) -> None:
    """Measure a suite's floors and ceiling."""
    from bedside.console import show_floors
    from bedside.leaderboard.floors import floors as measure

    chosen = loaded(suite) if split == "test" else _drawn(loaded(suite), limit or 500)
    measured = measure(_narrow(chosen, limit, None), seed)
    if as_json:
        rows, acting = (
            [
                {
                    "doctor": row.doctor,
                    "success": row.success.value,
                    "score": row.score.value,
                    "ci": [row.success.low, row.success.high],
                    "score_ci": [row.score.low, row.score.high],
                }
                for row in of
            ]
            for of in (measured.rows, measured.acting)
        )
        told = {"suite": suite, "split": split, "grader": measured.grader}
        print_json({**told, "rows": rows, "acting": acting})
    else:
        show_floors(measured)


@commands.group()
def board() -> None:
    """The leaderboard."""


@board.command("show")
@click.argument("runs", nargs=-1, required=True, type=DIRECTORY)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page.")
@JSON
def board_show(runs: tuple[Path, ...], html: Path | None, as_json: bool) -> None:
    """Rank RUNS, with intervals and their suites' floors."""
    from bedside.console import console, show_board
    from bedside.leaderboard.board import board as rank
    from bedside.leaderboard.floors import floors_of
    from bedside.leaderboard.page import page

    ranking = rank(runs, floors_of(runs))
    if html is not None:
        _write(html, page(ranking))
    if as_json:
        print_json(ranking)
    else:
        show_board(ranking)
        if html is not None:
            console().print(f"Wrote {html}", soft_wrap=True)


@commands.command()
@click.argument("run", type=DIRECTORY)
@click.argument("encounter", required=False)
@JSON
def show(run: Path, encounter: str | None, as_json: bool) -> None:
    """List RUN's encounters, or print one ENCOUNTER with the evidence of its score."""
    from bedside.console import show_records, show_transcript
    from bedside.leaderboard.transcript import find, transcript
    from bedside.runs.records import Run

    stored = Run(run)
    if encounter is None:
        records = stored.records()
        print_json(records) if as_json else show_records(stored, records)
        return
    found = transcript(stored, find(stored, encounter))
    print_json(found) if as_json else show_transcript(found)


@commands.command()
@click.argument("run", type=DIRECTORY)
@JSON
def score(run: Path, as_json: bool) -> None:
    """Score RUN again from its traces alone and compare every number."""
    from bedside.console import show_rescoring
    from bedside.runs.scoring import rescore

    again = rescore(run)
    if as_json:
        print_json(
            {
                "sheets": [
                    {"case": record.case, "trial": record.trial, "sheet": sheet}
                    for record, sheet in again.sheets
                ],
                "problems": [str(problem) for problem in again.problems],
                "finished": again.finished,
                "planned": again.planned,
            }
        )
    else:
        show_rescoring(again)
    if again.problems:
        sys.exit(1)


@commands.command()
@click.argument("run", type=DIRECTORY)
@JSON
def fidelity(run: Path, as_json: bool) -> None:
    """Measure how true RUN's patients were: leaks, inventions, contradictions, temperaments."""
    from bedside.console_fidelity import show_fidelity
    from bedside.runs.fidelity import fidelity as measure
    from bedside.runs.records import Run

    report = measure(Run(run))
    print_json(report) if as_json else show_fidelity(report)


for command in (ehr, list_, check, schema):
    commands.add_command(command)


def main() -> None:
    """Run the command; errors a user can mend are printed without a traceback."""
    from bedside.core.errors import BedsideError

    try:
        commands(prog_name="bedside")
    except BedsideError as error:
        click.echo(f"bedside: {visible(str(error))}", err=True)
        sys.exit(2)


def _run(
    suite: Suite,
    doctor: str,
    args: dict[str, str],
    directory: Path,
    *,
    patient_args: dict[str, str] | None = None,
    trials: int = 1,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
) -> Summary:
    from bedside.agents.registry import DoctorSpec
    from bedside.console import progress
    from bedside.runs.plan import RunConfig
    from bedside.runs.runner import run as run_all

    if ":" in doctor:
        from bedside.envs import register

        register()
    config = RunConfig(
        suite=suite,
        doctor=DoctorSpec(doctor, args),
        directory=directory,
        patient_args=patient_args or {},
        seed=seed,
        trials=trials,
        resume=resume,
    )
    with progress(doctor, lines=not quiet) as on_progress:
        return run_all(config, on_progress)


def _narrow(suite: Suite, limit: int | None, ids: str | None) -> Suite:
    from dataclasses import replace

    cases = list(suite.cases)
    if ids:
        cases = [suite.case(case_id.strip()) for case_id in ids.split(",")]
    return replace(suite, cases=cases[:limit])


def _drawn(suite: Suite, count: int) -> Suite:
    """The first cases of a suite's train split."""
    from dataclasses import replace

    from bedside.core.errors import CaseError

    if suite.sample is None:
        raise CaseError(f"suite '{suite.name}' has no train split")
    return replace(suite, cases=[suite.sample(number) for number in range(count)])


def _write(path: Path, text: str) -> None:
    from bedside.core.errors import UserError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
