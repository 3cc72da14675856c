"""Batch and transaction Bundles: many requests in one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from bedside.fhir_server.jsontext import Json, encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.requests import JSON, Request, Response, object_in
from bedside.fhir_server.transaction import ORDER, Answer, Entry, located, transact

__all__ = ["run_bundle"]

Parse = Callable[[str], tuple[tuple[str, ...], str]]

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
        responses = transact(chart, entries, answer)
    parts = b",".join(map(_part, responses))
    body = b'{"resourceType":"Bundle","type":"%b-response"' % kind.encode()
    return Response(
        200, {"Content-Type": JSON}, body + (b',"entry":[%b]}' % parts if parts else b"}")
    )


def _raw(text: bytes) -> list[bytes]:
    return [bytes(entry.resource) for entry in msgspec.json.decode(text, type=_RawBundle).entry]


def _entry(at: int, entry: Json, resource: bytes, outer: Request, parse: Parse) -> Entry:
    where = f"Bundle.entry[{at}].request"
    asked = entry.get("request")
    if not isinstance(asked, dict):
        raise Refusal(400, "required", f"{where} is required: method and url.", where)
    method, url = asked.get("method"), asked.get("url")
    if not isinstance(method, str) or method not in ORDER:
        raise Refusal(400, "value", f"{where}.method is {method!r}; use one of: "
                      f"{', '.join(ORDER)}.", f"{where}.method")  # fmt: skip
    if not isinstance(url, str):
        raise Refusal(400, "required", f"{where}.url is required.", f"{where}.url")
    headers = {header: str(asked[name]) for name, header in _HEADERS.items() if name in asked}
    if "prefer" in outer.headers:
        headers["prefer"] = outer.headers["prefer"]
    body: bytes | None = resource or None
    if method == "PATCH" and isinstance(entry.get("resource"), dict):
        body = _patch_body(entry["resource"], where)
        headers["content-type"] = str(entry["resource"].get("contentType", ""))
    full_url = entry.get("fullUrl", "")
    try:
        path, query = parse(url)
    except Refusal as refusal:
        raise located(refusal, at) from None
    return Entry(
        at,
        full_url if isinstance(full_url, str) else "",
        Request(method, path, query, headers, body),
    )


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
) -> Response:
    try:
        return answer(chart, _entry(at, entry, raw, outer, parse).request)
    except Refusal as refusal:
        return Response(refusal.status, {"Content-Type": JSON, **refusal.headers}, refusal.body())


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
