"""Parts of resources: what ``_summary`` or ``_elements`` asks to be shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import Json, decode, encode
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import ParameterSet
from bedside.fhir_server.query import Query, parse_query
from bedside.fhir_server.requests import Response

__all__ = ["SHAPING", "part_of", "shape", "shaped"]

SHAPING = ("_elements", "_format", "_pretty", "_summary")
"""Parameters of every interaction that shows resources."""

_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS = ("resourceType", "id", "meta")


def shape(parameters: ParameterSet, type: str, text: str) -> Query:
    """What of resources of a type the shaping parameters in a query string ask for.

    Args:
        parameters: the search parameters there are.
        type: of the resources.
        text: what follows the question mark, still encoded; other parameters are passed over.

    Raises:
        Refusal: 400 for a value that is not valid, 406 for a format other than JSON.
    """
    given = parse_qsl(text, keep_blank_values=True)
    query = parse_query(parameters, type, urlencode([p for p in given if p[0] in SHAPING]))
    if query.summary == "count":
        raise Refusal(400, "invalid", "_summary=count counts the matches of a search; here it is "
                      "one of true, text, data, false.")  # fmt: skip
    return query


def shaped(response: Response, query: Query) -> Response:
    """A response whose body, a resource if it has one, is the part that is asked for."""
    if not response.body or not (query.summary or query.elements):
        return response
    return response._replace(body=encode(part_of(decode(response.body), query)))


def part_of(resource: Json, query: Query) -> Json:
    """The elements of a resource that a summary or a list of elements asks for."""
    elements = definitions.elements(resource["resourceType"])
    wanted = set(_ALWAYS)
    for name, element in elements.items():
        plain = name.removesuffix("[x]")
        chosen = (
            element.min > 0
            or (query.summary == "true" and element.summary)
            or (query.summary == "text" and name == "text")
            or (query.summary == "data" and name != "text")
            or plain in query.elements
        )
        if chosen:
            wanted |= {_member(plain, type) for type in element.types} if "[" in name else {plain}
    part = {name: value for name, value in resource.items() if name.lstrip("_") in wanted}
    meta = part.get("meta", {})
    part["meta"] = {**meta, "tag": [*meta.get("tag", ()), _SUBSETTED]}
    return part


def _member(name: str, type: str) -> str:
    return f"{name}{type[0].upper()}{type[1:]}"
