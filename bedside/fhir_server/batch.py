"""Batch and transaction Bundles: many requests in one."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from bedside.fhir_server import search
from bedside.fhir_server.jsontext import Json, encode
from bedside.fhir_server.outcome import Issue, Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.requests import JSON, Request, Response, object_in

__all__ = ["Answer", "run_bundle"]

Answer = Callable[[Overlay, Request], Response]
Parse = Callable[[str], tuple[tuple[str, ...], str]]

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""The order of the specification: https://hl7.org/fhir/R4/http.html#trules."""

_STRING = re.compile(rb'("(?:value|div|reference)"\s*:\s*)?"((?:[^"\\]|\\.)*)"')
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)")
_HEADERS = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifNoneExist": "if-none-exist",
    "ifModifiedSince": "if-modified-since",
}


class _RawEntry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _RawBundle(msgspec.Struct):
    entry: list[_RawEntry] = []


class _Entry(NamedTuple):
    """One entry: its place in the Bundle, its address there, and what it asks."""

    at: int
    full_url: str
    request: Request


def run_bundle(chart: Overlay, request: Request, parse: Parse, answer: Answer) -> Response:
    """Carry out a batch, each entry for itself, or a transaction, all or nothing.

    Args:
        chart: what it is carried out on.
        request: its body is the Bundle.
        parse: takes a URL apart into the parts of its path and its query.
        answer: carries out one entry; raises Refusal.

    Raises:
        Refusal: 400 for a Bundle that cannot be read; for a transaction, what its first failing
            entry says, and nothing is changed then.
    """
    bundle, text = object_in(request.body, "Bundle")
    kind = bundle.get("type")
    if bundle.get("resourceType") != "Bundle" or kind not in ("batch", "transaction"):
        raise Refusal(400, "value", "The base takes a Bundle of type 'batch' or 'transaction', "
                      f"not {bundle.get('resourceType')!r} of type {kind!r}.",
                      "Bundle.type")  # fmt: skip
    listed = bundle.get("entry", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Refusal(400, "structure", "Bundle.entry is an array of objects.", "Bundle.entry")
    if kind == "batch":
        responses = [
            _by_itself(chart, number, entry, raw, request, parse, answer)
            for number, (entry, raw) in enumerate(zip(listed, _raw(text), strict=True))
        ]
    else:
        entries = [
            _entry(number, entry, raw, request, parse)
            for number, (entry, raw) in enumerate(zip(listed, _raw(text), strict=True))
        ]
        responses = _transaction(chart, entries, answer)
    parts = b",".join(map(_part, responses))
    body = b'{"resourceType":"Bundle","type":"%b-response"' % kind.encode()
    return Response(
        200, {"Content-Type": JSON}, body + (b',"entry":[%b]}' % parts if parts else b"}")
    )


def _raw(text: bytes) -> list[bytes]:
    return [bytes(entry.resource) for entry in msgspec.json.decode(text, type=_RawBundle).entry]


def _entry(at: int, entry: Json, resource: bytes, outer: Request, parse: Parse) -> _Entry:
    where = f"Bundle.entry[{at}].request"
    asked = entry.get("request")
    if not isinstance(asked, dict):
        raise Refusal(400, "required", f"{where} is required: method and url.", where)
    method, url = asked.get("method"), asked.get("url")
    if not isinstance(method, str) or method not in _ORDER:
        raise Refusal(400, "value", f"{where}.method is {method!r}; use one of: "
                      f"{', '.join(_ORDER)}.", f"{where}.method")  # fmt: skip
    if not isinstance(url, str):
        raise Refusal(400, "required", f"{where}.url is required.", f"{where}.url")
    headers = {header: str(asked[name]) for name, header in _HEADERS.items() if name in asked}
    if "prefer" in outer.headers:
        headers["prefer"] = outer.headers["prefer"]
    body: bytes | None = resource or None
    if method == "PATCH" and isinstance(entry.get("resource"), dict):
        body = _patch_body(entry["resource"], where)
    full_url = entry.get("fullUrl", "")
    try:
        path, query = parse(url)
    except Refusal as refusal:
        raise _located(refusal, at) from None
    return _Entry(
        at,
        full_url if isinstance(full_url, str) else "",
        Request(method, path, query, headers, body),
    )


def _patch_body(binary: Json, where: str) -> bytes:
    """The JSON Patch that a Binary carries."""
    try:
        return base64.b64decode(binary["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, "value", f"For {where}, the resource of a PATCH is a Binary whose data "
                      "is the JSON Patch in base64.", where) from None  # fmt: skip


def _by_itself(
    chart: Overlay,
    at: int,
    entry: Json,
    raw: bytes,
    outer: Request,
    parse: Parse,
    answer: Answer,
) -> Response:
    try:
        return answer(chart, _entry(at, entry, raw, outer, parse).request)
    except Refusal as refusal:
        return Response(refusal.status, {"Content-Type": JSON, **refusal.headers}, refusal.body())


def _transaction(chart: Overlay, entries: list[_Entry], answer: Answer) -> list[Response]:
    work = chart.fork()
    places: dict[str, str] = {}
    seen: set[tuple[str, ...]] = set()
    ready: list[_Entry] = []
    for entry in entries:
        try:
            ready.append(_resolved(work, entry, places, seen))
        except Refusal as refusal:
            raise _located(refusal, entry.at) from None
    responses: dict[int, Response] = {}
    for entry in sorted(ready, key=lambda entry: _ORDER[entry.request.method]):
        try:
            body = _rewritten(work, entry.request.body, places)
            responses[entry.at] = answer(work, entry.request._replace(body=body))
        except Refusal as refusal:
            raise _located(refusal, entry.at) from None
    chart.adopt(work)
    return [responses[entry.at] for entry in entries]


def _resolved(
    work: Overlay, entry: _Entry, places: dict[str, str], seen: set[tuple[str, ...]]
) -> _Entry:
    """The entry with the id it will have; notes in `places` where its address will lead."""
    request = entry.request
    if request.method == "POST" and len(request.path) == 1:
        type = request.path[0]
        existing = None
        if "if-none-exist" in request.headers:
            existing = search.only_match(work, type, request.headers["if-none-exist"])
        id = existing.id if existing else work.new_id(type)
        if existing is None:
            request = request._replace(new_id=id)
        _note_places(places, entry.full_url, type, id)
    elif request.method in ("PUT", "PATCH", "DELETE") and request.path:
        type = request.path[0]
        id = request.path[1] if len(request.path) == 2 else ""
        if not id and request.query:
            match = search.only_match(work, type, request.query)
            id = match.id if match else ""
        if not id and request.method == "PUT":
            id = work.new_id(type)
            request = request._replace(new_id=id)
        if id:
            if (type, id) in seen:
                raise Refusal(400, "invalid", f"{type}/{id} is changed twice in one transaction.")
            seen.add((type, id))
            if request.method != "DELETE":
                _note_places(places, entry.full_url, type, id)
    return entry._replace(request=request)


def _note_places(places: dict[str, str], full_url: str, type: str, id: str) -> None:
    place = f"{type}/{id}"
    if not full_url or full_url == place:
        return
    places[full_url] = place
    temporary = "/".join(full_url.split("/")[-2:])
    if "://" in full_url and temporary.startswith(f"{type}/") and temporary != place:
        places[temporary] = place


def _rewritten(work: Overlay, body: Any, places: Mapping[str, str]) -> Any:
    """The JSON text with every link into the Bundle, and every conditional reference, resolved.

    The value of an identifier is no link, so a member named "value" stays as it is.
    """
    if not isinstance(body, bytes):
        return body

    def link(match: re.Match[bytes]) -> bytes:
        name, text = match[1] or b"", match[2].decode()
        if name.startswith(b'"value"'):
            return match[0]
        if name.startswith(b'"div"'):
            for place, goal in places.items():
                text = text.replace(f'\\"{place}\\"', f'\\"{goal}\\"')
            return b'%b"%b"' % (name, text.encode())
        if name.startswith(b'"reference"') and _CONDITIONAL.fullmatch(text):
            return b'%b"%b"' % (name, _condition_met(work, text).encode())
        return b'%b"%b"' % (name, places.get(text, text).encode())

    return _STRING.sub(link, body)


def _condition_met(work: Overlay, text: str) -> str:
    type, _, query = text.partition("?")
    match = search.only_match(work, type, query)
    if match is None:
        raise Refusal(412, "not-found", f"No resource matches the conditional reference '{text}'.")
    return f"{type}/{match.id}"


def _located(refusal: Refusal, at: int) -> Refusal:
    """The refusal with the entry's place before each element."""
    where = f"Bundle.entry[{at}]"
    issues = [
        Issue(
            issue.code,
            f"{where}: {issue.diagnostics}",
            tuple(f"{where}.resource.{path}" for path in issue.expression) or (where,),
        )
        for issue in refusal.issues
    ]
    return Refusal.of(refusal.status, issues)


def _part(response: Response) -> bytes:
    about: dict[str, Any] = {"status": str(response.status)}
    for header, name in (("Location", "location"), ("ETag", "etag")):
        if header in response.headers:
            about[name] = response.headers[header]
    member = b"outcome" if response.status >= 400 else b"resource"
    text = encode(about)
    if not response.body:
        return b'{"response":%b}' % text
    if member == b"outcome":
        return b'{"response":%b,"outcome":%b}}' % (text[:-1], response.body)
    return b'{"resource":%b,"response":%b}' % (response.body, text)
