"""What a new resource may say beside what was asked for, and what makes another of it."""

from __future__ import annotations

from typing import Any

import pytest

from bedside.agents.surplus import surplus

ASKED = (
    "resourceType", "status", "intent", "medicationCodeableConcept", "subject", "authoredOn",
    "dosageInstruction", "dosageInstruction.route", "dosageInstruction.doseAndRate",
    "dosageInstruction.doseAndRate.doseQuantity",
)  # fmt: skip


def order(dose: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = {
        "route": {"text": "oral"},
        "doseAndRate": [{"doseQuantity": {"value": 40, "unit": "mEq"}}],
        **(dose or {}),
    }
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "potassium chloride"},
        "subject": {"reference": "Patient/p"},
        "dosageInstruction": [given],
        **more,
    }


@pytest.mark.parametrize(
    "resource",
    [
        order(),
        order(note=[{"text": "K 2.8"}], requester={"reference": "Practitioner/a"}, priority="stat"),
        order(doNotPerform=False, reportedBoolean=False),
        order({"text": "40 mEq by mouth once", "timing": {"repeat": {"count": 1}}}),
        order({"asNeededBoolean": False, "timing": {"event": ["2026-01-15T09:30:00Z"]}}),
        order(extension=[{"url": "http://x", "valueString": "y"}], _status={"id": "s"}),
    ],
)
def test_what_does_no_harm(resource: dict[str, Any]) -> None:
    assert surplus(resource, ASKED) == ""


def test_where_a_frequency_is_asked_for_a_count_cuts_it_short() -> None:
    daily = {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d", "count": 1}}}
    assert surplus(order(daily), (*ASKED, "dosageInstruction.timing")) == (
        "dosageInstruction.timing.repeat.count"
    )


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        (order(doNotPerform=True), "doNotPerform"),
        (order(statusReason={"text": "cancelled"}), "statusReason"),
        (order(modifierExtension=[{"url": "http://x"}]), "modifierExtension"),
        (order({"asNeededBoolean": True}), "asNeededBoolean"),
        (order({"maxDosePerAdministration": {"value": 1}}), "maxDosePerAdministration"),
        (order({"doseAndRate": [{}, {}]}), "doseAndRate[1]"),
        (order({"doseAndRate": [{"rateQuantity": {"value": 1}}]}), "doseAndRate.rate"),
        (order({"timing": {"repeat": {"frequency": 24}}}), "timing.repeat.frequency"),
        (order({"timing": {"repeat": {"boundsPeriod": {"end": "2020-01-01"}}}}), "over"),
        (order({"timing": {"event": ["2020-01-01"]}}), "over"),
        (order({"timing": {"repeat": {"dayOfWeek": ["mon"]}}}), "dayOfWeek"),
        (order({"timing": {"repeat": {"boundsPeriod": {"start": "2030-01-01"}}}}), "not begun"),
        (order({"timing": {"repeat": {"boundsDuration": {"value": 0}}}}), "boundsDuration"),
        (order(dispenseRequest={"validityPeriod": {"end": "2020-01-01"}}), "validityPeriod"),
        (order(dosageInstruction=[{}, {}]), "dosageInstruction[1]"),
    ],
)
def test_what_makes_another_order_of_it(resource: dict[str, Any], element: str) -> None:
    assert element in surplus(resource, ASKED)
