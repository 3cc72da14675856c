"""One writer a directory.

The lock is the operating system's, taken through SQLite, which ships with Python and behaves the
same everywhere. It is gone the moment its process is, so no stale lock is ever left behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bedside.core.errors import UserError

__all__ = ["locked"]


@contextmanager
def locked(directory: Path, error: type[UserError], busy: str) -> Iterator[None]:
    """Hold a directory for this process.

    Args:
        directory: it must exist.
        error: what is raised.
        busy: what another process is doing there, for the message.

    Raises:
        UserError: of the kind given; another process holds it, or it cannot be written.
    """
    with closing(_acquired(directory, error, busy)):
        yield


def _acquired(directory: Path, error: type[UserError], busy: str) -> sqlite3.Connection:
    connection = None
    try:
        connection = sqlite3.connect(directory / ".lock", timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        return connection
    except sqlite3.OperationalError as refused:
        if connection is not None:
            connection.close()
        if refused.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise error(f"{busy} in {directory}; wait until it has ended") from None
        raise error(f"cannot write {directory}: {refused}") from None
