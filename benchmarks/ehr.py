"""The virtual EHR's speed over a snapshot of 700,000 Observations of 1,000 patients.

Everything is measured in one run: the snapshot, SQLite with the same rows, indexes and question
beside it, and the same chart over HTTP. ``--small`` takes a tenth.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bedside.fhir_server.bulk import Line
from bedside.fhir_server.chart import Chart
from bedside.fhir_server.population import StartLayer
from bedside.fhir_server.snapshot import Snapshot, build, open_snapshot
from benchmarks.machine import plain_steps
from benchmarks.serving import BEDSIDE, serving

PATIENTS = 1000
CODES = 60
NOW = "2026-01-15T09:00:00Z"
QUERIES = 3000
NEW: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "weight"},
    "subject": {"reference": "Patient/p7"},
    "effectiveDateTime": "2025-03-01T10:00:00Z",
    "valueQuantity": {
        "value": 70.5,
        "unit": "kg",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    },
}


def population(observations: int) -> Iterator[Line]:
    """Synthetic patients and observations; few patients have most, few codes are most."""
    draw = random.Random(7)
    for number in range(PATIENTS):
        person = {"resourceType": "Patient", "id": f"p{number}", "gender": "female"}
        yield Line(json.dumps(person).encode(), "generated")
    for number in range(observations):
        patient = int(PATIENTS * draw.random() ** 1.5)
        code = int(CODES * draw.random() ** 2)
        day, second = draw.randrange(3650), draw.randrange(86_400)
        year, month = 2015 + day // 365, day % 365 // 31 + 1
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        text = (
            f'{{"resourceType":"Observation","id":"o{number}","status":"final",'
            '"category":[{"coding":[{"system":'
            '"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],'
            f'"code":{{"coding":[{{"system":"http://loinc.org","code":"{1000 + code}-1"}}]}},'
            f'"subject":{{"reference":"Patient/p{patient}"}},'
            f'"effectiveDateTime":"{year}-{month:02}-{day % 28 + 1:02}T{clock}Z",'
            f'"valueQuantity":{{"value":{draw.gauss(100, 15):.3f},"unit":"mg/dL",'
            '"system":"http://unitsofmeasure.org","code":"mg/dL"}}'
        )
        yield Line(text.encode(), "generated")


def questions(count: int, seed: int = 11) -> list[tuple[str, str, str]]:
    """(patient, code, from when) of questions, drawn as patients and codes are."""
    draw = random.Random(seed)
    return [
        (
            f"p{int(PATIENTS * draw.random() ** 1.5)}",
            f"{1000 + int(CODES * draw.random() ** 2)}-1",
            f"{draw.randrange(2016, 2024)}-{draw.randrange(1, 12):02}-{draw.randrange(1, 28):02}",
        )
        for _ in range(count)
    ]


def url(question: tuple[str, str, str]) -> str:
    """The search that asks it."""
    patient, code, day = question
    return f"Observation?patient={patient}&code={code}&date=ge{day}&_sort=-date"


def timed(work: Callable[[], Any], count: int) -> float:
    """The best of five of the CPU time of one call, in microseconds."""
    best = float("inf")
    for _ in range(5):
        begun = process_time()
        for _ in range(count):
            work()
        best = min(best, (process_time() - begun) / count)
    return best * 1e6


def each(work: Callable[[Any], Any], items: list[Any]) -> float:
    """The median wall time of a call, in microseconds, after a few to warm up."""
    for item in items[:200]:
        work(item)
    times = []
    for item in items[200:]:
        begun = perf_counter()
        work(item)
        times.append(perf_counter() - begun)
    return median(times) * 1e6


def private_memory(folder: Path) -> tuple[float, float]:
    """Milliseconds to open a snapshot, and the private memory it takes, in MB."""
    code = (
        "import re,sys,time,pathlib\n"
        "from bedside.fhir_server.chart import Chart\n"
        "from bedside.fhir_server.snapshot import open_snapshot\n"
        "from bedside.fhir_server.population import StartLayer\n"
        "def private():\n"
        "    text = open('/proc/self/smaps_rollup').read()\n"
        "    return sum(int(kb) for kb in re.findall(r'Private_\\w+:\\s+(\\d+)', text)) / 1024\n"
        "before, begun = private(), time.perf_counter()\n"
        "snapshot = open_snapshot(pathlib.Path(sys.argv[1]))\n"
        "opened = time.perf_counter() - begun\n"
        f"Chart(snapshot, StartLayer.of([]), seed=1, now='{NOW}').request('GET', sys.argv[2])\n"
        "print(opened * 1000, private() - before)\n"
    )
    command = [sys.executable, "-c", code, str(folder), url(questions(1)[0])]
    opened, memory = subprocess.check_output(command, text=True).split()
    return float(opened), float(memory)


def sqlite_beside(snapshot: Snapshot, path: Path) -> sqlite3.Connection:
    """The same rows in SQLite, attached to a database of a sandbox's own."""
    store = sqlite3.connect(path)
    store.execute("create table o (id text, patient text, code text, at text, json blob)")
    store.executemany(
        "insert into o values (?, ?, ?, ?, ?)",
        (
            (
                record.id,
                record.resource["subject"]["reference"].removeprefix("Patient/"),
                record.resource["code"]["coding"][0]["code"],
                record.resource["effectiveDateTime"],
                record.data,
            )
            for record in snapshot.of_type("Observation")
        ),
    )
    store.execute("create index patients on o (patient, code, at)")
    store.commit()
    store.close()
    own = sqlite3.connect(":memory:")
    own.execute("attach ? as shared", (f"file:{path}?mode=ro",))
    own.execute("create table o (id text, patient text, code text, at text, json blob)")
    return own


def sqlite_search(store: sqlite3.Connection, question: tuple[str, str, str]) -> bytes:
    """The question, answered as Bundle bytes."""
    asked = "where patient = :patient and code = :code and at >= :since"
    rows = store.execute(
        f"select id, json, at from shared.o {asked} "
        f"union all select id, json, at from main.o {asked} order by at desc",
        dict(zip(("patient", "code", "since"), question, strict=True)),
    ).fetchall()
    entries = b",".join(
        b'{"fullUrl":"https://bedside.dev/fhir/Observation/%b","resource":%b}' % (id.encode(), text)
        for id, text, _ in rows
    )
    return b'{"resourceType":"Bundle","type":"searchset","total":%d,"entry":[%b]}' % (
        len(rows), entries
    )  # fmt: skip


def over_http(folder: Path, asked: list[tuple[str, str, str]]) -> float:
    """The median wall time of a search over HTTP, in milliseconds."""
    with serving(f"{BEDSIDE} --population {shlex.quote(str(folder))}") as connection:

        def ask(question: tuple[str, str, str]) -> bytes:
            connection.request("GET", f"/fhir/{url(question)}")
            return connection.getresponse().read()

        return each(ask, asked) / 1000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a tenth of the observations")
    observations = 70_000 if parser.parse_args().small else 700_000
    root = Path(tempfile.mkdtemp(prefix="bedside-"))
    try:
        report(root, observations)
    finally:
        shutil.rmtree(root)


def report(root: Path, observations: int) -> None:
    """Build, measure and print."""
    print(f"plain Python         {plain_steps():10.1f} M steps/s")
    lines = list(population(observations))
    begun = perf_counter()
    manifest = build(lines, root / "snapshot")
    seconds = perf_counter() - begun
    del lines
    print(f"build                {manifest.count / seconds:10,.0f} resources/s (wanted 25,000)")
    opened, memory = private_memory(root / "snapshot")
    print(f"open                 {opened:10.2f} ms (wanted 10)")
    print(f"private, one search  {memory:10.1f} MB (wanted 30)")
    snapshot, start = open_snapshot(root / "snapshot"), StartLayer.of([])

    def new() -> Chart:
        return Chart(snapshot, start, seed=1, now=NOW)

    tracemalloc.start()
    kept = [new() for _ in range(1000)]
    size = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    print(f"new chart            {timed(new, 2000):10.2f} us (wanted 5), {size:,.0f} B (2,000)")
    chart = new()
    places = [f"Observation/o{number}" for number in range(0, observations, 97)]
    read = each(lambda place: chart.request("GET", place), places)
    print(f"read                 {read:10.1f} us (wanted 15)")
    body = json.dumps(NEW, separators=(",", ":")).encode()
    create = timed(lambda: new().request("POST", "Observation", None, body), 500)
    print(f"create, validated    {create:10.1f} us (wanted 60)")
    asked, before = questions(QUERIES), questions(QUERIES, seed=12)
    found = [json.loads(chart.request("GET", url(q)).body)["total"] for q in before]
    search = each(lambda q: new().request("GET", url(q)), asked)
    print(f"search               {search:10.1f} us (wanted 120; {median(found):.0f} matches)")
    store = sqlite_beside(snapshot, root / "rows.sqlite")
    print(f"  SQLite, attached   {each(lambda q: sqlite_search(store, q), asked):10.1f} us")
    print(f"plain Python         {plain_steps():10.1f} M steps/s")
    print(f"search over HTTP     {over_http(root / 'snapshot', asked):10.2f} ms (wanted 1.5)")


if __name__ == "__main__":
    main()
