"""Referential integrity: asked for by policy, since most charts refer to what they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedside.fhir_server import definitions, search
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.outcome import Issue, Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.values import reference_key

__all__ = ["lost_urns", "references", "refuse_broken_references", "refuse_if_referred_to"]

_URNS = ("urn:uuid:", "urn:oid:")


def refuse_broken_references(chart: Overlay, resource: Json) -> None:
    """Raise a 422 :class:`Refusal` if a reference to a resource of this server leads nowhere."""
    issues = [
        Issue("not-found", f"{path} refers to {text}, which is not there; create it first, or "
              "send both in one transaction.", (path,))
        for path, text in references(resource, resource["resourceType"])
        if _leads_nowhere(chart, text)
    ]  # fmt: skip
    issues += lost_urns(resource)
    if issues:
        raise Refusal.of(422, issues)


def refuse_if_referred_to(chart: Overlay, type: str, id: str) -> None:
    """Raise a 409 :class:`Refusal` if a resource still refers to this one."""
    for other in definitions.resource_types():
        for name, parameter in chart.parameters.of(other).items():
            if parameter.kind == "reference" and (
                not parameter.targets or type in parameter.targets
            ):
                referring = search.matching(chart, other, f"{name}={type}/{id}")
                if referring:
                    raise Refusal(
                        409,
                        "conflict",
                        f"{other}/{referring[0].id} refers to {type}/{id}; delete or change "
                        "it first.",
                    )


def lost_urns(resource: Json) -> list[Issue]:
    """What is wrong with references to a URN, under which a server holds no resource.

    In a Bundle they are links between its entries, and nothing is wrong with them.
    """
    if resource["resourceType"] == "Bundle":
        return []
    return [
        Issue("not-found", f"{path} refers to {text}, which no resource has as its address; write "
              "Type/id, or send both in one transaction, whose links have no version.", (path,))
        for path, text in references(resource, resource["resourceType"])
        if text.startswith(_URNS)
    ]  # fmt: skip


def references(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """(FHIRPath, text) of every literal reference in a resource."""
    if isinstance(node, dict):
        text = node.get("reference")
        if isinstance(text, str):
            yield f"{path}.reference", text
        for name, value in node.items():
            yield from references(value, f"{path}.{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references(value, f"{path}[{index}]")


def _leads_nowhere(chart: Overlay, text: str) -> bool:
    if text.startswith("#") or ("://" in text and not text.startswith(f"{chart.base}/")):
        return False
    type, id = reference_key(text)
    return type is not None and id is not None and chart.get(type, id) is None
