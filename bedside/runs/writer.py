"""The writer: puts finished encounters on disk in groups, from its own thread.

A group's traces are written and flushed, and only then are its index lines appended and flushed:
the index line is what makes an encounter finished, so a trace cut short is never taken for one.
Once a submitted future has its result, the encounter survives the death of the process and of the
machine.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import BoundedSemaphore, Thread
from time import sleep
from types import TracebackType
from typing import NamedTuple

import msgspec

from bedside.core import disk
from bedside.core.errors import RunError
from bedside.runs.records import Failure, Record, trace_name, whole_lines

__all__ = ["Writer", "append_failure", "drop_torn_lines", "keep_only", "write_whole"]

PENDING = 256
"""Encounters that may wait for the disk before `submit` blocks."""

GROUP = 64
"""Encounters written together at most; each holds a file open."""

GATHERING = 0.02
"""Seconds that the first encounter of a group waits for others to be written with it."""


class _Job(NamedTuple):
    record: Record
    trace: bytes
    done: Future[Record]


class Writer:
    """Appends finished encounters to a run directory; a context manager.

    Leaving the context writes what was submitted and ends the thread.

    Args:
        directory: the run directory; `traces/` must exist and the caller must hold the lock.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._room = BoundedSemaphore(PENDING)
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="bedside-writer", daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def submit(self, record: Record, trace: bytes) -> Future[Record]:
        """Hand over a finished encounter; blocks while too many wait for the disk.

        Returns:
            A future that gives the record once it is safely on disk.

        Raises:
            RunError: an earlier encounter could not be written. The future raises it too.
        """
        self._room.acquire()
        if self._error is not None:
            self._room.release()
            raise self._error
        done: Future[Record] = Future()
        self._queue.put(_Job(record, trace, done))
        return done

    def _work(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group:
                self._settle(group)

    def _next_group(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        while not group or (len(group) < GROUP and not self._queue.empty()):
            job = self._queue.get()
            if job is None:
                return group, False
            if not group:
                sleep(GATHERING)
            group.append(job)
        return group, True

    def _settle(self, group: list[_Job]) -> None:
        if self._error is None:
            try:
                self._write(group)
            except OSError as error:
                self._error = _unwritable(self._directory, error)
            except Exception as error:
                self._error = error
        for job in group:
            self._room.release()
            if self._error is None:
                job.done.set_result(job.record)
            else:
                job.done.set_exception(self._error)

    def _write(self, group: list[_Job]) -> None:
        traces = self._directory / "traces"
        disk.write(
            disk.NEW, {f"{traces}{os.sep}{trace_name(j.record.key)}": j.trace for j in group}
        )
        disk.sync(traces)
        lines = msgspec.json.Encoder().encode_lines([job.record for job in group])
        _append(self._directory / "index.jsonl", lines)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either there completely or not at all.

    Raises:
        RunError: it cannot be written.
    """
    try:
        disk.write_whole(path, data)
    except OSError as error:
        raise _unwritable(path.parent, error) from None


def append_failure(directory: Path, failure: Failure) -> None:
    """Record an encounter that a provider broke off.

    Raises:
        RunError: it cannot be written.
    """
    try:
        _append(directory / "errors.jsonl", msgspec.json.encode(failure) + b"\n")
    except OSError as error:
        raise _unwritable(directory, error) from None


def drop_torn_lines(directory: Path) -> None:
    """Cut off last lines that a killed process left without their end.

    Raises:
        RunError: the directory cannot be written.
    """
    for path in (directory / "index.jsonl", directory / "errors.jsonl"):
        try:
            data = path.read_bytes() if path.exists() else b""
            whole = whole_lines(data)
            if whole != data:
                os.truncate(path, len(whole))
        except OSError as error:
            raise _unwritable(directory, error) from None


def keep_only(folder: Path, names: set[str]) -> None:
    """Remove every file of a folder but these.

    Raises:
        RunError: a file cannot be removed.
    """
    try:
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from None


def _append(path: Path, data: bytes) -> None:
    new = not path.exists()
    disk.write(disk.APPENDED, {str(path): data})
    if new:
        disk.sync(path.parent)


def _unwritable(directory: Path, error: OSError) -> RunError:
    return RunError(
        f"cannot write the run directory {directory}: {error.strerror}. "
        "What was finished is kept; mend this and run again with --resume"
    )
