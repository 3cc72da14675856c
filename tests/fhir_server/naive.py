"""A naive FHIR server: lists and loops, written from the specification, to compare with ours.

It knows Patients and Observations of a few shapes, and keeps every version in one list.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

Json = dict[str, Any]


class Past(NamedTuple):
    """One version; `resource` is None where it was deleted."""

    type: str
    id: str
    number: int
    resource: Json | None


class NaiveServer:
    """What each request should answer: a status, and the resource or the ids it should hold."""

    def __init__(self, resources: list[Json]) -> None:
        self.past = [Past(r["resourceType"], r["id"], 1, r) for r in copy.deepcopy(resources)]

    def versions(self, type: str, id: str) -> list[Past]:
        return [past for past in self.past if (past.type, past.id) == (type, id)]

    def current(self, type: str, id: str) -> Json | None:
        versions = self.versions(type, id)
        return versions[-1].resource if versions else None

    def all(self, type: str) -> list[Json]:
        ids = dict.fromkeys(past.id for past in self.past if past.type == type)
        found = [self.current(type, id) for id in ids]
        return [resource for resource in found if resource is not None]

    def _add(self, type: str, id: str, resource: Json | None) -> int:
        number = len(self.versions(type, id)) + 1
        self.past.append(Past(type, id, number, copy.deepcopy(resource)))
        return number

    def read(self, type: str, id: str) -> tuple[int, Json | None]:
        versions = self.versions(type, id)
        if not versions:
            return 404, None
        return (410, None) if versions[-1].resource is None else (200, versions[-1].resource)

    def read_version(self, type: str, id: str, number: int) -> tuple[int, Json | None]:
        for past in self.versions(type, id):
            if past.number == number:
                return (410, None) if past.resource is None else (200, past.resource)
        return 404, None

    def create(self, resource: Json, id: str) -> None:
        self._add(resource["resourceType"], id, {**resource, "id": id})

    def update(self, resource: Json, if_match: int | None = None) -> int:
        type, id = resource["resourceType"], resource["id"]
        before = self.current(type, id)
        number = len(self.versions(type, id)) if before is not None else 0
        if if_match is not None and if_match != number:
            return 412
        self._add(type, id, resource)
        return 200 if before is not None else 201

    def delete(self, type: str, id: str) -> int:
        if self.current(type, id) is not None:
            self._add(type, id, None)
        return 200

    def search(self, type: str, *tests: Callable[[Json], bool]) -> list[str]:
        return sorted(r["id"] for r in self.all(type) if all(test(r) for test in tests))

    def history(self, type: str, id: str) -> list[tuple[str, int]]:
        return [
            (past.id, past.number)
            for past in reversed(self.past)
            if past.type == type and id in ("", past.id)
        ]


def about(patient: str) -> Callable[[Json], bool]:
    """subject=Patient/ID"""
    return lambda resource: resource.get("subject", {}).get("reference") == f"Patient/{patient}"


def coded(code: str) -> Callable[[Json], bool]:
    """code=CODE"""
    return lambda resource: any(
        coding.get("code") == code for coding in resource.get("code", {}).get("coding", ())
    )


def not_coded(code: str) -> Callable[[Json], bool]:
    """code:not=CODE"""
    return lambda resource: not coded(code)(resource)


def on_or_after(day: int) -> Callable[[Json], bool]:
    """date=geDAY, where every date is a day of March 2025."""
    return lambda resource: resource.get("effectiveDateTime", "") >= f"2025-03-{day:02}"


def heavier(kilograms: int) -> Callable[[Json], bool]:
    """value-quantity=gtKILOGRAMS"""
    return lambda resource: resource.get("valueQuantity", {}).get("value", -1) > kilograms


def named(start: str) -> Callable[[Json], bool]:
    """family=START"""
    return lambda resource: any(
        name.get("family", "").lower().startswith(start.lower())
        for name in resource.get("name", ())
    )


def without(member: str) -> Callable[[Json], bool]:
    """PARAMETER:missing=true"""
    return lambda resource: member not in resource
