"""The virtual EHR on a socket of this machine, while a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from bedside.fhir_server.policy import STRICT
from bedside.fhir_server.population import Resources
from bedside.fhir_server.server.app import Limits, application
from bedside.fhir_server.server.run import _listener
from bedside.fhir_server.server.sandboxes import Sandboxes


@contextmanager
def serving(population: Resources) -> Iterator[Sandboxes]:
    """The sandboxes of a server; their `base` is its address."""
    listener = _listener(0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sandboxes = Sandboxes(population, address, policy=STRICT)
    config = uvicorn.Config(application(sandboxes, Limits()), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield sandboxes
    finally:
        server.should_exit = True
        thread.join()
