"""History: the versions of one resource, of a type, or of the whole chart, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.overlay import Overlay, Version
from bedside.fhir_server.population import Record
from bedside.fhir_server.query import Query
from bedside.fhir_server.requests import JSON, Response
from bedside.fhir_server.shapes import SHAPING, part_of, shape

__all__ = ["history"]

_PAGE = 100
_PARAMETERS = ("_count", "_since", "_page", *SHAPING)
_ANY_TYPE = "Basic"


class _Query(NamedTuple):
    """How many versions a page holds, from when, and where it starts."""

    most: int
    since: datetime | None
    written: int
    skip: int


def history(chart: Overlay, type: str, id: str, query: str) -> Response:
    """The versions as a Bundle; `type` and `id` are "" for all.

    A page after the first shows the history as it was when the first was read.

    Raises:
        Refusal: 400 for a parameter that is not valid, 404 where nothing ever was.
    """
    asked = _parse(query, len(chart.log))
    wanted = _shape(chart, type, query)
    versions = _versions(chart, type, id, asked.written)
    if asked.since is not None:
        since = asked.since
        versions = (v for v in versions if v.time and datetime.fromisoformat(v.time) >= since)
    page = list(islice(versions, asked.skip, asked.skip + asked.most + 1))
    if id and not page and asked.since is None and not asked.skip:
        raise Refusal(404, "not-found", f"There was never a {type} with id '{id}'.")
    path = "/".join(filter(None, [chart.base, type, id, "_history"]))
    links = [_link("self", path, query)]
    if len(page) > asked.most:
        following = f"{asked.written}.{asked.skip + asked.most}"
        links.append(_link("next", path, _with_page(query, following)))
    body = b'{"resourceType":"Bundle","type":"history","link":[%b]' % b",".join(links)
    born = {(v.type, v.id, v.number + 1) for v in chart.log[: asked.written] if v.record is None}
    entries = [
        _entry(chart.base, version, wanted, created=version.number == 1 or version[:3] in born)
        for version in page[: asked.most]
    ]
    if entries:
        body += b',"entry":[%b]' % b",".join(entries)
    return Response(200, {"Content-Type": JSON}, body + b"}")


def _versions(chart: Overlay, type: str, id: str, written: int) -> Iterator[Version]:
    for version in reversed(chart.log[:written]):
        if type in ("", version.type) and id in ("", version.id):
            yield version
    if id:
        record = chart.beneath(type, id)
        if record is not None:
            yield _beneath(record)
        return
    for each in [type] if type else definitions.resource_types():
        for record in chart.start.of_type(each):
            yield _beneath(record)
        for record in chart.population.of_type(each):
            if chart.start.get(each, record.id) is None:
                yield _beneath(record)


def _beneath(record: Record) -> Version:
    time = record.resource.get("meta", {}).get("lastUpdated", "")
    method = "POST" if record.version == 1 else "PUT"
    return Version(record.type, record.id, record.version, method, time, record)


def _shape(chart: Overlay, type: str, query: str) -> Query:
    """What of each version is asked for; that of several types has no elements by name."""
    wanted = shape(chart.parameters, type or _ANY_TYPE, query)
    if wanted.elements and not type:
        raise _invalid("_elements names elements of one type: ask for TYPE/_history.")
    return wanted


def _entry(base: str, version: Version, wanted: Query, *, created: bool) -> bytes:
    place = f"{version.type}/{version.id}"
    url = version.type if version.method == "POST" else place
    response = {"status": "201" if created else "200", "etag": f'W/"{version.number}"'}
    if version.time:
        response["lastModified"] = version.time
    about = encode({"request": {"method": version.method, "url": url}, "response": response})
    resource = b"" if version.record is None else b'"resource":%b,' % _data(version.record, wanted)
    full_url = encode(f"{base}/{place}")
    return b'{"fullUrl":%b,%b%b' % (full_url, resource, about[1:])


def _data(record: Record, wanted: Query) -> bytes:
    if wanted.summary or wanted.elements:
        return encode(part_of(record.resource, wanted))
    return record.data


def _parse(query: str, written: int) -> _Query:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in _PARAMETERS:
            raise _invalid(f"A history takes {', '.join(_PARAMETERS)}, not '{name}'.")
    count, page = given.get("_count", str(_PAGE)), given.get("_page", f"{written}.0")
    if not (count.isascii() and count.isdigit() and int(count[:9]) > 0):
        raise _invalid(f"_count is a whole number from 1, not '{count}'.")
    until, _, skip = page.partition(".")
    if not (until.isascii() and until.isdigit() and skip.isascii() and skip.isdigit()):
        raise _invalid(f"_page is no page of this history: '{page}'. Follow the next link.")
    if int(until) > written:
        raise _invalid(f"_page is no page of this history: '{page}'. Follow the next link.")
    return _Query(int(count[:9]), _since(given.get("_since")), int(until), int(skip))


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise _invalid(f"_since is an instant, YYYY-MM-DDThh:mm:ss+zz:zz, not '{text}'.")
    return since


def _with_page(query: str, page: str) -> str:
    kept = [(name, value) for name, value in parse_qsl(query) if name != "_page"]
    return urlencode([*kept, ("_page", page)])


def _link(relation: str, path: str, query: str) -> bytes:
    return encode({"relation": relation, "url": f"{path}?{query}" if query else path})


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
