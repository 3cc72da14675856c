"""What a new resource says beyond what was asked for, so that it may mean something else.

A right order that says ``doNotPerform``, or that has a second dose beside the right one, is no
right order. Free text is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedside.scenarios.synthetic import TODAY

__all__ = ["surplus"]

Json = dict[str, Any]

_HARMLESS = frozenset(
    (
        "resourceType", "id", "meta", "text", "language", "extension", "identifier", "contained",
        "encounter", "requester", "recorder", "asserter", "performer", "author", "sender", "note",
        "category", "priority", "reasonCode", "reasonReference", "issued", "authoredOn", "date",
        "instantiatesUri", "supportingInfo", "supportingInformation", "courseOfTherapyType",
        "dispenseRequest", "substitution", "referenceRange", "interpretation", "recordedDate",
        "medicationReference", "primarySource", "clinicalStatus", "verificationStatus", "timestamp",
    )
)  # fmt: skip
"""Elements that leave a resource to mean what it means."""
_HARMLESS_OF_DOSES = frozenset(
    ("id", "extension", "sequence", "text", "patientInstruction", "additionalInstruction", "timing")
)
_REVERSING = ("modifierExtension", "implicitRules", "comparator", "frequencyMax", "validityPeriod")
"""At any depth these make something else of what they stand in."""
_NEVER = {"doNotPerform": True, "reportedBoolean": True, "isSubpotent": True}


def surplus(resource: Json, elements: tuple[str, ...]) -> str:
    """The first element that may change the meaning of a new resource, or "".

    Args:
        resource: as it was created.
        elements: what was asked for, as in ``dosageInstruction.route``.
    """
    asked = {name.partition(".")[0] for name in elements}
    for name, value in resource.items():
        if name in _NEVER:
            if value is _NEVER[name]:
                return name
        elif name.lstrip("_") not in _HARMLESS | asked:
            return name
    doses = resource.get("dosageInstruction", [])
    if isinstance(doses, list) and len(doses) > 1:
        return "dosageInstruction[1]"
    for dose in doses if isinstance(doses, list) else ():
        found = _of_dose(dose, elements)
        if found:
            return f"dosageInstruction.{found}"
    return next(_reversing(resource), "")


def _of_dose(dose: Json, elements: tuple[str, ...]) -> str:
    asked = {
        name.partition(".")[2].partition(".")[0]
        for name in elements
        if name.startswith("dosageInstruction.")
    }
    for name, value in dose.items():
        if name == "asNeededBoolean" and value is False:
            continue
        if name.lstrip("_") not in _HARMLESS_OF_DOSES | asked:
            return name
    parts = dose.get("doseAndRate", [])
    if len(parts) > 1:
        return "doseAndRate[1]"
    rated = any(name.startswith("dosageInstruction.doseAndRate.rate") for name in elements)
    if not rated and any(name.startswith("rate") for part in parts for name in part):
        return "doseAndRate.rate"
    return _of_timing(dose.get("timing", {}), "timing" in asked)


def _of_timing(timing: Json, asked: bool) -> str:
    repeat = timing.get("repeat", {})
    for name in ("dayOfWeek", "offset", *(("count",) if asked else ())):
        if name in repeat:
            return f"timing.repeat.{name}"
    if not asked and repeat.get("frequency", 1) != 1:
        return "timing.repeat.frequency"
    bounds = repeat.get("boundsPeriod", {})
    ends = [bounds.get("end", ""), *timing.get("event", ())]
    if any(end and end[:10] < TODAY for end in ends):
        return "timing, which is over"
    if bounds.get("start", "")[:10] > TODAY:
        return "timing, which has not begun"
    if repeat.get("boundsDuration", {}).get("value", 1) <= 0:
        return "timing.repeat.boundsDuration"
    return ""


def _reversing(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in _REVERSING:
                yield name
            yield from _reversing(part)
    elif isinstance(value, list):
        for part in value:
            yield from _reversing(part)
