"""A FHIR server in a process of its own, for as long as it is measured."""

from __future__ import annotations

import http.client
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from time import sleep

BEDSIDE = f"{shlex.quote(sys.executable)} -m bedside ehr serve --port {{port}}"
PATIENCE = 60


@contextmanager
def serving(command: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server that a command starts, in a folder of its own.

    Args:
        command: with ``{port}`` where the port goes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = shlex.split(command.format(port=port))
    quiet = subprocess.DEVNULL
    with TemporaryDirectory(prefix="bedside-") as folder:
        server = subprocess.Popen(words, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            _wait_for(port)
            yield http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int) -> None:
    for _ in range(PATIENCE * 10):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise SystemExit(f"nothing listens on port {port} after {PATIENCE} s")
