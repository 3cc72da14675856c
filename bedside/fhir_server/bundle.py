"""Search results as a searchset Bundle, spliced from the bytes of the resources."""

from __future__ import annotations

from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.population import BASE, Record
from bedside.fhir_server.search import Query

__all__ = ["searchset"]


def searchset(query: Query, found: list[Record]) -> bytes:
    """The page of `found` that the query asks for, with links to itself and to the next."""
    end = len(found) if query.count is None else query.offset + query.count
    page = found[query.offset : end]
    links = [_link("self", query, query.text)]
    if query.count and end < len(found):
        kept = [part for part in query.text.split("&") if not part.startswith("_offset=")]
        links.append(_link("next", query, "&".join([*kept, f"_offset={end}"])))
    head = b'{"resourceType":"Bundle","type":"searchset","total":%d,"link":[%b]' % (
        len(found), b",".join(links)
    )  # fmt: skip
    if not page:
        return head + b"}"
    return head + b',"entry":[' + b",".join([record.entry for record in page]) + b"]}"


def _link(relation: str, query: Query, text: str) -> bytes:
    url = f"{BASE}/{query.type}?{text}" if text else f"{BASE}/{query.type}"
    return encode({"relation": relation, "url": url})
