"""Copying what another FHIR server holds, page by page, its JSON as the server sends it."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException
from typing import TypeVar
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

import msgspec

from bedside.core.errors import PopulationError
from bedside.fhir_server.bulk import Line

__all__ = ["is_address", "lines_at"]

T = TypeVar("T")

_PAGE = 500
"""Resources asked for at once."""
_PATIENCE = 120.0
"""Seconds to wait for a page."""
_SKIPPED = frozenset({"OperationDefinition", "StructureDefinition", "SearchParameter"})
"""Types that say what a server can do, not what it holds."""


class _Interaction(msgspec.Struct):
    code: str = ""


class _Type(msgspec.Struct):
    type: str
    interaction: list[_Interaction] = []


class _Rest(msgspec.Struct):
    resource: list[_Type] = []


class _Capability(msgspec.Struct):
    rest: list[_Rest] = []


class _Search(msgspec.Struct, frozen=True):
    mode: str = "match"


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")
    search: _Search = _Search()


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Page(msgspec.Struct):
    entry: list[_Entry] = []
    link: list[_Link] = []


def is_address(source: str) -> bool:
    """Whether a source is the base address of a FHIR server."""
    return source.startswith(("http://", "https://"))


def lines_at(base: str) -> Iterator[Line]:
    """Every resource that a FHIR R4 server can be searched for, type by type.

    Args:
        base: its base address, such as ``http://localhost:8080/fhir``.

    Raises:
        PopulationError: it cannot be reached, or what it sends is no FHIR.
    """
    base = base.rstrip("/")
    capability = _read(f"{base}/metadata?_format=json", _Capability)
    types = [each for rest in capability.rest for each in rest.resource]
    for each in types:
        if each.type in _SKIPPED or "search-type" not in {i.code for i in each.interaction}:
            continue
        address: str | None = f"{base}/{each.type}?_count={_PAGE}"
        while address:
            page = _read(address, _Page)
            for entry in page.entry:
                if entry.search.mode == "match" and bytes(entry.resource):
                    yield Line(bytes(entry.resource), address)
            address = _next(page, address)


def _next(page: _Page, address: str) -> str | None:
    """The address of the next page, on the host that was asked; a server may call itself else."""
    for link in page.link:
        if link.relation == "next" and link.url:
            here, there = urlsplit(address), urlsplit(link.url)
            following = urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))
            return None if following == address else following
    return None


def _read(address: str, kind: type[T]) -> T:
    request = Request(address, headers={"Accept": "application/fhir+json"})
    try:
        with urlopen(request, timeout=_PATIENCE) as response:
            return msgspec.json.decode(response.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise PopulationError(f"{address} sends no FHIR as JSON: {error}") from None
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise PopulationError(
            f"cannot read {address}: {reason}; give the base address of a FHIR R4 server, such as "
            "http://localhost:8080/fhir"
        ) from None
