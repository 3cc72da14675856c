"""The operations: $validate, $everything and $lastn."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from bedside.fhir_server import definitions, search
from bedside.fhir_server.bundle import searchset_of
from bedside.fhir_server.integrity import references
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue, Refusal, outcome
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.population import Record
from bedside.fhir_server.requests import JSON, Request, Response, resource_in
from bedside.fhir_server.validation import validate
from bedside.fhir_server.values import reference_key

__all__ = ["everything", "last_n", "validated"]


def validated(chart: Overlay, request: Request, type: str) -> Response:
    """What is wrong with the resource in the body, or with the ``resource`` of its Parameters.

    The answer is 200 and an OperationOutcome either way; nothing is stored.
    """
    body = request.body
    try:
        resource, _ = resource_in(body, "Parameters")
    except Refusal:
        resource, _ = resource_in(body, type)
    else:
        resource = _resource_parameter(resource, type)
    issues = validate(resource, chart.policy.validation)
    if issues:
        return Response(200, {"Content-Type": JSON}, outcome(issues))
    said = Issue("informational", f"This {type} is valid.")
    return Response(200, {"Content-Type": JSON}, outcome([said], "information"))


def everything(chart: Overlay, request: Request, id: str) -> Response:
    """A patient, all that is in the patient's compartment, and what those refer to.

    Takes ``_type`` (a list of types) and ``_since`` (an instant).
    """
    patient = chart.get("Patient", id)
    if patient is None:
        raise Refusal(404, "not-found", f"There is no Patient with id '{id}'.")
    given = _only(request.query, "_type", "_since", "_format")
    records = {("Patient", id): patient}
    for type, names in definitions.compartments()["Patient"].items():
        for name in names:
            for record in search.matching(chart, type, f"{name}=Patient/{id}"):
                records[type, record.id] = record
    for record in list(records.values()):
        records |= _referred_to(chart, record)
    types = given["_type"].split(",") if "_type" in given else None
    since = _instant(given["_since"]) if "_since" in given else None
    chosen = [
        record
        for record in records.values()
        if (types is None or record.type in types) and (since is None or _at(record) >= since)
    ]
    url = f"{chart.base}/Patient/{id}/$everything"
    return Response(
        200, {"Content-Type": JSON}, searchset_of(chart.base, _asked(url, request.query), chosen)
    )


def last_n(chart: Overlay, request: Request) -> Response:
    """The last ``max`` (1 if not said) Observations of each code that match the search."""
    given = parse_qsl(request.query, keep_blank_values=True)
    most = dict(given).get("max", "1")
    if not (most.isascii() and most.isdigit() and int(most[:9])):
        raise Refusal(400, "invalid", f"max is a whole number from 1, not '{most}'.")
    names = {name.partition(":")[0].partition(".")[0] for name, _ in given}
    if not names & {"patient", "subject"} or not names & {"code", "category"}:
        raise Refusal(400, "required", "$lastn needs a patient or subject, and a code or category, "
                      "e.g. Observation/$lastn?patient=ID&category=laboratory&max=3.")  # fmt: skip
    kept = [(name, value) for name, value in given if name not in ("max", "_sort")]
    query = urlencode([*kept, ("_sort", "-date")])
    groups: dict[str, list[Record]] = {}
    for record in search.matching(chart, "Observation", query):
        group = groups.setdefault(_code_of(record.resource), [])
        if len(group) < int(most[:9]):
            group.append(record)
    chosen = [record for group in groups.values() for record in group]
    url = f"{chart.base}/Observation/$lastn"
    return Response(
        200, {"Content-Type": JSON}, searchset_of(chart.base, _asked(url, request.query), chosen)
    )


def _resource_parameter(parameters: Json, type: str) -> Json:
    for parameter in parameters.get("parameter", ()):
        if isinstance(parameter, dict) and parameter.get("name") == "resource":
            resource = parameter.get("resource")
            if isinstance(resource, dict) and resource.get("resourceType") == type:
                return resource
    raise Refusal(400, "required", f"Parameters need a parameter 'resource' with the {type}.",
                  "Parameters.parameter")  # fmt: skip


def _referred_to(chart: Overlay, record: Record) -> dict[tuple[str, str], Record]:
    found = {}
    for _, text in references(record.resource, record.type):
        type, id = reference_key(text)
        if type is not None and id is not None and type != "Patient":
            target = chart.get(type, id)
            if target is not None:
                found[type, id] = target
    return found


def _code_of(observation: Json) -> str:
    """What tells one kind of Observation from another: its first coding, else its text."""
    code = observation["code"]
    for coding in code.get("coding", ()):
        if "code" in coding:
            return f"{coding.get('system', '')}|{coding['code']}"
    return str(code.get("text", ""))


def _only(query: str, *names: str) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in names:
            raise Refusal(400, "invalid", f"$everything takes {', '.join(names)}, not '{name}'.")
    return given


def _instant(text: str) -> datetime:
    try:
        since = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise Refusal(
            400, "invalid", f"_since is an instant, YYYY-MM-DDThh:mm:ss+zz:zz, not '{text}'."
        )
    return since


def _at(record: Record) -> datetime:
    time = record.resource.get("meta", {}).get("lastUpdated", "0001-01-01T00:00:00+00:00")
    return datetime.fromisoformat(time)


def _asked(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url
