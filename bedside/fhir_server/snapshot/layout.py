"""What a snapshot is on disk: a folder with a manifest, and for each type its JSON and columns.

The JSON of a type's resources stands in one file, ordered by id. The columns beside it are NumPy
arrays over the same order: where each resource begins, the ids, for each token or reference
parameter the resources that have a key, and for each date parameter from when to when.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bedside.core.errors import PopulationError
from bedside.fhir_server.values import FOREVER, Key

__all__ = [
    "EVER",
    "FORMAT",
    "MANIFEST",
    "UNIT",
    "Manifest",
    "TypeEntry",
    "column",
    "hash_key",
    "read_manifest",
    "verify",
]

FORMAT = 3
MANIFEST = "manifest.json"
UNIT = 1000
"""Nanoseconds in one unit of a date's column."""
EVER = FOREVER // UNIT
"""Where a range has no end; a resource without a date begins there."""
_CHUNK = 1 << 20


class TypeEntry(msgspec.Struct, frozen=True):
    """One resource type of a snapshot.

    Attributes:
        count: resources.
        keyed: names of the token and reference parameters with an index.
        dated: names of the date parameters with a column; every resource has one value at most.
    """

    count: int
    keyed: tuple[str, ...]
    dated: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot holds.

    Attributes:
        format: version of this layout.
        digest: sha256 over every resource's JSON, by type and id; the same for the same content.
        types: by resource type.
        sizes: bytes of each file.
        hashes: sha256 of each file.
    """

    format: int
    digest: str
    types: dict[str, TypeEntry]
    sizes: dict[str, int]
    hashes: dict[str, str]

    @property
    def count(self) -> int:
        """Resources in all."""
        return sum(entry.count for entry in self.types.values())


def read_manifest(folder: Path) -> Manifest:
    """The manifest, once every file it names is there in full.

    Raises:
        PopulationError: the folder is no snapshot, of another format, or a file is cut short.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise PopulationError(f"{folder} is no snapshot: {error.strerror}: {MANIFEST}") from None
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise PopulationError(f"{folder / MANIFEST} is damaged: {error}; build it again") from None
    if manifest.format != FORMAT:
        raise PopulationError(
            f"{folder} has format {manifest.format}; this version of Bedside reads {FORMAT}: "
            "build it again"
        )
    for name, size in manifest.sizes.items():
        path = folder / name
        if not path.is_file():
            raise PopulationError(f"{path} is missing; build the snapshot again")
        if path.stat().st_size != size:
            raise PopulationError(
                f"{path} has {path.stat().st_size:,} bytes instead of {size:,}; build the snapshot "
                "again"
            )
    return manifest


def verify(folder: Path) -> Manifest:
    """Compare every byte with the manifest's hashes.

    Raises:
        PopulationError: a file is damaged, or as :func:`read_manifest`.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest.hashes.items():
        if file_hash(folder / name) != expected:
            raise PopulationError(f"{folder / name} is damaged; build the snapshot again")
    return manifest


def file_hash(path: Path) -> str:
    """sha256 of a file."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def column(folder: Path, type: str, name: str) -> Any:
    """A column, mapped into memory; nothing is read before it is used."""
    return np.asarray(np.load(folder / f"{type}.{name}.npy", mmap_mode="r", allow_pickle=False))


def hash_key(key: Key) -> int:
    """A key as 64 bits, the same on every machine."""
    system, code = key
    text = f"{'' if system is None else f'={system}'}\x1f{'' if code is None else f'={code}'}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
