"""The CapabilityStatement: what the chart does, and nothing it does not."""

from __future__ import annotations

from functools import cache

from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.parameters import COMMON, PARAMETERS, TYPES

__all__ = ["capability_statement"]

_DATE = "2026-01-15"
_INTERACTIONS = ("read", "search-type", "create", "update")


@cache
def capability_statement() -> bytes:
    """The statement as JSON."""
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": _DATE,
            "kind": "instance",
            "software": {"name": "Bedside"},
            "implementation": {"description": "The virtual EHR of one exam station"},
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": [_resource(type) for type in TYPES]}],
        }
    )


def _resource(type: str) -> dict[str, object]:
    params = {**PARAMETERS[type], **COMMON}
    return {
        "type": type,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": False,
        "updateCreate": True,
        "conditionalCreate": True,
        "searchParam": [{"name": name, "type": params[name].kind} for name in sorted(params)],
    }
