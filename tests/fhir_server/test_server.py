"""The chart over HTTP: the same answers, sandboxes of their own, limits, what the disk keeps."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from bedside.core.errors import PopulationError
from bedside.fhir_server import Population
from bedside.fhir_server.policy import STRICT
from bedside.fhir_server.server.app import Limits, application
from bedside.fhir_server.server.run import _listener
from bedside.fhir_server.server.sandboxes import Sandboxes
from tests.fhir_server.charts import PATIENTS, Json, says, weight

BASE = "http://testserver"
FHIR = {"content-type": "application/fhir+json"}


def server(directory: Path | None = None, limits: Limits | None = None, **more: Any) -> TestClient:
    sandboxes = Sandboxes(Population.of(PATIENTS), BASE, policy=STRICT, directory=directory, **more)
    return TestClient(application(sandboxes, limits or Limits()))


@pytest.fixture
def client() -> Iterator[TestClient]:
    with server() as client:
        yield client


def sandbox(client: TestClient) -> tuple[str, dict[str, str]]:
    """(base, headers) of a new sandbox."""
    made = client.post("/sandbox").json()
    return made["base"], {"authorization": f"Bearer {made['token']}"}


def stored(client: TestClient, base: str = "/fhir", **options: Any) -> list[float]:
    """The weights in a chart."""
    bundle = client.get(f"{base}/Observation?_sort=date", **options).json()
    return [e["resource"]["valueQuantity"]["value"] for e in bundle.get("entry", [])]


def test_every_interaction_goes_over_http(client: TestClient) -> None:
    created = client.post("/fhir/Observation", json=weight(70))
    assert created.status_code == 201
    assert created.headers["content-type"].startswith("application/fhir+json")
    place = f"/fhir/Observation/{created.json()['id']}"
    assert created.headers["location"] == f"{BASE}{place}/_history/1"
    patch = json.dumps([{"op": "replace", "path": "/status", "value": "amended"}])
    json_patch = {"content-type": "application/json-patch+json"}
    assert client.patch(place, content=patch, headers=json_patch).json()["status"] == "amended"
    head = client.head(place)
    assert head.content == b""
    assert head.headers["content-length"] == client.get(place).headers["content-length"]
    found = client.post("/fhir/Observation/_search", data={"patient": "p1"}).json()
    assert found["entry"][0]["fullUrl"] == f"{BASE}{place}"
    assert len(client.get(f"{place}/_history").json()["entry"]) == 2
    assert client.delete(place).status_code == 200
    assert client.get(place).status_code == 410
    empty = {"resourceType": "Bundle", "type": "batch"}
    assert client.post("/fhir", json=empty).json()["type"] == "batch-response"
    assert client.get("/fhir/metadata").json()["resourceType"] == "CapabilityStatement"


def test_the_answer_over_http_is_the_answer_in_process(client: TestClient) -> None:
    from tests.fhir_server.charts import chart

    for url in ("Patient?name=alder", "Patient/p1", "Patient/nobody", "Patient?foo=1", "Foo"):
        mine = chart()
        mine.base = f"{BASE}/fhir"
        here, there = mine.request("GET", url), client.get(f"/fhir/{url}")
        assert (there.status_code, there.content) == (here.status, here.body)


def test_sandboxes_share_nothing_but_the_population(client: TestClient) -> None:
    one, own = sandbox(client)
    two, other = sandbox(client)
    client.post(f"{one}/Observation", json=weight(70), headers=own)
    assert stored(client, one, headers=own) == [70]
    assert stored(client, two, headers=other) == []
    assert stored(client) == []
    assert client.get(f"{two}/Patient/p1", headers=other).status_code == 200


def test_a_thousand_interleaved_writes_each_are_neither_mixed_nor_lost() -> None:
    sandboxes = Sandboxes(Population.of(PATIENTS), BASE, policy=STRICT)
    both = [sandboxes.get(sandboxes.create(seed)[0]) for seed in (1, 2)]
    for number in range(1000):
        for which, one in enumerate(both):
            assert one is not None
            made = one.request("POST", "Observation", {}, weight(number * 2 + which))
            assert made.status == 201
    for which, one in enumerate(both):
        assert one is not None
        bundle = json.loads(one.request("GET", "Observation?patient=p1", {}, None).body)
        found = {e["resource"]["valueQuantity"]["value"] for e in bundle["entry"]}
        assert (bundle["total"], found) == (1000, set(range(which, 2000, 2)))


def test_a_sandbox_opens_to_its_own_token_alone(client: TestClient) -> None:
    one, own = sandbox(client)
    _, other = sandbox(client)
    for headers in ({}, other, {"authorization": "Basic x"}, {"authorization": b"Bearer \xe9"}):
        refused = client.get(f"{one}/Patient", headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "own bearer token" in says(refused.json())
        assert client.delete(one.removesuffix("/fhir"), headers=headers).status_code == 401
    assert client.get(f"{one}/Patient", headers=own).status_code == 200
    assert client.get("/sandbox/0123456789abcdef/fhir/Patient").status_code == 404


def test_a_sandbox_is_reset_and_dropped(client: TestClient) -> None:
    base, own = sandbox(client)
    client.post(f"{base}/Observation", json=weight(70), headers=own)
    place = base.removesuffix("/fhir")
    assert client.post(f"{place}/reset", headers=own).status_code == 204
    assert stored(client, base, headers=own) == []
    assert client.delete(place, headers=own).status_code == 204
    assert client.get(f"{base}/Patient", headers=own).status_code == 404
    assert client.delete("/sandbox/main").status_code == 404


def test_there_are_only_so_many_sandboxes() -> None:
    with server(most=1) as client:
        assert client.post("/sandbox", json={"seed": 3}).status_code == 201
        refused = client.post("/sandbox")
        assert (refused.status_code, "drop one first" in says(refused.json())) == (429, True)


@pytest.mark.parametrize(
    ("options", "status", "mend"),
    [
        ({"content": b"x" * 2001}, 413, "more than 2,000 bytes"),
        ({"content": iter([b"x" * 1500, b"x" * 1500])}, 413, "more than 2,000 bytes"),
        ({"content": b"<xml/>", "headers": {"content-type": "application/fhir+xml"}}, 415, "send"),
        ({"content": b"{", "headers": FHIR}, 400, "not valid JSON"),
        ({"content": b"[" * 99 + b"]" * 99, "headers": FHIR}, 400, "more than 64 levels"),
        ({"content": b"\xff", "headers": FHIR}, 400, "not valid JSON"),
        ({"json": weight(70), "headers": {"accept": "application/fhir+xml"}}, 406, "Only JSON"),
    ],
)
def test_a_bad_body_is_refused(options: Any, status: int, mend: str) -> None:
    with server(limits=Limits(body=2000)) as client:
        refused = client.post("/fhir/Observation", **options)
        assert (refused.status_code, mend in says(refused.json())) == (status, True), refused.text


@pytest.mark.parametrize("path", ["", "/", "/Foo", "/Patient/a/b/c/d", "/Patient/%ff", "/%2e%2e/x"])
def test_no_path_is_a_fault(client: TestClient, path: str) -> None:
    refused = client.get(f"/fhir{path}")
    assert refused.status_code in (404, 405)
    assert says(refused.json())


@pytest.mark.parametrize(
    ("method", "path", "status", "mend"),
    [
        ("OPTIONS", "/fhir/Patient", 405, "use GET, HEAD, POST, PUT, PATCH, DELETE."),
        ("TRACE", "/fhir/Patient/p1", 405, "use GET, HEAD, PUT, PATCH, DELETE."),
        ("BREW", "/fhir/Patient", 405, "BREW of /fhir/Patient is not served"),
        ("GET", "/sandbox", 405, "use POST."),
        ("GET", "/nosuch", 404, "FHIR is at /fhir"),
    ],
)
def test_what_is_not_served_is_said_in_the_terms_of_fhir(
    client: TestClient, method: str, path: str, status: int, mend: str
) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, mend in says(refused.json())) == (status, True), refused.text
    assert refused.headers["content-type"].startswith("application/fhir+json")
    assert ("allow" in refused.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "status", "mend"),
    [(b'{"seed":-1}', 422, "body.seed"), (b"{", 422, "JSON"), (b"\xff", 400, "body")],
)
def test_a_sandbox_is_made_of_what_can_be_read(
    client: TestClient, body: bytes, status: int, mend: str
) -> None:
    refused = client.post("/sandbox", content=body, headers={"content-type": "application/json"})
    assert (refused.status_code, mend in says(refused.json())) == (status, True), refused.text


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    with server(tmp_path) as client:
        client.post("/fhir/Observation", json=weight(70.50))
        client.delete("/fhir/Patient/p2")
        base, own = sandbox(client)
        client.post(f"{base}/Observation", json=weight(80), headers=own)
        before = client.get("/fhir/_history").content
    with server(tmp_path) as client:
        assert client.get("/fhir/_history").content == before
        assert client.get("/fhir/Patient/p2").status_code == 410
        assert stored(client, base, headers=own) == [80]
        assert client.get(f"{base}/Patient").status_code == 401
        again = client.post("/fhir/Observation", json=weight(71, 2)).json()["id"]
        assert stored(client) == [70.5, 71]
        assert again not in before.decode()


def test_a_line_cut_short_was_never_acknowledged(tmp_path: Path) -> None:
    with server(tmp_path) as client:
        client.post("/fhir/Observation", json=weight(70))
    journal = tmp_path / "main.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:40])
    with server(tmp_path) as client:
        assert stored(client) == [70]
    assert journal.read_bytes() == whole


def test_a_damaged_journal_is_one_clear_error(tmp_path: Path) -> None:
    with server(tmp_path) as client:
        client.post("/fhir/Observation", json=weight(70))
    journal = tmp_path / "main.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    for text, error in (
        (lines[0] + b"[1]\n", "line 2 is damaged"),
        (b"{}\n", "no journal of Bedside"),
        (lines[0].replace(b'"format":1', b'"format":9'), "reads 1"),
        (lines[0].replace(b'"population":"', b'"population":"0'), "another population"),
    ):
        journal.write_bytes(text)
        with pytest.raises(PopulationError, match=error):
            server(tmp_path)
    journal.unlink()
    (tmp_path / "notes.journal").write_bytes(b"x")
    with pytest.raises(PopulationError, match="no journal of a sandbox"):
        server(tmp_path)


def test_a_fault_of_the_server_is_an_outcome_without_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a secret of the inside")

    sandboxes = Sandboxes(Population.of(PATIENTS), BASE, policy=STRICT, directory=tmp_path)
    client = TestClient(application(sandboxes, Limits()), raise_server_exceptions=False)
    for place in ("interactions.read", "server.journal.Journal.append"):
        with monkeypatch.context() as patch:
            patch.setattr(f"bedside.fhir_server.{place}", fail)
            if place == "interactions.read":
                failed = client.get("/fhir/Patient/p1")
            else:
                failed = client.post("/fhir/Observation", json=weight(70))
        assert (failed.status_code, failed.json()["issue"][0]["code"]) == (500, "exception")
        assert failed.headers["content-type"].startswith("application/fhir+json")
        assert "secret" not in failed.text and "Traceback" not in failed.text
    assert stored(client) == []


def test_a_full_disk_refuses_the_write_and_forgets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(tmp_path) as client:
        client.post("/fhir/Observation", json=weight(70))

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr("bedside.fhir_server.server.journal.os.fsync", full)
            refused = client.post("/fhir/Observation", json=weight(71, 2))
        assert (refused.status_code, "No space left" in says(refused.json())) == (507, True)
        assert stored(client) == [70]
        client.post("/fhir/Observation", json=weight(72, 3))
    with server(tmp_path) as client:
        assert stored(client) == [70, 72]


def test_the_description_covers_what_is_served(client: TestClient) -> None:
    described: Json = client.get("/openapi.json").json()
    paths = described["paths"]
    assert {"get", "put", "patch", "delete"} <= set(paths["/fhir/{type}/{id}"])
    assert "post" in paths["/sandbox/{sandbox}/fhir/{type}/_search"]
    types = paths["/fhir/{type}"]["get"]["parameters"][0]["schema"]["enum"]
    assert len(types) == 146


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    assert killed(tmp_path, seed=0, moments=2) > 0


@pytest.mark.deep
def test_what_was_acknowledged_survives_kill_9_at_many_moments(tmp_path: Path) -> None:
    print(f"{killed(tmp_path, seed=1, moments=30)} writes acknowledged")


def killed(folder: Path, seed: int, moments: int) -> int:
    """Kill a persistent server at random moments under writes; how many it acknowledged."""
    draw = random.Random(seed)
    acknowledged: list[str] = []
    for _ in range(moments):
        with running(folder) as (process, base), httpx2.Client() as client:
            for place in acknowledged[-20:]:
                assert client.get(f"{base}/{place}").status_code == 200
            found = client.get(f"{base}/Observation?_summary=count").json()
            assert found["total"] in (len(acknowledged), len(acknowledged) + 1)
            if found["total"] > len(acknowledged):
                acknowledged = places(client, base)
            until = time.monotonic() + draw.uniform(0.05, 0.6)
            while time.monotonic() < until:
                stored = client.post(f"{base}/Observation", json=weight(70))
                acknowledged.append(f"Observation/{stored.json()['id']}")
            process.kill()
    with running(folder) as (_, base), httpx2.Client() as client:
        assert set(acknowledged) <= set(places(client, base))
    return len(acknowledged)


def places(client: httpx2.Client, base: str) -> list[str]:
    bundle = client.get(f"{base}/Observation?_elements=id").json()
    return [f"Observation/{entry['resource']['id']}" for entry in bundle.get("entry", [])]


def test_a_second_server_is_kept_out_of_the_folder_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder) as (first, _):
        second = subprocess.run(command(folder), capture_output=True, text=True, timeout=60)
        assert second.returncode == 2
        assert second.stderr == (
            f"bedside: another server keeps its writes in {folder}; wait until it has ended\n"
        )
        first.kill()
    with running(folder) as (_, base):
        assert httpx2.get(f"{base}/Patient").status_code == 200


def test_answers_leave_at_once() -> None:
    """Without its protocol named, asyncio leaves Nagle's algorithm on: 40 ms an answer."""
    with _listener(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def command(folder: Path) -> list[str]:
    """A server over an empty population that keeps its writes in a folder."""
    serve = [sys.executable, "-m", "bedside", "ehr", "serve", "--port", "0"]
    return [*serve, "--population", "none", "--data", str(folder)]


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of its own process over an empty population, and its FHIR base."""
    process = subprocess.Popen(command(folder), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        announced = re.search(r"http://\S+/fhir", process.stdout.readline())
        assert announced is not None
        yield process, announced[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
