"""Sandboxes: charts that share a population and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from bedside.core.errors import PopulationError
from bedside.fhir_server.chart import Chart
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.policy import Policy
from bedside.fhir_server.population import Resources, StartLayer
from bedside.fhir_server.requests import JSON, Body, Response
from bedside.fhir_server.server.journal import Header, Journal, begin

__all__ = ["MAIN", "Sandbox", "Sandboxes"]

MAIN = "main"
"""The sandbox at ``/fhir``; it needs no token."""

_ID = re.compile(r"[a-f0-9]{16}|main")
_JOURNAL = ".journal"


class Sandbox:
    """One chart, asked by one request at a time; persistent if it has a journal."""

    def __init__(self, chart: Chart, token_hash: str, journal: Journal | None) -> None:
        self._chart = chart
        self._token_hash = token_hash
        self._journal = journal
        self._lock = Lock()

    def admits(self, token: str) -> bool:
        """Whether a bearer token opens it."""
        return not self._token_hash or hmac.compare_digest(_hash(token), self._token_hash)

    def request(self, method: str, url: str, headers: Mapping[str, str], body: Body) -> Response:
        """As :meth:`Chart.request`; when it returns, what was written is on the disk."""
        with self._lock:
            chart = self._chart
            before = len(chart.log)
            chart.now = datetime.now(UTC).isoformat(timespec="milliseconds")
            response = chart.request(method, url, headers, body)
            if self._journal is not None and len(chart.log) > before:
                try:
                    self._journal.append(chart.log[before:])
                except OSError as error:
                    chart.undo(before)
                    refusal = Refusal(507, "no-store", f"The disk did not take the write "
                                      f"({error.strerror}); nothing was stored.")  # fmt: skip
                    return Response(507, {"Content-Type": JSON}, refusal.body())
                except Exception:
                    chart.undo(before)
                    raise
            return response

    def close(self) -> None:
        """Let go of the journal."""
        if self._journal is not None:
            self._journal.close()


class Sandboxes:
    """All sandboxes of one server.

    Args:
        population: what they share.
        base: address of the server, such as ``http://127.0.0.1:8103``.
        policy: what a write must be to be accepted.
        directory: where to keep journals; it exists, and no other process writes there. None
            keeps nothing.
        most: how many there may be at once.

    Raises:
        PopulationError: a journal in the directory cannot be used.
    """

    def __init__(
        self,
        population: Resources,
        base: str,
        *,
        policy: Policy,
        directory: Path | None = None,
        most: int = 10_000,
    ) -> None:
        self._population = population
        self.base = base
        self._policy = policy
        self._directory = directory
        self._most = most
        self._open: dict[str, Sandbox] = {}
        if directory is not None:
            self._reopen(directory)
        if MAIN not in self._open:
            self._open[MAIN] = self._new(MAIN, seed=0, token="")

    def __len__(self) -> int:
        return len(self._open) - 1

    def get(self, id: str) -> Sandbox | None:
        """The sandbox, or None."""
        return self._open.get(id)

    def create(self, seed: int = 0, start: StartLayer | None = None) -> tuple[str, str]:
        """Make a sandbox; (its id, its bearer token).

        Args:
            seed: ids of new resources follow from it.
            start: what its chart holds at the start, over the population; such a sandbox is kept in
                memory only.

        Raises:
            Refusal: 429, there are as many as there may be.
        """
        if len(self) >= self._most:
            raise Refusal(429, "throttled", f"There are {self._most} sandboxes; drop one first.")
        id, token = secrets.token_hex(8), secrets.token_urlsafe(24)
        if start is None:
            self._open[id] = self._new(id, seed=seed, token=token)
        else:
            self._open[id] = Sandbox(self._chart(id, seed, start), _hash(token), None)
        return id, token

    def reset(self, id: str) -> None:
        """Forget all writes of a sandbox; its token stays."""
        old = self._open[id]
        header = Header(self._population.digest, old._chart.seed, old._token_hash)
        if self._directory is not None and old._journal is not None:
            begin(self._directory / f"{id}{_JOURNAL}", header)
        old.close()
        kept = old._journal is not None
        chart = self._chart(id, header.seed, old._chart.start)
        self._open[id] = Sandbox(chart, header.token, self._journal(id, header) if kept else None)

    def drop(self, id: str) -> None:
        """End a sandbox and forget all it held."""
        self._open.pop(id).close()
        if self._directory is not None:
            (self._directory / f"{id}{_JOURNAL}").unlink(missing_ok=True)

    def _new(self, id: str, *, seed: int, token: str) -> Sandbox:
        return self._from(id, Header(self._population.digest, seed, _hash(token) if token else ""))

    def _from(self, id: str, header: Header) -> Sandbox:
        return Sandbox(self._chart(id, header.seed), header.token, self._journal(id, header))

    def _journal(self, id: str, header: Header) -> Journal | None:
        if self._directory is None:
            return None
        return Journal(self._directory / f"{id}{_JOURNAL}", header)

    def _chart(self, id: str, seed: int, start: StartLayer | None = None) -> Chart:
        place = "/fhir" if id == MAIN else f"/sandbox/{id}/fhir"
        return Chart(
            self._population,
            start or StartLayer({}),
            seed=seed,
            now=datetime.now(UTC).isoformat(timespec="milliseconds"),
            policy=self._policy,
            base=f"{self.base}{place}",
        )

    def _reopen(self, directory: Path) -> None:
        for path in sorted(directory.glob(f"*{_JOURNAL}")):
            id = path.name.removesuffix(_JOURNAL)
            if not _ID.fullmatch(id):
                raise PopulationError(f"{path} is no journal of a sandbox; move it away")
            journal = Journal(path)
            if journal.header.population != self._population.digest:
                raise PopulationError(
                    f"{path} was written over another population; serve that one, or use another "
                    "data directory"
                )
            chart = self._chart(id, journal.header.seed)
            for version in journal.versions():
                chart.restore(version)
            self._open[id] = Sandbox(chart, journal.header.token, journal)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
