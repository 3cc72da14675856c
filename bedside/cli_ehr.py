"""The ``bedside ehr`` commands: serve the virtual EHR, and bring data in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bedside.core.errors import PopulationError

if TYPE_CHECKING:
    from bedside.fhir_server.population import Population

__all__ = ["ehr"]

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def ehr() -> None:
    """The virtual EHR: a FHIR R4 server, and populations to serve."""


@ehr.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8103, show_default=True)
@click.option("--population", default="clinic", show_default=True, help="A name, or none.")
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


def _population(name: str) -> Population:
    from bedside.fhir_server.population import Population
    from bedside.scenarios.population import clinic

    if name == "clinic":
        return clinic()
    if name == "none":
        return Population.of([])
    raise PopulationError(f"there is no population '{name}'; there are: clinic, none")
