"""The CapabilityStatement: what the chart does, and nothing it does not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import encode
from bedside.fhir_server.parameters import ParameterSet

__all__ = ["capability_statement"]

_DATE = "2026-11-24"
_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create",
    "search-type",
)  # fmt: skip
_SYSTEM_INTERACTIONS = ("transaction", "batch", "history-system")
_OPERATIONS = {
    "Encounter": (("everything", "Encounter-everything"),),
    "Patient": (("everything", "Patient-everything"),),
    "Observation": (("lastn", "Observation-lastn"),),
}
_DEFINITION = "http://hl7.org/fhir/OperationDefinition/"


@lru_cache(maxsize=64)
def capability_statement(parameters: ParameterSet) -> bytes:
    """The statement as JSON, with the search parameters there are."""
    types = definitions.resource_types()
    referring = {type: _references(parameters, type) for type in types}
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": _DATE,
            "kind": "instance",
            "software": {"name": "Bedside"},
            "implementation": {"description": "A virtual EHR; all its patients are synthetic"},
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "patchFormat": ["application/json-patch+json", "application/merge-patch+json"],
            "rest": [
                {
                    "mode": "server",
                    "resource": [_resource(parameters, type, referring) for type in types],
                    "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
                    "compartment": [
                        f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}"
                        for name in definitions.compartments()
                    ],
                }
            ],
        }
    )


def _references(parameters: ParameterSet, type: str) -> dict[str, tuple[str, ...]]:
    """The reference parameters of a type and their targets."""
    found = parameters.of(type)
    return {name: found[name].targets for name in sorted(found) if found[name].kind == "reference"}


def _resource(
    parameters: ParameterSet, type: str, referring: dict[str, dict[str, tuple[str, ...]]]
) -> dict[str, Any]:
    params = parameters.of(type)
    operations = (*_OPERATIONS.get(type, ()), ("validate", "Resource-validate"))
    return {
        "type": type,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": ["*", *(f"{type}:{name}" for name in referring[type])],
        "searchRevInclude": [
            f"{other}:{name}"
            for other, references in referring.items()
            for name, targets in references.items()
            if not targets or type in targets
        ],
        "searchParam": [{"name": name, "type": params[name].kind} for name in sorted(params)],
        "operation": [
            {"name": name, "definition": f"{_DEFINITION}{definition}"}
            for name, definition in operations
        ],
    }
