"""The links in a resource's JSON text, found by the types R4 gives its elements and changed there.

Nothing else of the text is touched, so that what is stored is what the client sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import Json, decode_any, encode

__all__ = ["Kind", "change_links", "narrative_links"]

Kind = Literal["reference", "address", "narrative"]
"""``Reference.reference``; an element of type uri, url, oid or uuid; a narrative's XHTML."""

_KINDS: dict[str, Kind] = {
    "uri": "address",
    "url": "address",
    "oid": "address",
    "uuid": "address",
    "xhtml": "narrative",
}
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_LINK = re.compile(r"""((?:href|src)\s*=\s*)(["'])(.*?)\2""")


def change_links(text: bytes, change: Callable[[Kind, str], str]) -> bytes:
    """The JSON of a resource with each link replaced by what `change` makes of it.

    Args:
        text: one JSON object that repeats no name.
        change: given the kind of a link and its text; what it returns is written.
    """
    strings = _strings(decode_any(text), "Resource")

    def changed(match: re.Match[bytes]) -> bytes:
        kind = next(strings)
        if kind is None:
            return match[0]
        before = json.loads(match[0])
        after = change(kind, before)
        return match[0] if after == before else encode(after)

    return _STRING.sub(changed, text)


def narrative_links(xhtml: str, change: Callable[[str], str]) -> str:
    """A narrative with the address of each ``href`` and ``src`` changed."""
    return _LINK.sub(lambda match: f"{match[1]}{match[2]}{change(match[3])}{match[2]}", xhtml)


def _strings(value: Any, type: str) -> Iterator[Kind | None]:
    """For each string of a value's JSON, names of members among them, what link it is."""
    if isinstance(value, str):
        yield _KINDS.get(type)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, type)
    elif isinstance(value, dict):
        types = _members(_own_type(value, type))
        for name, member in value.items():
            yield None
            if name == "reference" and type == "Reference" and isinstance(member, str):
                yield "reference"
            else:
                yield from _strings(member, types.get(name, ""))


def _own_type(value: Json, type: str) -> str:
    return str(value.get("resourceType", "")) if type == "Resource" else type


@cache
def _members(type: str) -> Mapping[str, str]:
    """The type of each JSON member of a type; empty for an unknown one."""
    try:
        elements = definitions.elements(type)
    except KeyError:
        return {}
    members: dict[str, str] = {}
    for name, element in elements.items():
        plain = name.removesuffix("[x]")
        for each in element.types:
            member = f"{plain}{each[0].upper()}{each[1:]}" if plain != name else plain
            members[member] = each
            members[f"_{member}"] = "Element"
    return members
