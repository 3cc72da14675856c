"""Secrets of private suites: whoever has the file can draw the cases, and nobody else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bedside.core.errors import CaseError

__all__ = ["secret_root"]

_SHORTEST = 16
"""Bytes a secret has at least."""


def secret_root(path: Path) -> int:
    """The root of the random choices of a private suite.

    Args:
        path: a file with a secret of 16 bytes or more.

    Raises:
        CaseError: the file cannot be read, or is too short to be a secret.
    """
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise CaseError(f"cannot read the secret in {path}: {error.strerror}") from None
    if len(secret) < _SHORTEST:
        raise CaseError(f"{path}: a secret has {_SHORTEST} bytes or more; this has {len(secret)}")
    return int.from_bytes(hashlib.sha256(secret).digest()[:8], "big")
