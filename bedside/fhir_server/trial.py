"""$validate: what a write would meet, without writing."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

from bedside.fhir_server.integrity import refuse_if_referred_to
from bedside.fhir_server.interactions import accepted
from bedside.fhir_server.jsontext import Json, encode
from bedside.fhir_server.outcome import Issue, Refusal, outcome
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.requests import (
    JSON,
    Request,
    Response,
    object_in,
    refuse_other_type,
    value_in,
)

__all__ = ["validated"]

_MODES = ("create", "update", "delete", "profile")
_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"


class _Asked(NamedTuple):
    """What a request for validation says; "" and None for what it does not."""

    mode: str
    profile: str
    resource: Json | None


def validated(chart: Overlay, request: Request, type: str, id: str = "") -> Response:
    """What is wrong with the resource in the body, or with the ``resource`` of its Parameters.

    The answer is 200 and an OperationOutcome either way; nothing is stored.

    Raises:
        Refusal: 400, the request is not clear or asks for a profile that is not known; 404, there
            is no such resource to validate.
    """
    asked = _asked(request, type)
    if asked.mode == "delete":
        return _deletable(chart, type, id)
    _refuse_unknown_profile(asked.profile, type)
    resource = asked.resource
    if resource is None and asked.mode == "profile":
        resource = _stored(chart, type, id)
    if resource is None:
        raise Refusal(400, "required", f"There is no {type} to validate; send it as the body, or "
                      "as the parameter 'resource' of Parameters.")  # fmt: skip
    issues, warnings = _judged(chart, resource)
    if asked.mode == "update":
        issues += _id_issues(resource, type, id)
    warnings += _unchecked_profiles(resource, type)
    if issues:
        return _told(outcome(issues, warnings=warnings))
    said = Issue("informational", f"This {type} is valid R4.")
    return _told(outcome([said], "information", warnings=warnings))


def _asked(request: Request, type: str) -> _Asked:
    given = dict(parse_qsl(request.query, keep_blank_values=True))
    given.pop("_format", None)
    resource = None
    if request.body not in (None, b"", ""):
        resource, _ = object_in(request.body, type)
        if resource.get("resourceType") == "Parameters":
            resource = _unwrapped(resource, type, given)
        else:
            refuse_other_type(resource, type)
    for name in given:
        if name not in ("mode", "profile"):
            raise Refusal(400, "invalid", f"$validate takes resource, mode, profile, not '{name}'.")
    mode = given.get("mode", "")
    if mode not in ("", *_MODES):
        raise Refusal(400, "value", f"mode is one of {', '.join(_MODES)}, not '{mode}'.")
    return _Asked(mode, given.get("profile", ""), resource)


def _unwrapped(parameters: Json, type: str, given: dict[str, str]) -> Json | None:
    """The resource among Parameters; the other parameters are added to those given."""
    listed = parameters.get("parameter", ())
    if not isinstance(listed, list | tuple) or not all(isinstance(each, dict) for each in listed):
        raise Refusal(400, "structure", "parameter is an array of objects.", "Parameters.parameter")
    resource = None
    for parameter in listed:
        if parameter.get("name") == "resource":
            resource = parameter.get("resource")
            if not isinstance(resource, dict) or resource.get("resourceType") != type:
                raise Refusal(400, "value", f"The parameter 'resource' holds no {type}.",
                              "Parameters.parameter")  # fmt: skip
        else:
            given[str(parameter.get("name"))] = value_in(parameter)
    return resource


def _judged(chart: Overlay, resource: Json) -> tuple[list[Issue], list[Issue]]:
    """What is wrong with a resource, and what the chart would put right of it."""
    try:
        _, _, notes = accepted(chart, resource, encode(resource))
    except Refusal as refusal:
        return list(refusal.issues), []
    return [], list(notes)


def _id_issues(resource: Json, type: str, id: str) -> list[Issue]:
    own = resource.get("id")
    place = (f"{type}.id",)
    if own is None:
        return [Issue("required", f"{type}.id is required in an update; add it.", place)]
    if id and own != id:
        return [Issue("value", f"The id in the body is {own!r}, in the URL '{id}'; they must be "
                      "equal.", place)]  # fmt: skip
    return []


def _unchecked_profiles(resource: Json, type: str) -> list[Issue]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    return [
        Issue("not-supported", f"The profile {profile} was not checked, only R4 itself.",
              (f"{type}.meta.profile[{index}]",))
        for index, profile in enumerate(profiles if isinstance(profiles, list) else ())
        if not _is_own_definition(str(profile), type)
    ]  # fmt: skip


def _refuse_unknown_profile(profile: str, type: str) -> None:
    if profile and not _is_own_definition(profile, type):
        raise Refusal(400, "not-supported", f"The profile {profile} is not known here, and nothing "
                      f"was checked; drop it to check the {type} by R4 itself.")  # fmt: skip


def _is_own_definition(profile: str, type: str) -> bool:
    name = profile.removesuffix("|4.0.1")
    return name in [f"{_DEFINITION}{each}" for each in (type, "Resource", "DomainResource")]


def _stored(chart: Overlay, type: str, id: str) -> Json:
    record = chart.get(type, id) if id else None
    if record is None:
        raise Refusal(404, "not-found", f"There is no {type} with id '{id}' to validate.")
    return record.resource


def _deletable(chart: Overlay, type: str, id: str) -> Response:
    if not id:
        raise Refusal(400, "required", "mode=delete is about one resource: POST "
                      f"{type}/ID/$validate?mode=delete.")  # fmt: skip
    there = chart.get(type, id) is not None
    if there and chart.policy.integrity:
        try:
            refuse_if_referred_to(chart, type, id)
        except Refusal as refusal:
            return _told(refusal.body())
    said = f"{type}/{id} can be deleted." if there else f"There is no {type}/{id} to delete."
    return _told(outcome([Issue("informational", said)], "information"))


def _told(body: bytes) -> Response:
    return Response(200, {"Content-Type": JSON}, body)
