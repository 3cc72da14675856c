"""Batch and transaction Bundles: many requests in one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from bedside.fhir_server.jsontext import Json, encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.requests import JSON, Request, Response, object_in
from bedside.fhir_server.transaction import Answer, Entry, located, transact
from bedside.fhir_server.validation import repair, validate, validate_entry

__all__ = ["run_bundle"]

Parse = Callable[[str], tuple[tuple[str, ...], str]]

_HEADERS = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifNoneExist": "if-none-exist",
    "ifModifiedSince": "if-modified-since",
}


_OUTCOME = b'{"resourceType":"OperationOutcome"'


class _Answered(NamedTuple):
    """The response to an entry and the method of its request, "" if that cannot be read."""

    method: str
    response: Response


class _Meta(msgspec.Struct):
    lastUpdated: str = ""


class _Stored(msgspec.Struct):
    meta: _Meta


class _RawEntry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _RawBundle(msgspec.Struct):
    entry: list[_RawEntry] = []


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
    _refuse_bad_head(chart, bundle)
    listed = bundle.get("entry", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Refusal(400, "structure", "Bundle.entry is an array of objects.", "Bundle.entry")
    if kind == "batch":
        answered = [
            _by_itself(chart, number, entry, raw, request, parse, answer)
            for number, (entry, raw) in enumerate(zip(listed, _raw(text), strict=True))
        ]
    else:
        entries = [
            _entry(chart, number, entry, raw, request, parse)
            for number, (entry, raw) in enumerate(zip(listed, _raw(text), strict=True))
        ]
        responses = transact(chart, entries, answer)
        answered = [
            _Answered(entry.request.method, response)
            for entry, response in zip(entries, responses, strict=True)
        ]
    parts = b",".join(_part(each, request) for each in answered)
    body = b'{"resourceType":"Bundle","type":"%b-response"' % kind.encode()
    return Response(
        200, {"Content-Type": JSON}, body + (b',"entry":[%b]}' % parts if parts else b"}")
    )


def _raw(text: bytes) -> list[bytes]:
    return [bytes(entry.resource) for entry in msgspec.json.decode(text, type=_RawBundle).entry]


def _refuse_bad_head(chart: Overlay, bundle: Json) -> None:
    """Raise a 400 :class:`Refusal` if the Bundle is not valid R4, its entries left aside."""
    head = {name: value for name, value in bundle.items() if name != "entry"}
    if chart.policy.validation == "lenient":
        head, _ = repair(head)
    issues = validate(head)
    if issues:
        raise Refusal.of(400, issues)


def _entry(
    chart: Overlay, at: int, entry: Json, resource: bytes, outer: Request, parse: Parse
) -> Entry:
    where = f"Bundle.entry[{at}].request"
    about = _about(chart, at, entry)
    asked = about["request"]
    method = asked["method"]
    headers = {header: asked[name] for name, header in _HEADERS.items() if name in asked}
    if "prefer" in outer.headers:
        headers["prefer"] = outer.headers["prefer"]
    body: bytes | None = resource or None
    if method == "PATCH" and isinstance(entry.get("resource"), dict):
        body = _patch_body(entry["resource"], where)
        headers["content-type"] = str(entry["resource"].get("contentType", ""))
    try:
        path, query = parse(asked["url"])
    except Refusal as refusal:
        raise located(refusal, at) from None
    return Entry(at, about.get("fullUrl", ""), Request(method, path, query, headers, body))


def _about(chart: Overlay, at: int, entry: Json) -> Json:
    """An entry without its resource.

    Raises:
        Refusal: 400, it is not valid R4, or asks for nothing.
    """
    about = {name: value for name, value in entry.items() if name != "resource"}
    if chart.policy.validation == "lenient":
        repaired, _ = repair({"resourceType": "Bundle", "entry": [about]})
        about = repaired.get("entry", [{}])[0]
    if "request" not in about:
        where = f"Bundle.entry[{at}].request"
        raise Refusal(400, "required", f"{where} is required: method and url.", where)
    issues = validate_entry(about, at)
    if issues:
        raise Refusal.of(400, issues)
    return about


def _patch_body(binary: Json, where: str) -> bytes:
    """The patch that a Binary carries."""
    try:
        return base64.b64decode(binary["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, "value", f"For {where}, the resource of a PATCH is a Binary whose data "
                      "is the patch in base64.", where) from None  # fmt: skip


def _by_itself(
    chart: Overlay,
    at: int,
    entry: Json,
    raw: bytes,
    outer: Request,
    parse: Parse,
    answer: Answer,
) -> _Answered:
    method = ""
    try:
        request = _entry(chart, at, entry, raw, outer, parse).request
        method = request.method
        return _Answered(method, answer(chart, request))
    except Refusal as refusal:
        headers = {"Content-Type": JSON, **refusal.headers}
        return _Answered(method, Response(refusal.status, headers, refusal.body()))


def _part(answered: _Answered, outer: Request) -> bytes:
    response = answered.response
    about: dict[str, Any] = {"status": str(response.status)}
    for header, name in (("Location", "location"), ("ETag", "etag")):
        if header in response.headers:
            about[name] = response.headers[header]
    if "Last-Modified" in response.headers:
        about["lastModified"] = _modified(response)
    text = encode(about)
    if not response.body:
        return b'{"response":%b}' % text
    if response.status >= 400 or _only_tells(answered, outer):
        return b'{"response":%b,"outcome":%b}}' % (text[:-1], response.body)
    return b'{"resource":%b,"response":%b}' % (response.body, text)


def _only_tells(answered: _Answered, outer: Request) -> bool:
    """Whether the body of the response to a write is about it, not what was written."""
    if answered.method == "DELETE":
        return True
    return (
        "Location" in answered.response.headers
        and outer.prefers("return") == "OperationOutcome"
        and answered.response.body.startswith(_OUTCOME)
    )


def _modified(response: Response) -> str:
    """The instant the response's resource says it was changed, else that of its header."""
    if response.body and not response.body.startswith(_OUTCOME):
        return msgspec.json.decode(response.body, type=_Stored).meta.lastUpdated
    moment = parsedate_to_datetime(response.headers["Last-Modified"])
    return moment.isoformat().replace("+00:00", "Z")
