"""The chart: one encounter's view of the EHR, asked in the terms of the FHIR REST API.

A request means the same here and over HTTP: the server passes on what it gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from bedside.fhir_server import interactions, operations, search
from bedside.fhir_server.batch import run_bundle
from bedside.fhir_server.capability import capability_statement
from bedside.fhir_server.formats import refuse_other_formats
from bedside.fhir_server.history import history
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.overlay import Change, Overlay
from bedside.fhir_server.requests import JSON, Body, Request, Response, form_in
from bedside.fhir_server.urls import parse_url

__all__ = ["Change", "Chart", "Response"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


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
            The response; what cannot be done comes as an OperationOutcome and changes nothing.
        """
        try:
            path, query = parse_url(url)
            named = {name.lower(): value for name, value in headers.items()} if headers else {}
            return _answer(self, Request(method.upper(), path, query, named, body))
        except Refusal as refusal:
            return Response(
                refusal.status, {"Content-Type": JSON, **refusal.headers}, refusal.body()
            )

    def changed_matching(self, search_text: str) -> tuple[tuple[str, str], ...]:
        """(type, id) of the changed resources, as they are now, that match a search.

        Args:
            search_text: for example ``MedicationRequest?patient=ID&code:text=hydrocortisone``.

        Raises:
            Refusal: the search is not valid.
        """
        query = search.parse_search(search_text)
        return tuple((record.type, record.id) for record in self.changed() if query.matches(record))


def _answer(chart: Overlay, request: Request) -> Response:
    if request.method not in _allowed(request.path):
        raise _not_allowed(request)
    if request.headers or "_format" in request.query:
        refuse_other_formats(request)
    match request.method:
        case "GET":
            return _get(chart, request)
        case "HEAD":
            return _head(_get(chart, request))
        case "POST":
            return _post(chart, request)
        case "PUT" | "PATCH" | "DELETE" as method:
            change = {
                "PUT": interactions.update,
                "PATCH": interactions.patch,
                "DELETE": interactions.delete,
            }[method]
            match request.path:
                case (type,):
                    return change(chart, request, type, "")
                case (type, id):
                    return change(chart, _without_query(request), type, id)
    raise _not_allowed(request)


def _head(response: Response) -> Response:
    if not response.body:
        return response
    length = {"Content-Length": str(len(response.body))}
    return Response(response.status, {**response.headers, **length}, b"")


def _get(chart: Overlay, request: Request) -> Response:
    match request.path:
        case ("metadata",):
            return Response(200, {"Content-Type": JSON}, capability_statement(chart.parameters))
        case ("_history",):
            return history(chart, "", "", request.query)
        case (type,):
            return _search(chart, request, type, request.query)
        case (type, "_history"):
            return history(chart, type, "", request.query)
        case ("Observation", "$lastn"):
            return operations.last_n(chart, request)
        case (type, id) if id[0] != "$":
            return interactions.read(chart, _without_query(request), type, id)
        case (type, id, "_history"):
            return history(chart, type, id, request.query)
        case (type, id, "_history", version):
            return interactions.read_version(chart, type, id, version)
        case ("Patient", id, "$everything"):
            return operations.everything(chart, request, id)
        case (compartment, id, type) if type[0] not in "_$":
            lenient = request.prefers("handling") == "lenient"
            found = search.in_compartment(
                chart, compartment, id, type, request.query, lenient=lenient
            )
            return Response(200, {"Content-Type": JSON}, found)
    raise _not_allowed(request)


def _post(chart: Overlay, request: Request) -> Response:
    match request.path:
        case ():
            return run_bundle(chart, request, parse_url, _answer)
        case (type,):
            return interactions.create(chart, _without_query(request), type)
        case (type, "_search"):
            form = form_in(request.body)
            return _search(chart, request, type, "&".join(filter(None, [request.query, form])))
        case (type, "$validate") | (type, _, "$validate"):
            return operations.validated(chart, request, type)
    raise _not_allowed(request)


def _search(chart: Overlay, request: Request, type: str, query: str) -> Response:
    lenient = request.prefers("handling") == "lenient"
    return Response(200, {"Content-Type": JSON}, search.answer(chart, type, query, lenient=lenient))


def _without_query(request: Request) -> Request:
    """The request, whose URL must have no parameters but the format."""
    if request.query and not _names_format_only(request.query):
        mend = f"drop '?{request.query}'"
        if request.method == "POST":
            mend += f", or send the header If-None-Exist: {request.query}"
        raise Refusal(400, "not-supported", f"Only a search or a condition has parameters; {mend}.")
    return request


def _names_format_only(query: str) -> bool:
    return {name for name, _ in parse_qsl(query, keep_blank_values=True)} <= {"_format"}


def _allowed(path: tuple[str, ...]) -> tuple[str, ...]:
    match path:
        case () | (_, "_search" | "$validate") | (_, _, "$validate"):
            return ("POST",)
        case ("metadata" | "_history",) | (_, _, _, *_) | (_, "_history" | "$lastn"):
            return ("GET", "HEAD")
        case (_, id) if id[0] not in "_$":
            return ("GET", "HEAD", "PUT", "PATCH", "DELETE")
        case (_,):
            return _METHODS
    return ()


def _not_allowed(request: Request) -> Refusal:
    place = "/".join(request.path) or "the base"
    allowed = ", ".join(_allowed(request.path))
    if not allowed:
        return Refusal(404, "not-supported", f"'{place}' is not served; docs/fhir.md and GET "
                       "metadata list what is.")  # fmt: skip
    return Refusal(405, "not-supported", f"{request.method} of {place} is not served; use "
                   f"{allowed}.").allowing(allowed)  # fmt: skip
