"""Running the server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from bedside.core.errors import PopulationError, UserError
from bedside.core.lock import locked
from bedside.fhir_server.policy import Policy
from bedside.fhir_server.population import Resources

__all__ = ["serve"]

_HOST = "127.0.0.1"


def serve(
    population: Resources,
    *,
    port: int,
    policy: Policy,
    directory: Path | None,
    announce: Callable[[str], None],
) -> None:
    """Serve a population until interrupted; only this machine can reach it.

    Args:
        population: what all sandboxes share.
        port: 0 takes a free one.
        policy: what a write must be to be accepted.
        directory: where writes are kept; None keeps them in memory.
        announce: is told the address once the server listens.

    Raises:
        UserError: the port is taken, or the ``server`` extra is not installed.
        PopulationError: the directory cannot be used, or another server uses it.
    """
    try:
        import uvicorn

        from bedside.fhir_server.server.app import Limits, application
    except ImportError:
        raise UserError("the server needs: pip install 'bedside[server]'") from None
    from bedside.fhir_server.server.sandboxes import Sandboxes

    listener = _listener(port)
    address = f"http://{_HOST}:{listener.getsockname()[1]}"
    kept = f"writes are kept in {directory}" if directory else "writes are kept in memory only"
    with _held(directory) if directory else nullcontext():
        sandboxes = Sandboxes(population, address, policy=policy, directory=directory)
        announce(f"FHIR R4 at {address}/fhir ({len(population):,} resources, synthetic; {kept})")
        config = uvicorn.Config(
            application(sandboxes, Limits()),
            log_level="warning",
            lifespan="off",
            timeout_keep_alive=30,
        )
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Make the directory if need be, and keep other servers out of it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PopulationError(f"cannot use {directory}: {error.strerror}") from None
    with locked(directory, PopulationError, "another server keeps its writes"):
        yield


def _listener(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the protocol is named, not left to be guessed.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        raise UserError(f"cannot listen on port {port}: {error.strerror}; try --port 0") from None
    listener.listen(128)
    return listener
