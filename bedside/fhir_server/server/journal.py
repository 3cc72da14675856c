"""The journal: what a persistent sandbox wrote, a line a request, on disk before the answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bedside.core.disk import write_whole
from bedside.core.errors import PopulationError
from bedside.fhir_server.jsontext import decode
from bedside.fhir_server.overlay import Version
from bedside.fhir_server.population import Record

__all__ = ["Header", "Journal", "begin"]


class Header(msgspec.Struct, frozen=True):
    """What a sandbox is; the journal's first line.

    Attributes:
        population: digest of the population beneath.
        seed: of the ids of new resources.
        token: sha256 of the bearer token, "" for none.
        format: version of the journal's format.
    """

    population: str
    seed: int
    token: str = ""
    format: int = 1


class _Write(msgspec.Struct, array_like=True):
    type: str
    id: str
    number: int
    method: str
    time: str
    data: msgspec.Raw


class Journal:
    """An append-only file of a header and of requests' writes.

    A line cut short by a crash is of a request that was never answered; it is dropped.

    Args:
        path: the file; made if it is not there.
        header: what is expected there, or written; None takes what is there.

    Raises:
        PopulationError: the file cannot be read or written, or is of another population.
    """

    def __init__(self, path: Path, header: Header | None = None) -> None:
        self._path = path
        try:
            if header is not None and not path.exists():
                begin(path, header)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND)
            self._drop_torn_line()
            text = path.read_bytes()
        except OSError as error:
            raise PopulationError(f"cannot use {path}: {error.strerror}") from None
        first, _, self._lines = text.partition(b"\n")
        self.header = self._read_header(first)
        if header is not None and header.population != self.header.population:
            raise PopulationError(
                f"{path} was written over another population ({self.header.population[:12]}, not "
                f"{header.population[:12]}); serve that one, or use another data directory"
            )

    def versions(self) -> Iterator[Version]:
        """What was written before this process, oldest first.

        Raises:
            PopulationError: a line is damaged.
        """
        for number, line in enumerate(self._lines.splitlines(), start=2):
            try:
                writes = msgspec.json.decode(line, type=list[_Write])
            except msgspec.MsgspecError as error:
                raise PopulationError(f"{self._path}, line {number} is damaged: {error}") from None
            for write in writes:
                data = bytes(write.data)
                record = None if data == b"null" else Record(decode(data), data)
                yield Version(write.type, write.id, write.number, write.method, write.time, record)
        self._lines = b""

    def append(self, versions: Sequence[Version]) -> None:
        """Write what one request wrote, and wait for the disk.

        Raises:
            OSError: the disk did not take it; the file is as it was.
        """
        rows = [
            _Write(*version[:5], msgspec.Raw(version.record.data if version.record else b"null"))
            for version in versions
        ]
        self._append(msgspec.json.encode(rows) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _append(self, line: bytes) -> None:
        end = os.lseek(self._file, 0, os.SEEK_END)
        try:
            view = memoryview(line)
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise

    def _drop_torn_line(self) -> None:
        text = self._path.read_bytes()
        if text and not text.endswith(b"\n"):
            os.ftruncate(self._file, text.rfind(b"\n") + 1)

    def _read_header(self, line: bytes) -> Header:
        try:
            header = msgspec.json.decode(line, type=Header)
        except msgspec.MsgspecError as error:
            raise PopulationError(f"{self._path} is no journal of Bedside: {error}") from None
        if header.format != 1:
            raise PopulationError(
                f"{self._path} has format {header.format}; this version of Bedside reads 1"
            )
        return header


def begin(path: Path, header: Header) -> None:
    """Put a journal without writes in the place of the one that may be there, in one step.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(path, msgspec.json.encode(header) + b"\n", mode=0o600)
