"""Files that are on the disk, and not merely on their way there, when a call returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["APPENDED", "NEW", "sync", "write", "write_whole"]

NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
APPENDED = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def write(flags: int, contents: Mapping[str, bytes], mode: int = 0o644) -> None:
    """Write every file, then flush every file: the disk does less than for one after the other.

    Args:
        flags: :data:`NEW` or :data:`APPENDED`.
        contents: by path.
        mode: the permissions of a file that is made.
    """
    files: list[int] = []
    try:
        for path, data in contents.items():
            files.append(os.open(path, flags, mode))
            view = memoryview(data)
            while view:
                view = view[os.write(files[-1], view) :]
        for file in files:
            os.fsync(file)
    finally:
        for file in files:
            os.close(file)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either there completely or as it was before."""
    write(NEW, {f"{path}.tmp": data}, mode)
    Path(f"{path}.tmp").replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush a file that is closed, or the names in a folder, where the system can."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
