"""What the OpenAPI description says of the FHIR routes."""

from __future__ import annotations

from typing import Any

from bedside.fhir_server import definitions

__all__ = ["CREATED", "MANAGED", "ROUTES", "describe"]

ROUTES: dict[str, dict[str, str]] = {
    "": {"POST": "Batch or transaction"},
    "/metadata": {"GET": "Capability statement"},
    "/_history": {"GET": "History of everything"},
    "/{type}": {
        "GET": "Search a type",
        "POST": "Create",
        "PUT": "Conditional update",
        "PATCH": "Conditional patch",
        "DELETE": "Conditional delete",
    },
    "/{type}/_search": {"POST": "Search a type by form"},
    "/{type}/_history": {"GET": "History of a type"},
    "/{type}/$validate": {"POST": "Validate without storing"},
    "/{type}/{id}/$validate": {"POST": "Validate an update or a delete without doing it"},
    "/Observation/$lastn": {
        "GET": "The last observations of each code",
        "POST": "The same, asked by Parameters",
    },
    "/Patient/{id}/$everything": {
        "GET": "All about a patient",
        "POST": "The same, asked by Parameters",
    },
    "/Encounter/{id}/$everything": {
        "GET": "All about an encounter",
        "POST": "The same, asked by Parameters",
    },
    "/{type}/{id}": {"GET": "Read", "PUT": "Update", "PATCH": "Patch", "DELETE": "Delete"},
    "/{type}/{id}/_history": {"GET": "History of a resource"},
    "/{type}/{id}/_history/{version}": {"GET": "Read a version"},
    "/{compartment}/{id}/{type}": {"GET": "Search a compartment"},
    "/{compartment}/{id}/{type}/_search": {"POST": "Search a compartment by form"},
}
"""What is served, by path and method, the more special paths first."""

_FHIR = "application/fhir+json"
_ID = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}
_RESOURCE: dict[str, Any] = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}
_PATCH: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    },
}
_STATUSES = {
    "GET": (200, 304, 400, 401, 404, 405, 406, 410, 503),
    "POST": (200, 201, 400, 401, 404, 405, 406, 408, 412, 413, 415, 422, 503, 507),
    "PUT": (200, 201, 400, 401, 404, 405, 406, 408, 412, 413, 415, 422, 503, 507),
    "PATCH": (200, 400, 401, 404, 405, 406, 408, 410, 412, 413, 415, 422, 503, 507),
    "DELETE": (200, 400, 401, 404, 405, 406, 409, 412, 503, 507),
}


def _response(status: int) -> dict[str, Any]:
    if status == 304:
        return {"description": "The client has it"}
    what = "A resource" if status < 300 else "An OperationOutcome that says why, and what to mend"
    return {"description": what, "content": {_FHIR: {"schema": _RESOURCE}}}


CREATED: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The sandbox",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["id", "token", "base"],
                    "properties": {name: {"type": "string"} for name in ("id", "token", "base")},
                }
            }
        },
    },
    400: _response(400),
    422: _response(422),
    429: _response(429),
}
"""Responses of making a sandbox."""

MANAGED: dict[int | str, dict[str, Any]] = {
    401: _response(401),
    404: _response(404),
}
"""Responses of resetting or dropping a sandbox, beside success."""


def describe(prefix: str, path: str, method: str) -> dict[str, Any]:
    """Arguments of ``add_api_route`` that describe one route."""
    extra: dict[str, Any] = {"parameters": _parameters(prefix + path)}
    if method in ("POST", "PUT", "PATCH"):
        extra["requestBody"] = _request_body(path, method)
    return {
        "name": f"{method} {prefix}{path}",
        "summary": ROUTES[path][method],
        "responses": {status: _response(status) for status in _STATUSES[method]},
        "openapi_extra": extra,
    }


def _parameters(path: str) -> list[dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = {
        "type": {"type": "string", "enum": list(definitions.resource_types())},
        "compartment": {"type": "string", "enum": sorted(definitions.compartments())},
        "id": _ID,
        "sandbox": {"type": "string"},
        "version": {"type": "string", "pattern": "^[0-9]{1,9}$"},
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if f"{{{name}}}" in path
    ]


def _request_body(path: str, method: str) -> dict[str, Any]:
    if path.endswith("/_search"):
        form = {"type": "object", "additionalProperties": {"type": "string"}}
        return {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    if method == "PATCH":
        schemas = {
            "application/json-patch+json": _PATCH,
            "application/merge-patch+json": {"type": "object"},
        }
        content = {type: {"schema": schema} for type, schema in schemas.items()}
        return {"required": True, "content": content}
    return {"required": True, "content": {_FHIR: {"schema": _RESOURCE}}}
