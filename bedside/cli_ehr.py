"""The ``bedside ehr`` commands: serve the virtual EHR, and bring data in and out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bedside.core.errors import PopulationError

if TYPE_CHECKING:
    from bedside.fhir_server.bulk import Line
    from bedside.fhir_server.population import Population
    from bedside.fhir_server.snapshot import Manifest, Snapshot
    from bedside.scenarios.hospital.report import Report

__all__ = ["ehr"]

FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
NAMES = ("clinic", "hospital", "none")
MOST_SHOWN = 5


@click.group()
def ehr() -> None:
    """The virtual EHR: a FHIR R4 server, and populations to serve."""


@ehr.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8103, show_default=True)
@click.option(
    "--population",
    default="clinic",
    show_default=True,
    help="clinic, hospital, none, or the folder of a snapshot.",
)
@click.option("--data", type=FOLDER, help="Keep every write there, across restarts and crashes.")
@click.option(
    "--validation",
    type=click.Choice(["strict", "lenient", "fhir.resources"]),
    default="strict",
    show_default=True,
    help="What a write must be.",
)
@click.option("--integrity", is_flag=True, help="References must lead to what is there.")
def serve(port: int, population: str, data: Path | None, validation: str, integrity: bool) -> None:
    """Serve FHIR R4 at http://127.0.0.1:PORT/fhir until you press Ctrl-C."""
    from bedside.fhir_server.policy import Policy
    from bedside.fhir_server.server.run import serve as run

    run(
        _population(population),
        port=port,
        policy=Policy(validation, integrity),  # type: ignore[arg-type]
        directory=data,
        announce=click.echo,
    )


@ehr.command()
@click.argument("population", type=click.Choice(["clinic", "hospital"]))
@click.argument("target", type=FOLDER)
@JSON
def build(population: str, target: Path, as_json: bool) -> None:
    """Write a built-in POPULATION as a snapshot to the folder TARGET."""
    from bedside.scenarios.hospital.store import lines

    _report(_built(lines(population, workers=2), target), target, as_json)


@ehr.command("import")
@click.argument("target", type=FOLDER)
@click.argument("sources", nargs=-1, required=True)
@click.option("--validate/--no-validate", default=True, help="Refuse what is not valid R4.")
@JSON
def import_(target: Path, sources: tuple[str, ...], validate: bool, as_json: bool) -> None:
    """Make a snapshot in the folder TARGET of your SOURCES.

    A source is an NDJSON file, a Bundle, a folder of them, or the base address of a FHIR R4 server,
    such as http://localhost:8080/fhir, whose resources are copied.
    """
    from bedside.fhir_server.bulk import lines_of
    from bedside.fhir_server.download import is_address, lines_at

    lines = chain.from_iterable(
        lines_at(source) if is_address(source) else lines_of([Path(source)]) for source in sources
    )
    _report(_built(_valid(lines) if validate else lines, target), target, as_json)


@ehr.command()
@click.argument("population")
@click.argument("target", type=PATH)
@click.option("--bundle", is_flag=True, help="Write one collection Bundle to the file TARGET.")
@JSON
def export(population: str, target: Path, bundle: bool, as_json: bool) -> None:
    """Write a POPULATION (a name or a snapshot's folder) as NDJSON, a file a type, to TARGET."""
    from bedside.fhir_server.bulk import write_bundle, write_ndjson

    records = _population(population)
    if bundle:
        counts = {"Bundle entries": write_bundle(records, target)}
    else:
        counts = write_ndjson(records, target)
    if as_json:
        click.echo(json.dumps({"target": str(target), "written": counts}))
    else:
        _print_counts(counts, f"written to {target}")


@ehr.command()
@click.argument("snapshot", type=FOLDER)
@JSON
def verify(snapshot: Path, as_json: bool) -> None:
    """Compare every byte of a SNAPSHOT with the hashes in its manifest."""
    from bedside.fhir_server.snapshot import verify as compare

    manifest = compare(snapshot)
    if not as_json:
        click.echo(f"Every file of {snapshot} is as it was built.")
    _report(manifest, snapshot, as_json)


@ehr.command()
@click.argument("population", default="hospital")
@click.option("--plots", type=FOLDER, help="Draw the values there, a picture an analyte.")
@JSON
def report(population: str, plots: Path | None, as_json: bool) -> None:
    """Compare the values of a POPULATION, a name or a snapshot's folder, with published figures."""
    from bedside.scenarios.hospital.report import measure

    found = measure(_population(population))
    if plots is not None:
        from bedside.scenarios.hospital.plots import draw

        draw(found, plots)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found))
    else:
        _print_report(found)


def _print_report(found: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    from bedside.scenarios.hospital.report import PUBLISHED, TOLERANCE

    screen = Console()
    for title, spreads in (("Intensive care", found.icu), ("Clinic", found.clinic)):
        table = Table("analyte", "5 %", "50 %", "95 %", "published", "values", title=title)
        for spread in spreads:
            known = PUBLISHED.get(spread.analyte, ()) if spreads is found.icu else ()
            published = " ".join(f"{value:g}" for value in known)
            figures = (f"{value:g}" for value in spread.found)
            table.add_row(spread.analyte, *figures, published, f"{spread.values:,}")
        screen.print(table)
    for relation in found.relations:
        verdict = "holds" if relation.holds else "does not hold"
        wanted = f"{relation.low:g} to {relation.high:g}"
        screen.print(f"{relation.name}: {relation.found:.2f}, wanted {wanted}: {verdict}")
    off = max((spread.off for spread in found.icu), default=0.0)
    screen.print(f"Furthest from a published quantile: {off:.0%} (at most {TOLERANCE:.0%} wanted)")


def _population(name: str) -> Population | Snapshot:
    from bedside.console import building
    from bedside.fhir_server.population import Population
    from bedside.fhir_server.snapshot import open_snapshot
    from bedside.scenarios.hospital import clinic, store

    if name == "clinic":
        return clinic()
    if name == "hospital":
        with building() as on_progress:
            return store.opened(name, on_progress, workers=2)
    if name == "none":
        return Population.of([])
    if Path(name).is_dir():
        return open_snapshot(Path(name))
    raise PopulationError(f"'{name}' is no snapshot's folder, nor one of: {', '.join(NAMES)}")


def _built(lines: Iterable[Line], target: Path) -> Manifest:
    from bedside.console import building
    from bedside.fhir_server.snapshot import build as write

    with building() as on_progress:
        return write(lines, target, on_progress=on_progress)


def _valid(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines; once all are read, a PopulationError names those that are not valid R4."""
    from bedside.fhir_server.jsontext import decode
    from bedside.fhir_server.outcome import Refusal
    from bedside.fhir_server.snapshot.build import checked_head
    from bedside.fhir_server.validation import validate

    faults = []
    for line in lines:
        checked_head(line)
        try:
            issues = [issue.diagnostics for issue in validate(decode(line.text))]
        except Refusal as refusal:
            issues = [str(refusal)]
        if issues:
            faults.append(f"{line.origin}: {issues[0]}")
        yield line
    if faults:
        shown = "\n  ".join(faults[:MOST_SHOWN])
        raise PopulationError(
            f"not valid R4: {len(faults):,} resources; mend them, or use --no-validate. "
            f"The first:\n  {shown}"
        )


def _report(manifest: Manifest, folder: Path, as_json: bool) -> None:
    counts = {type: entry.count for type, entry in manifest.types.items()}
    if as_json:
        report = {"snapshot": str(folder), "digest": manifest.digest, "resources": counts}
        click.echo(json.dumps(report))
        return
    _print_counts(counts, f"in {folder}")
    click.echo(f"sha256 {manifest.digest}")


def _print_counts(counts: dict[str, int], where: str) -> None:
    width = max([len(name) for name in counts], default=0)
    for name, count in sorted(counts.items()):
        click.echo(f"{name:<{width}}  {count:>9,}")
    click.echo(f"{sum(counts.values()):,} resources {where}")
