"""One writer a run directory.

The lock is the operating system's, taken through SQLite, which ships with Python and behaves the
same everywhere. It is gone the moment its process is, so no stale lock is ever left behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bedside.core.errors import RunError

__all__ = ["locked"]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory for this process.

    Raises:
        RunError: another run is writing there, or the directory cannot be written.
    """
    with closing(_acquired(directory)):
        yield


def _acquired(directory: Path) -> sqlite3.Connection:
    connection = None
    try:
        connection = sqlite3.connect(directory / ".lock", timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        return connection
    except sqlite3.OperationalError as error:
        if connection is not None:
            connection.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise RunError(
                f"another process is writing the run {directory}; wait until it has ended"
            ) from None
        raise RunError(f"cannot write the run directory {directory}: {error}") from None
