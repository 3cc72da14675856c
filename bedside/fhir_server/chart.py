"""The chart: one encounter's view of the EHR, asked in the terms of the FHIR REST API.

A request means the same here and over HTTP: the server passes on what it gets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from bedside.fhir_server import interactions, operations, search
from bedside.fhir_server.batch import run_bundle
from bedside.fhir_server.capability import capability_statement
from bedside.fhir_server.formats import refuse_other_formats
from bedside.fhir_server.history import history
from bedside.fhir_server.outcome import Refusal, server_fault
from bedside.fhir_server.overlay import Change, Overlay
from bedside.fhir_server.query import Query
from bedside.fhir_server.requests import JSON, Body, Request, Response, form_in
from bedside.fhir_server.shapes import SHAPING, shape, shaped
from bedside.fhir_server.trial import validated
from bedside.fhir_server.urls import parse_url

__all__ = ["Change", "Chart", "Response"]

_Handler = Callable[..., Response]
_Methods = Mapping[str, _Handler]

_LOG = logging.getLogger(__name__)
_MODES = ("full", "normative")
"""What ``metadata`` can be asked for; all that is served is told either way."""


class Chart(Overlay):
    """One encounter's chart; see :class:`Overlay` for what it takes."""

    __slots__ = ()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> Response:
        """Answer one FHIR R4 request.

        Args:
            method: of HTTP; docs/fhir.md lists the interactions.
            url: what follows the base, such as ``Condition?patient=ID``, or a whole address.
            headers: ``If-Match``, ``If-None-Match``, ``If-None-Exist``, ``If-Modified-Since``,
                ``Prefer`` (``return``, ``handling``), ``Accept`` and ``Content-Type`` are honoured.
            body: the resource, or the patch, or the form of a ``_search``.

        Returns:
            The response; what cannot be done comes as an OperationOutcome and changes nothing. A
            fault of this server is a 500, and the log of this module has its traceback.
        """
        before = len(self.log)
        try:
            path, query = parse_url(url)
            named = _named_alike(headers) if headers else {}
            return _answer(self, Request(method.upper(), path, query, named, body))
        except Refusal as refusal:
            return Response(
                refusal.status, {"Content-Type": JSON, **refusal.headers}, refusal.body()
            )
        except Exception:
            _LOG.exception("%s %s failed", method, url)
            self.undo(before)
            return Response(500, {"Content-Type": JSON}, server_fault().body())

    def changed_matching(self, search_text: str) -> tuple[tuple[str, str], ...]:
        """(type, id) of the changed resources, as they are now, that match a search.

        Args:
            search_text: for example ``MedicationRequest?patient=ID&code:text=hydrocortisone``.

        Raises:
            Refusal: the search is not valid.
        """
        query = search.parse_search(search_text)
        return tuple((record.type, record.id) for record in self.changed() if query.matches(record))


def _named_alike(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by name in small letters; None is a header that is not sent."""
    return {name.lower(): str(value) for name, value in headers.items() if value is not None}


def _answer(chart: Overlay, request: Request) -> Response:
    methods, place = _route(request.path)
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        raise _not_served(request, methods)
    if request.headers or "_format" in request.query:
        refuse_other_formats(request)
    response = handler(chart, request, *place)
    return _head(response) if request.method == "HEAD" else response


def _head(response: Response) -> Response:
    if not response.body:
        return response
    length = {"Content-Length": str(len(response.body))}
    return Response(response.status, {**response.headers, **length}, b"")


def _route(path: tuple[str, ...]) -> tuple[_Methods, tuple[str, ...]]:
    """What is served at a path, by method, and the parts of the path that it takes."""
    match path:
        case (type, id) if id[0] not in "_$":
            return _INSTANCE, path
        case ("metadata",):
            return _METADATA, ()
        case ("_history",):
            return _HISTORY, ()
        case (_,):
            return _TYPE, path
        case ():
            return _BASE, ()
        case (type, "_search"):
            return _FORM, (type,)
        case (type, "_history") | (type, _, "_history"):
            return _HISTORY, (type, *path[1:-1])
        case ("Observation", "$lastn"):
            return _LAST_N, ()
        case (type, "$validate") | (type, _, "$validate"):
            return _VALIDATE, (type, *path[1:-1])
        case (type, id, "_history", version):
            return _VERSION, (type, id, version)
        case ("Patient" | "Encounter" as type, id, "$everything"):
            return _EVERYTHING, (type, id)
        case (_, id, type) if id[0] not in "_$" and type[0] not in "_$":
            return _COMPARTMENT, path
        case (_, id, type, "_search") if id[0] not in "_$" and type[0] not in "_$":
            return _COMPARTMENT_FORM, path[:-1]
    return {}, ()


def _search(chart: Overlay, request: Request, type: str) -> Response:
    lenient = request.prefers("handling") == "lenient"
    found = search.answer(chart, type, request.query, lenient=lenient)
    return Response(200, {"Content-Type": JSON}, found)


def _without_query(request: Request) -> Request:
    """The request, whose URL must have no parameters but of the format."""
    if request.query and not _names_only(request.query, ("_format", "_pretty")):
        mend = f"drop '?{request.query}'"
        if request.method == "POST":
            mend += f", or send the header If-None-Exist: {request.query}"
        raise Refusal(400, "not-supported", f"Only a search or a condition has parameters; {mend}.")
    return request


def _names_only(query: str, names: tuple[str, ...]) -> bool:
    return {name for name, _ in parse_qsl(query, keep_blank_values=True)}.issubset(names)


def _shape(chart: Overlay, request: Request, type: str, *more: str) -> Query:
    """What of a resource a URL asks for, which has no parameters but for that and `more`."""
    if not _names_only(request.query, (*SHAPING, *more)):
        known = ", ".join((*SHAPING, *more))
        raise Refusal(400, "not-supported", f"What is read takes no parameters but {known}; drop "
                      f"the others of '?{request.query}'.")  # fmt: skip
    return shape(chart.parameters, type, request.query)


def _bundle(chart: Overlay, request: Request) -> Response:
    return run_bundle(chart, request, parse_url, _answer)


def _metadata(chart: Overlay, request: Request) -> Response:
    mode = dict(parse_qsl(request.query)).get("mode", "full")
    if mode not in _MODES:
        raise Refusal(400, "not-supported", f"mode is one of {', '.join(_MODES)}, not '{mode}'; "
                      "this is no terminology server.")  # fmt: skip
    query = _shape(chart, request, "CapabilityStatement", "mode")
    statement = capability_statement(chart.parameters)
    return shaped(Response(200, {"Content-Type": JSON}, statement), query)


def _history(chart: Overlay, request: Request, type: str = "", id: str = "") -> Response:
    return history(chart, type, id, request.query)


def _by_form(found: _Handler) -> _Handler:
    """The handler of a search whose parameters are those of the URL, then those of a form."""

    def answer(chart: Overlay, request: Request, *place: str) -> Response:
        query = "&".join(filter(None, [request.query, form_in(request.body)]))
        return found(chart, request._replace(query=query), *place)

    return answer


def _search_compartment(
    chart: Overlay, request: Request, compartment: str, id: str, type: str
) -> Response:
    lenient = request.prefers("handling") == "lenient"
    found = search.in_compartment(chart, compartment, id, type, request.query, lenient=lenient)
    return Response(200, {"Content-Type": JSON}, found)


def _create(chart: Overlay, request: Request, type: str) -> Response:
    return interactions.create(chart, _without_query(request), type)


def _read(chart: Overlay, request: Request, type: str, id: str) -> Response:
    if not request.query:
        return interactions.read(chart, request, type, id)
    query = _shape(chart, request, type)
    return shaped(interactions.read(chart, request, type, id), query)


def _read_version(chart: Overlay, request: Request, type: str, id: str, version: str) -> Response:
    query = _shape(chart, request, type)
    return shaped(interactions.read_version(chart, type, id, version), query)


def _named(change: _Handler) -> _Handler:
    """The handler of one resource, named by its id: its URL has no parameters."""
    return lambda chart, request, type, id: change(chart, _without_query(request), type, id)


def _found(change: _Handler) -> _Handler:
    """The handler of the resource that a condition in the URL finds."""
    return lambda chart, request, type: change(chart, request, type, "")


def _not_served(request: Request, methods: _Methods) -> Refusal:
    place = "/".join(request.path) or "the base"
    if not methods:
        return Refusal(404, "not-supported", f"'{place}' is not served; docs/fhir.md and GET "
                       "metadata list what is.")  # fmt: skip
    allowed = ", ".join(f"{name}, HEAD" if name == "GET" else name for name in methods)
    return Refusal(405, "not-supported", f"{request.method} of {place} is not served; use "
                   f"{allowed}.").allowing(allowed)  # fmt: skip


_BASE: _Methods = {"POST": _bundle}
_METADATA: _Methods = {"GET": _metadata}
_HISTORY: _Methods = {"GET": _history}
_TYPE: _Methods = {
    "GET": _search,
    "POST": _create,
    "PUT": _found(interactions.update),
    "PATCH": _found(interactions.patch),
    "DELETE": _found(interactions.delete),
}
_FORM: _Methods = {"POST": _by_form(_search)}
_INSTANCE: _Methods = {
    "GET": _read,
    "PUT": _named(interactions.update),
    "PATCH": _named(interactions.patch),
    "DELETE": _named(interactions.delete),
}
_VERSION: _Methods = {"GET": _read_version}
_COMPARTMENT: _Methods = {"GET": _search_compartment}
_COMPARTMENT_FORM: _Methods = {"POST": _by_form(_search_compartment)}
_VALIDATE: _Methods = {"POST": validated}
_LAST_N: _Methods = {"GET": operations.last_n, "POST": operations.last_n}
_EVERYTHING: _Methods = {"GET": operations.everything, "POST": operations.everything}
