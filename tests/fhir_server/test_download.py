"""Copying another server: every resource of it, byte for byte, however many pages it takes."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from bedside.core.errors import PopulationError
from bedside.fhir_server import Population, download
from bedside.fhir_server.download import is_address, lines_at
from bedside.fhir_server.population import Record
from tests.serving import serving

PATIENTS = [{"resourceType": "Patient", "id": f"p{n}", "active": True} for n in range(7)]
WEIGHT = {
    "resourceType": "Observation",
    "id": "w",
    "status": "final",
    "code": {"text": "weight"},
    "valueQuantity": {"value": 70.0, "unit": "kg"},
}


@pytest.mark.parametrize("page", [1, 3, 500])
def test_all_that_a_server_holds_is_copied(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PAGE", page)
    population = Population.of([*PATIENTS, WEIGHT])
    with serving(population) as sandboxes:
        copied = [json.loads(line.text) for line in lines_at(f"{sandboxes.base}/fhir/")]
    again = Population.of(copied)
    assert again.digest == population.digest
    assert all(isinstance(record, Record) for record in again)


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:9/fhir", "http://127.0.0.1:abc/fhir", "http://local host/fhir"]
)
def test_a_server_that_is_not_there_says_what_is_wanted(base: str) -> None:
    with pytest.raises(PopulationError, match=r"cannot read http.*metadata.*base address"):
        next(lines_at(base))


class _Page(BaseHTTPRequestHandler):
    """A server whose pages name another host, as one behind a proxy does."""

    def do_GET(self) -> None:
        rest = {"resource": [{"type": "Patient", "interaction": [{"code": "search-type"}]}]}
        first = {
            "entry": [
                {"resource": PATIENTS[0]},
                {"resource": WEIGHT, "search": {"mode": "include"}},
            ],
            "link": [{"relation": "next", "url": "http://elsewhere.invalid/fhir?page=2"}],
        }
        answers: dict[str, Any] = {
            "/fhir/metadata?_format=json": {"rest": [rest]},
            "/fhir/Patient?_count=500": first,
            "/fhir?page=2": {"entry": [{"resource": PATIENTS[1]}]},
        }
        body = json.dumps(answers[self.path]).encode() if self.path in answers else b"<html>"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_pages_are_followed_on_the_host_that_was_asked_and_matches_are_taken() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Page)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        ids = [json.loads(line.text)["id"] for line in lines_at(f"{address}/fhir")]
        with pytest.raises(PopulationError, match="sends no FHIR as JSON"):
            next(lines_at(f"{address}/other"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert ids == ["p0", "p1"]


def test_what_is_an_address() -> None:
    assert is_address("http://localhost:8080/fhir") and is_address("https://x.example/fhir")
    assert not is_address("/data/http") and not is_address("patients.ndjson")
