"""The same searches over HTTP on Bedside's EHR and on another FHIR server that pip installs.

Both begin empty, are given the same synthetic resources in transactions, and are asked the same
questions over one kept connection. Far fewer resources than in ``benchmarks.ehr``, as a peer takes
minutes for what a snapshot holds.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.ehr import each, population, questions, url
from benchmarks.machine import plain_steps
from benchmarks.serving import BEDSIDE, serving

PEER = f"{Path(sys.executable).parent / 'sekmet'} serve --host 127.0.0.1 --port {{port}}"
PER_TRANSACTION = 100


def measured(command: str, path: str, observations: int) -> tuple[float, float, int]:
    """(resources stored per second, milliseconds of a search, matches in all)."""
    asked = questions(400)
    with serving(command) as connection:

        def send(method: str, place: str, body: bytes | None = None) -> bytes:
            headers = {"Content-Type": "application/fhir+json"} if body else {}
            connection.request(method, f"{path}{place}", body, headers)
            reply = connection.getresponse()
            text = reply.read()
            if reply.status >= 300:
                raise SystemExit(f"{method} {path}{place}: {reply.status} {text[:300]!r}")
            return text

        lines = [line.text for line in population(observations)]
        begun = perf_counter()
        for low in range(0, len(lines), PER_TRANSACTION):
            send("POST", "", _transaction(lines[low : low + PER_TRANSACTION]))
        stored = len(lines) / (perf_counter() - begun)
        found = sum(json.loads(send("GET", f"/{url(q)}"))["total"] for q in asked)
        return stored, each(lambda q: send("GET", f"/{url(q)}"), asked) / 1000, found


def _transaction(lines: list[bytes]) -> bytes:
    entries = []
    for line in lines:
        resource = json.loads(line)
        place = f"{resource['resourceType']}/{resource['id']}"
        entries.append({"resource": resource, "request": {"method": "PUT", "url": place}})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle).encode()


def main() -> None:
    """Print the figures of both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--observations", type=int, default=10_000)
    parser.add_argument("--peer", default=PEER, help="its command, with {port}")
    parser.add_argument("--path", default="/fhir", help="where its FHIR base is")
    args = parser.parse_args()
    print(f"plain Python         {plain_steps():10.1f} M steps/s")
    for name, command, path in (("Bedside", BEDSIDE, "/fhir"), ("peer", args.peer, args.path)):
        if shutil.which(shlex.split(command)[0]) is None:
            print(f"{name}: not installed ({command}); make bench installs it")
            continue
        stored, search, found = measured(command, path, args.observations)
        print(f"{name:<8} stored {stored:8,.0f} resources/s, search {search:8.2f} ms, "
              f"{found:,} matches")  # fmt: skip


if __name__ == "__main__":
    main()
