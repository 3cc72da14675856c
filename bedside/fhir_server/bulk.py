"""Resources in and out of files: NDJSON, plain or gzipped, and Bundles."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from bedside.core.errors import PopulationError
from bedside.fhir_server.population import Record

__all__ = ["Line", "lines_of", "write_bundle", "write_ndjson"]

_URN = re.compile(rb'("reference"\s*:\s*")(urn:uuid:[^"\\]+)"')
_CONDITIONAL = re.compile(rb'"reference"\s*:\s*"([A-Za-z]+)\?identifier=([^"\\|&]*)\|([^"\\&]+)"')
_LOGICAL = rb'"type":"\1","identifier":{"system":"\2","value":"\3"}'
_ENDINGS = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz", ".json", ".json.gz")


class Line(NamedTuple):
    """One resource: its JSON as it stands, and where it is from, for messages."""

    text: bytes
    origin: str


class _Entry(msgspec.Struct):
    fullUrl: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str = ""


class _Bundle(msgspec.Struct):
    resourceType: str = ""
    entry: list[_Entry] = []


def lines_of(sources: Iterable[Path]) -> Iterator[Line]:
    """The resources in files and folders of files, in the order of their names.

    A ``.json`` file holds one Bundle, whose entries are taken, or one resource; any other holds one
    resource a line. In a Bundle, references to ``urn:uuid`` addresses lead to the entries with
    these, and conditional ones (``Practitioner?identifier=SYSTEM|VALUE``), as in Synthea's, become
    logical ones.

    Raises:
        PopulationError: a source is not there, cannot be read, or is no such file.
    """
    for source in sources:
        if not source.exists():
            raise PopulationError(f"{source} is not there")
        for path in _files(source):
            try:
                yield from _lines(path)
            except (OSError, EOFError) as error:
                raise PopulationError(f"cannot read {path}: {error}") from None


def write_ndjson(records: Iterable[Record], folder: Path) -> dict[str, int]:
    """Write resources as ``TYPE.ndjson``, a file a type; how many of each there are.

    Raises:
        PopulationError: the folder cannot be written.
    """
    counts: dict[str, int] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for record in records:
            new = record.type not in counts
            with (folder / f"{record.type}.ndjson").open("wb" if new else "ab") as file:
                file.write(_on_one_line(record.data) + b"\n")
            counts[record.type] = counts.get(record.type, 0) + 1
    except OSError as error:
        raise PopulationError(f"cannot write {folder}: {error.strerror}") from None
    return counts


def write_bundle(records: Iterable[Record], path: Path) -> int:
    """Write resources as one collection Bundle; how many there are.

    Raises:
        PopulationError: the file cannot be written.
    """
    count = 0
    try:
        with path.open("wb") as file:
            file.write(b'{"resourceType":"Bundle","type":"collection"')
            for record in records:
                file.write(b',"entry":[\n' if count == 0 else b",\n")
                file.write(b'{"resource":%b}' % record.data)
                count += 1
            file.write(b"\n]}\n" if count else b"}\n")
    except OSError as error:
        raise PopulationError(f"cannot write {path}: {error.strerror}") from None
    return count


def _files(source: Path) -> list[Path]:
    if source.is_file():
        if not source.name.endswith(_ENDINGS):
            raise PopulationError(f"{source} is none of: {', '.join(_ENDINGS)}")
        return [source]
    files = sorted(path for path in source.rglob("*") if path.name.endswith(_ENDINGS))
    if not files:
        raise PopulationError(f"{source} holds no file that ends in: {', '.join(_ENDINGS)}")
    return files


def _lines(path: Path) -> Iterator[Line]:
    opening = gzip.open if path.name.endswith(".gz") else open
    with opening(path, "rb") as file:
        if path.name.removesuffix(".gz").endswith(".json"):
            yield from _entries(file.read(), path)
            return
        for number, line in enumerate(file, start=1):
            text = line.strip()
            if text:
                yield Line(text, f"{path}, line {number}")


def _entries(text: bytes, path: Path) -> Iterator[Line]:
    try:
        bundle = msgspec.json.decode(text, type=_Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PopulationError(f"{path}: this is no FHIR resource as JSON: {error}") from None
    if bundle.resourceType != "Bundle":
        yield Line(text.strip(), str(path))
        return
    places = {entry.fullUrl: place for entry in bundle.entry if (place := _place(entry))}
    for number, entry in enumerate(bundle.entry):
        resource = bytes(entry.resource)
        if resource:
            yield Line(_resolved(resource, places), f"{path}, entry[{number}]")


def _place(entry: _Entry) -> bytes:
    """``Type/id`` of an entry that is known by a ``urn:uuid`` address, else nothing."""
    if not entry.fullUrl.startswith("urn:uuid:") or not bytes(entry.resource):
        return b""
    try:
        head = msgspec.json.decode(entry.resource, type=_Head)
    except msgspec.MsgspecError:
        return b""
    return f"{head.resourceType}/{head.id}".encode() if head.resourceType and head.id else b""


def _resolved(resource: bytes, places: dict[str, bytes]) -> bytes:
    """A resource of a Bundle, its references as they are outside of it."""

    def led(found: re.Match[bytes]) -> bytes:
        place = places.get(found[2].decode(errors="replace"))
        return found[1] + place + b'"' if place else found[0]

    return _CONDITIONAL.sub(_LOGICAL, _URN.sub(led, resource))


def _on_one_line(text: bytes) -> bytes:
    """JSON without line breaks; they stand between its tokens only."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")
