"""URLs: what part of the chart a request is about."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from bedside.fhir_server import definitions
from bedside.fhir_server.outcome import Refusal, unknown_type

__all__ = ["parse_url"]

_MOST_PARTS = 4
_PART = re.compile(r"[A-Za-z0-9\-.]+|[_$][a-z]+|\*")
_AT_BASE = ("metadata", "_history")


@lru_cache(maxsize=8192)
def parse_url(url: str) -> tuple[tuple[str, ...], str]:
    """The parts of a URL's path, after any base, and its query; no part for the base alone.

    Raises:
        Refusal: 404, it names nothing that is served; 400, it is not Unicode text.
    """
    if not url.isascii():
        try:
            url.encode()
        except UnicodeEncodeError:
            raise Refusal(400, "invalid", "The URL is not valid text.") from None
    path, _, query = url.strip().partition("?")
    parts = [unquote(part) for part in path.split("://")[-1].split("/") if part]
    if "://" in path or path.startswith("/"):
        parts = _after_base(parts)
    if not parts or tuple(parts) in {(name,) for name in _AT_BASE}:
        return tuple(parts), query
    if parts[0] not in _types():
        raise unknown_type(parts[0], definitions.resource_types())
    if len(parts) > _MOST_PARTS:
        raise Refusal(404, "not-supported", f"'{path}' is not served. Read {parts[0]}/ID or search "
                      f"{parts[0]}?PARAMETER=VALUE.")  # fmt: skip
    for part in parts[1:]:
        if not _PART.fullmatch(part) or len(part) > 64:
            raise Refusal(404, "not-found", f"'{part}' is no id of a {parts[0]}. Read "
                          f"{parts[0]}/ID, or search {parts[0]}?PARAMETER=VALUE.")  # fmt: skip
    return tuple(parts), query


def _after_base(parts: list[str]) -> list[str]:
    for start, part in enumerate(parts):
        if part in _types():
            return parts[start:]
    if parts and parts[-1] in _AT_BASE:
        return parts[-1:]
    return [part for part in parts if part[0].isupper()][-1:]


@lru_cache(maxsize=1)
def _types() -> frozenset[str]:
    return frozenset(definitions.resource_types())
