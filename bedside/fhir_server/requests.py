"""A FHIR request taken apart, and the response to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from bedside.fhir_server.jsontext import Json, decode, encode, refuse_repeated_names
from bedside.fhir_server.outcome import Issue, Refusal, outcome
from bedside.fhir_server.overlay import Version
from bedside.fhir_server.population import Record
from bedside.fhir_server.validation import validate

__all__ = [
    "JSON",
    "Body",
    "Request",
    "Response",
    "ascii_text",
    "form_in",
    "found",
    "given_in",
    "location",
    "object_in",
    "record_headers",
    "refuse_other_type",
    "resource_in",
    "text_in",
    "value_in",
    "written",
]

JSON = "application/fhir+json; charset=utf-8"

Body = bytes | str | Mapping[str, Any] | list[Any] | None
"""A request's body: JSON text, or what it would decode to."""


class Response(NamedTuple):
    """The answer to a request; `body` is a FHIR resource as JSON, or empty."""

    status: int
    headers: dict[str, str]
    body: bytes


class Request(NamedTuple):
    """One request to a chart.

    Attributes:
        method: of HTTP, in capitals.
        path: the parts of the URL after the base.
        query: what follows the question mark, still encoded.
        headers: by name in small letters.
        body: see :data:`Body`.
        new_id: the id kept for what the request creates; "" for one of the chart's choice.
    """

    method: str
    path: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    body: Body = None
    new_id: str = ""

    @property
    def media_type(self) -> str:
        """What the body is, in small letters and without parameters; "" if nothing says so."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def prefers(self, name: str) -> str:
        """The value of a preference such as ``return`` or ``handling``; "" for none."""
        for part in self.headers.get("prefer", "").replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value.strip('"')
        return ""


def resource_in(body: Body, type: str) -> tuple[Json, bytes]:
    """The resource in a body, and its JSON text.

    Raises:
        Refusal: 400, the body is empty, no JSON object, or another type's.
    """
    resource, text = object_in(body, type)
    refuse_other_type(resource, type)
    return resource, text


def refuse_other_type(resource: Json, type: str) -> None:
    """Refuse a resource that is not of the type in the URL, with a 400."""
    found = resource.get("resourceType")
    if found != type:
        raise Refusal(
            400,
            "value" if found else "required",
            f"resourceType is {found!r}, but the URL says {type}; they must be equal.",
            f"{type}.resourceType",
        )


def object_in(body: Body, what: str) -> tuple[Json, bytes]:
    """The JSON object in a body, and its text.

    Raises:
        Refusal: 400, the body is empty or no JSON object.
    """
    text = text_in(body, what)
    resource = decode(text)
    if not isinstance(body, Mapping | list):
        refuse_repeated_names(text, resource)
    return resource, text


def text_in(body: Body, what: str) -> bytes:
    """The JSON text of a body.

    Raises:
        Refusal: 400, the body is empty or cannot be JSON.
    """
    if body is None or body in (b"", ""):
        raise Refusal(400, "required", f"There is no body; send the {what} as JSON.")
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    try:
        return encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refusal(400, "structure", f"The body is not JSON: {error}.") from None


def form_in(body: Body) -> str:
    """The query string in the form of a ``_search``.

    Raises:
        Refusal: 400, the body is no form.
    """
    if body is None:
        return ""
    if isinstance(body, Mapping):
        return urlencode(body, doseq=True)
    if isinstance(body, str):
        return body
    if not isinstance(body, bytes):
        raise Refusal(400, "structure", "A _search takes a form: name=value&name=value.")
    return body.decode(errors="replace")


def given_in(request: Request) -> list[tuple[str, str]]:
    """The parameters of an operation, as a query has them: those of the URL, then the body's.

    Raises:
        Refusal: 400, the body is no valid Parameters, or one of them has no simple value.
    """
    given = parse_qsl(request.query, keep_blank_values=True)
    if request.method != "POST" or request.body in (None, b"", ""):
        return given
    parameters, _ = resource_in(request.body, "Parameters")
    issues = validate(parameters)
    if issues:
        raise Refusal.of(400, issues)
    return given + [(each["name"], value_in(each)) for each in parameters.get("parameter", ())]


def value_in(parameter: Json) -> str:
    """The value of one of the Parameters, as a query would have it.

    Raises:
        Refusal: 400, it has no simple value.
    """
    for name, value in parameter.items():
        if name == "valueReference" and isinstance(value, dict):
            value = value.get("reference")
        if name.startswith("value") and isinstance(value, str | bool | int | Decimal):
            return str(value).lower() if isinstance(value, bool) else str(value)
    raise Refusal(400, "value", f"The parameter {parameter.get('name')!r} needs a simple value, "
                  "such as valueString.", "Parameters.parameter")  # fmt: skip


def written(
    request: Request, base: str, version: Version, *, created: bool, notes: tuple[Issue, ...] = ()
) -> Response:
    """The response to a write, as the request prefers it; `notes` say what was repaired."""
    assert version.record is not None
    place = location(base, version.type, version.id, version.number)
    headers = {**record_headers(version.record), "Location": place}
    if notes:
        headers["Warning"] = ", ".join(f'199 - "{ascii_text(note.diagnostics)}"' for note in notes)
    status = 201 if created else 200
    preferred = request.prefers("return")
    if preferred == "minimal":
        return Response(status, headers, b"")
    if preferred == "OperationOutcome":
        said = Issue("informational", f"Stored as version {version.number}.")
        return Response(status, headers, outcome((*notes, said), "information"))
    return Response(status, headers, version.record.data)


def found(record: Record) -> Response:
    """The response that returns a resource."""
    return Response(200, record_headers(record), record.data)


def record_headers(record: Record) -> dict[str, str]:
    """The headers that describe a version of a resource."""
    headers = {"Content-Type": JSON, "ETag": f'W/"{record.version}"'}
    if record.updated:
        headers["Last-Modified"] = _http_date(record.updated)
    return headers


def location(base: str, type: str, id: str, version: int) -> str:
    """The address of a version."""
    return f"{base}/{type}/{id}/_history/{version}"


def ascii_text(text: str) -> str:
    """Text as a quoted header value can carry it."""
    return text.encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'")


@lru_cache(maxsize=1024)
def _http_date(instant: str) -> str:
    return format_datetime(datetime.fromisoformat(instant).astimezone(UTC), usegmt=True)
