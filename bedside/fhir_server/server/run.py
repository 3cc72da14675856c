"""Running the server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from bedside.core.errors import UserError
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
        PopulationError: the directory cannot be used.
    """
    try:
        import uvicorn

        from bedside.fhir_server.server.app import Limits, application
    except ImportError:
        raise UserError("the server needs: pip install 'bedside[server]'") from None
    from bedside.fhir_server.server.sandboxes import Sandboxes

    listener = _listener(port)
    address = f"http://{_HOST}:{listener.getsockname()[1]}"
    sandboxes = Sandboxes(population, address, policy=policy, directory=directory)
    kept = f"writes are kept in {directory}" if directory else "writes are kept in memory only"
    announce(f"FHIR R4 at {address}/fhir ({len(population):,} resources, synthetic; {kept})")
    config = uvicorn.Config(
        application(sandboxes, Limits()), log_level="warning", lifespan="off", timeout_keep_alive=30
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        raise UserError(f"cannot listen on port {port}: {error.strerror}; try --port 0") from None
    listener.listen(128)
    return listener
