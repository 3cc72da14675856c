"""Formats: JSON of R4 is all there is; who asks for another, or sends it, is told so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl

from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.requests import Request

__all__ = ["is_served", "refuse_other_formats"]

_FORM = "application/x-www-form-urlencoded"
_JSON = ("json", "text/json", "application/json", "application/fhir+json", "application/json+fhir")
_ANY = ("*/*", "application/*")
_R4 = ("4.0", "4.0.1")
_UTF_8 = ("utf-8", "utf8", "us-ascii")


def refuse_other_formats(request: Request) -> None:
    """Let a request pass that can be read, and answered as it wishes; ``_format`` beats Accept.

    Raises:
        Refusal: 406 for the answer, 415 for the body.
    """
    accepted = request.headers.get("accept", "*/*")
    if "_format" in request.query:
        given = parse_qsl(request.query)
        accepted = next((value for name, value in given if name == "_format"), accepted)
    if not is_served(accepted):
        raise Refusal(406, "not-supported", "Only JSON of FHIR 4.0 is served: use _format=json, or "
                      "accept application/fhir+json.")  # fmt: skip
    coding = request.headers.get("content-encoding", "identity")
    if request.body and coding.strip().lower() != "identity":
        raise Refusal(415, "not-supported", f"Content-Encoding is {coding}; send the body as it "
                      "is.")  # fmt: skip
    sent = request.headers.get("content-type")
    if sent and request.body and not _is_read(sent, form=request.path[-1:] == ("_search",)):
        raise Refusal(415, "not-supported", f"Content-Type is {sent}; send application/fhir+json "
                      "of FHIR 4.0 in UTF-8.")  # fmt: skip


@lru_cache(maxsize=256)
def is_served(accepted: str) -> bool:
    """Whether a list of media types, or a value of ``_format``, takes what is served.

    A plus sign may have become a space, as it does in a query.
    """
    for each in accepted.split(","):
        type, *parameters = each.lower().split(";")
        if type.strip().replace(" ", "+") in (*_JSON, *_ANY) and _is_r4(parameters):
            return True
    return False


@lru_cache(maxsize=256)
def _is_read(sent: str, *, form: bool) -> bool:
    type, *parameters = sent.lower().split(";")
    if not _is_utf8(parameters):
        return False
    return ("json" in type and _is_r4(parameters)) or (form and type.strip() == _FORM)


def _is_utf8(parameters: Iterable[str]) -> bool:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _UTF_8:
            return False
    return True


def _is_r4(parameters: Iterable[str]) -> bool:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "fhirversion" and value.strip(' "') not in _R4:
            return False
    return True
