"""Search results as a searchset Bundle, spliced from the bytes of the resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.outcome import Issue, outcome
from bedside.fhir_server.population import Record
from bedside.fhir_server.shapes import part_of

if TYPE_CHECKING:
    from bedside.fhir_server.query import Query

__all__ = ["searchset"]


def searchset(
    base: str,
    matches: Sequence[Record],
    included: Sequence[Record],
    *,
    links: Iterable[tuple[str, str]],
    total: int | None,
    query: Query,
) -> bytes:
    """The Bundle of a search.

    Args:
        base: what ``fullUrl`` is relative to.
        matches: of this page.
        included: what it includes.
        links: (relation, address) of this page and of others.
        total: how many match, None to leave it out.
        query: says which parts of a resource are wanted.
    """
    parts = [b'{"resourceType":"Bundle","type":"searchset"']
    if total is not None:
        parts.append(b',"total":%d' % total)
    linked = [encode({"relation": relation, "url": url}) for relation, url in links]
    parts.append(b',"link":[%b]' % b",".join(linked))
    listed = []
    if query.summary != "count":
        listed = _entries(base, matches, b"match", query)
        listed += _entries(base, included, b"include", replace(query, elements=()))
    if query.ignored:
        issues = [Issue("not-supported", text) for text in query.ignored]
        listed.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome(issues, "warning"))
    if listed:
        parts.append(b',"entry":[%b]' % b",".join(listed))
    parts.append(b"}")
    return b"".join(parts)


def _entries(base: str, records: Sequence[Record], mode: bytes, query: Query) -> list[bytes]:
    start = _start(base)
    if not query.summary and not query.elements:
        return [_entry(start, record, record.data, mode) for record in records]
    return [
        _entry(start, record, encode(part_of(record.resource, query)), mode) for record in records
    ]


def _start(base: str) -> bytes:
    return b'{"fullUrl":"%b/' % base.encode()


def _entry(start: bytes, record: Record, data: bytes, mode: bytes) -> bytes:
    place = f"{record.type}/{record.id}".encode()
    return b'%b%b","resource":%b,"search":{"mode":"%b"}}' % (start, place, data, mode)
