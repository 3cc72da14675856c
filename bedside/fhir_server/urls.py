"""URLs: what part of the chart a request is about."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.parameters import PARAMETERS, TYPES
from bedside.fhir_server.population import ID

__all__ = ["Target", "parse_url"]


class Target(NamedTuple):
    """What a URL names: `id` is "" for a whole type; `type` is "" for the metadata."""

    type: str
    id: str
    query: str


@lru_cache(maxsize=8192)
def parse_url(url: str) -> Target:
    """What a URL names, after any base.

    Raises:
        Refusal: 404, it names nothing that is served; 400, it is not Unicode text.
    """
    if not url.isascii():
        try:
            url.encode()
        except UnicodeEncodeError:
            raise Refusal(400, "invalid", "The URL is not valid text.") from None
    path, _, query = url.strip().partition("?")
    based = "://" in path or path.startswith("/")
    parts = [unquote(part) for part in path.split("://")[-1].split("/") if part]
    if based:
        parts = _after_base(parts)
    match parts:
        case ["metadata"]:
            return Target("", "", query)
        case [type] if type in PARAMETERS:
            return Target(type, "", query)
        case [type, id] if type in PARAMETERS:
            if not ID.fullmatch(id):
                raise Refusal(
                    404, "not-found", f"'{id}' is no id of a {type}. Read {type}/ID, or search "
                    f"{type}?PARAMETER=VALUE."
                )  # fmt: skip
            return Target(type, id, query)
        case [type, *_] if type in PARAMETERS:
            raise Refusal(404, "not-supported", f"'{path}' is not served. Read {type}/ID or "
                          f"search {type}?PARAMETER=VALUE.")  # fmt: skip
        case [type, *_]:
            raise unknown_type(type, TYPES)
        case _:
            raise Refusal(404, "not-supported", "The URL names no resource type; "
                          "for example Condition?patient=ID.")  # fmt: skip


def _after_base(parts: list[str]) -> list[str]:
    for length in (2, 1):
        if len(parts) >= length and parts[-length] in PARAMETERS:
            return parts[-length:]
    for start, part in enumerate(parts):
        if part in PARAMETERS:
            return parts[start:]
    like_types = [part for part in parts if part[0].isupper()]
    return like_types[-1:] or parts[-1:]
