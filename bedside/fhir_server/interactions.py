"""The interactions with one resource, plain or conditional: read, create, update, patch, delete"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bedside.fhir_server import search
from bedside.fhir_server.integrity import refuse_broken_references, refuse_if_referred_to
from bedside.fhir_server.jsontext import Json, decode, encode
from bedside.fhir_server.outcome import Issue, Refusal, outcome
from bedside.fhir_server.overlay import Overlay, Version
from bedside.fhir_server.patches import patched
from bedside.fhir_server.population import ID, Record
from bedside.fhir_server.requests import (
    JSON,
    Request,
    Response,
    found,
    location,
    record_headers,
    resource_in,
    written,
)
from bedside.fhir_server.stored import objections
from bedside.fhir_server.validation import repair, validate

__all__ = ["accepted", "create", "delete", "patch", "read", "read_version", "update"]


def read(chart: Overlay, request: Request, type: str, id: str) -> Response:
    """The resource; 304 if the client has it, 404 if there is none, 410 if it was deleted."""
    record = chart.get(type, id)
    if record is None:
        raise _absent(chart, type, id)
    if request.headers and _known(record, request.headers):
        return Response(304, record_headers(record), b"")
    return found(record)


def read_version(chart: Overlay, type: str, id: str, version: str) -> Response:
    """One version of a resource."""
    for past in chart.log:
        if (past.type, past.id, str(past.number)) == (type, id, version):
            if past.record is None:
                raise _gone(past)
            return found(past.record)
    beneath = chart.beneath(type, id)
    if beneath is None or str(beneath.version) != version:
        raise Refusal(404, "not-found", f"There is no version {version} of {type}/{id}; "
                      f"{type}/{id}/_history lists those there are.")  # fmt: skip
    return found(beneath)


def create(chart: Overlay, request: Request, type: str) -> Response:
    """Store a new resource; with If-None-Exist, only if nothing matches."""
    resource, text = resource_in(request.body, type)
    condition = request.headers.get("if-none-exist")
    if condition is not None:
        existing = search.only_match(chart, type, condition)
        if existing is not None:
            response = found(existing)
            response.headers["Location"] = location(chart.base, type, existing.id, existing.version)
            return response
    resource, text, notes = accepted(chart, resource, text)
    version = chart.put("POST", resource, text, request.new_id or chart.new_id(type))
    return written(request, chart.base, version, created=True, notes=notes)


def update(chart: Overlay, request: Request, type: str, id: str) -> Response:
    """Store a new version of a resource, or a new resource under a chosen id.

    Without an id, the query says which resource is meant (conditional update).
    """
    resource, text = resource_in(request.body, type)
    if not id:
        match = search.only_match(chart, type, _condition(request, type))
        if match is None:
            if "id" not in resource:
                return create(chart, request, type)
            id = _own_id(resource, type)
        else:
            id = match.id
            resource = {"id": id, **resource}
    elif not ID.fullmatch(id):
        raise Refusal(400, "value", f"'{id}' is no id: 1 to 64 letters, digits, '-' or '.'.")
    if resource.get("id") != id:
        raise Refusal(400, "value", f"The id in the body is {resource.get('id')!r}, in the URL "
                      f"'{id}'; they must be equal.", f"{type}.id")  # fmt: skip
    current = chart.get(type, id)
    _refuse_other_version(request, current)
    resource, text, notes = accepted(chart, resource, text)
    version = chart.put("PUT", resource, text, id)
    return written(request, chart.base, version, created=current is None, notes=notes)


def patch(chart: Overlay, request: Request, type: str, id: str) -> Response:
    """Change a resource by a patch."""
    current = _named(chart, request, type, id)
    _refuse_other_version(request, current)
    resource = patched(decode(current.data), request)
    if not isinstance(resource, dict) or resource.get("resourceType") != type:
        raise Refusal(422, "value", "A patch cannot change resourceType.", f"{type}.resourceType")
    if resource.get("id") != current.id:
        raise Refusal(422, "value", "A patch cannot change the id.", f"{type}.id")
    resource, text, notes = accepted(chart, resource, encode(resource))
    version = chart.put("PATCH", resource, text, current.id)
    return written(request, chart.base, version, created=False, notes=notes)


def delete(chart: Overlay, request: Request, type: str, id: str) -> Response:
    """Delete a resource; deleting what is not there is no error."""
    record = (
        chart.get(type, id) if id else search.only_match(chart, type, _condition(request, type))
    )
    if record is None:
        said = f"There is no {type}/{id} to delete." if id else "Nothing matches; nothing deleted."
        return Response(200, {"Content-Type": JSON}, _told(said))
    _refuse_other_version(request, record)
    if chart.policy.integrity:
        refuse_if_referred_to(chart, type, record.id)
    version = chart.remove(type, record.id)
    headers = {"Content-Type": JSON, "ETag": f'W/"{version.number}"'}
    return Response(200, headers, _told(f"{type}/{record.id} is deleted."))


def accepted(chart: Overlay, resource: Json, text: bytes) -> tuple[Json, bytes, tuple[Issue, ...]]:
    """The resource as it may be stored, its text, and what was repaired to make it so."""
    policy = chart.policy
    notes: tuple[Issue, ...] = ()
    if policy.validation == "lenient":
        resource, notes = repair(resource)
        if notes:
            text = encode(resource)
    issues = validate(resource, policy.validation, conditions=False)
    if issues:
        raise Refusal.of(422, issues)
    if policy.integrity:
        refuse_broken_references(chart, resource)
    if resource["resourceType"] == "SearchParameter":
        others = (record.resource for record in chart.find("SearchParameter", ()))
        notes += tuple(Issue("not-supported", said) for said in objections(resource, others))
    return resource, text, notes


def _named(chart: Overlay, request: Request, type: str, id: str) -> Record:
    if id:
        record = chart.get(type, id)
        if record is None:
            raise _absent(chart, type, id)
        return record
    match = search.only_match(chart, type, _condition(request, type))
    if match is None:
        raise Refusal(404, "not-found", f"No {type} matches '{request.query}'.")
    return match


def _condition(request: Request, type: str) -> str:
    if not request.query:
        raise Refusal(405, "not-supported", f"{request.method} needs an id, {type}/ID, or a "
                      f"condition, {type}?PARAMETER=VALUE.").allowing("GET, POST")  # fmt: skip
    return request.query


def _own_id(resource: Mapping[str, Any], type: str) -> str:
    id = resource["id"]
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise Refusal(400, "value", f"{id!r} is no id: 1 to 64 letters, digits, '-' or '.'.",
                      f"{type}.id")  # fmt: skip
    return id


def _known(record: Record, headers: Mapping[str, str]) -> bool:
    """Whether the client has the version (RFC 7232, 6)."""
    tags, since = headers.get("if-none-match"), headers.get("if-modified-since")
    if tags is not None:
        return not _versions_in(tags).isdisjoint(("*", str(record.version)))
    if since is None or not record.updated:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    updated = datetime.fromisoformat(record.updated).astimezone(UTC)
    return updated.replace(microsecond=0) <= moment


def _refuse_other_version(request: Request, current: Record | None) -> None:
    """Raise a 412 :class:`Refusal` where If-Match or If-None-Match does not hold (RFC 7232, 3)."""
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    version = current.version if current else 0
    current_is = (str(version), "*") if current else (str(version),)
    if wanted is not None and _versions_in(wanted).isdisjoint(current_is):
        raise Refusal(412, "conflict", f"If-Match is {wanted}, but the current version is "
                      f"{version}; read the resource again.")  # fmt: skip
    if current and unwanted is not None and not _versions_in(unwanted).isdisjoint(current_is):
        raise Refusal(412, "conflict", f"If-None-Match is {unwanted}, but version {version} is "
                      "there; without the header it is changed.")  # fmt: skip


def _versions_in(tags: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")}


def _absent(chart: Overlay, type: str, id: str) -> Refusal:
    last = chart.last(type, id)
    if last is not None:
        return _gone(last)
    return Refusal(404, "not-found", f"There is no {type} with id '{id}'. Search for it, e.g. "
                   f"{type}?_id={id} or {type}?PARAMETER=VALUE.")  # fmt: skip


def _gone(version: Version) -> Refusal:
    refusal = Refusal(410, "deleted", f"{version.type}/{version.id} was deleted at {version.time}; "
                      f"{version.type}/{version.id}/_history has its versions.")  # fmt: skip
    refusal.headers["ETag"] = f'W/"{version.number}"'
    return refusal


def _told(text: str) -> bytes:
    return outcome([Issue("informational", text)], "information")
