"""What MedAgentBench's tasks have written: as valid FHIR R4, and what else means the same."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from bedside.scenarios.chart.expect import elements_of, needs_of
from bedside.scenarios.chart_case import Need, Way, Write
from bedside.scenarios.comparators import Amount, Concept, Moment, Same, Words

__all__ = [
    "NOW",
    "Order",
    "haemoglobin_a1c",
    "magnesium",
    "morning_potassium",
    "potassium",
    "pressure",
    "referral",
]

Json = dict[str, Any]

NOW = "2023-11-13T10:15:00+00:00"
"""The time in every task."""

_THIS_MINUTE = (NOW, "2023-11-13T10:15:59.999+00:00")
_AT_EIGHT = ("2023-11-14T08:00:00+00:00", "2023-11-14T08:59:59.999+00:00")
_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_NDC = "http://hl7.org/fhir/sid/ndc"
_CATEGORY = "http://hl7.org/fhir/observation-category"
"""The system as the original demands it; R4's own is accepted too."""
_R4_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_READINGS = ("component", "valueString", "valueQuantity")
"""In any of which a blood pressure may stand."""
_PRESSURE = re.compile(r"(?P<systolic>\d+)\s*/\s*(?P<diastolic>\d+)")


class Order(NamedTuple):
    """A resource that must be created.

    Attributes:
        says: the demand in words.
        resource: as a perfect doctor creates it; valid R4.
        needs: what it must say in any doctor's words.
    """

    says: str
    resource: Json
    needs: tuple[Need, ...]

    def write(self, place: int) -> Write:
        """The check of this order, the `place`-th of its task."""
        select = f"entry.resource.ofType({self.resource['resourceType']})"
        return Write(
            id=f"write-{place}",
            says=self.says,
            select=select,
            needs=self.needs,
            elements=(*elements_of(self.resource), *_READINGS),
        )


def pressure(mrn: str, told: str) -> Order:
    """A blood pressure as told, such as ``118/77 mmHg``: as text, or in two components."""
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_concept(_CATEGORY, "vital-signs", "Vital Signs")],
        "code": {"text": "BP"},
        "subject": _subject(mrn),
        "effectiveDateTime": NOW,
        "valueString": told,
    }
    needs = needs_of(resource, ungraded=("category", "code", "valueString"))
    own = (
        Need(says="it is a vital sign", fault="payload", ways=(Way(path="category", want=_VITAL),)),
        Need(says="it is a blood pressure", key=True, ways=(Way(path="code", want=_BP),)),
        Need(says=f"the value is {told}", ways=_readings(told)),
    )
    return Order(f"a blood pressure of {told} is recorded", resource, (*_timed(needs), *own))


def magnesium(mrn: str, grams: int) -> Order:
    """Magnesium into a vein, a gram an hour."""
    drug = _concept(_NDC, "0338-1715-40", "Magnesium sulfate")
    given = {"doseQuantity": _amount(grams, "g"), "rateQuantity": _amount(grams, "h")}
    dosage = {"route": {"text": "IV"}, "doseAndRate": [given]}
    meant = {
        "route": {"text": "intravenous"},
        "doseAndRate": [{"doseQuantity": _amount(grams, "g"), "rateQuantity": _amount(1, "g/h")}],
    }
    resource = _prescription(mrn, drug, dosage)
    needs = needs_of(
        {**resource, "dosageInstruction": [meant]},
        windows={"authoredOn": _THIS_MINUTE},
        also={"medicationCodeableConcept": ("magnesium", "magnesium sulphate")},
    )
    hours = Way(path="dosageInstruction.doseAndRate.rate", want=Amount(value=grams, unit="h"))
    needs = tuple(
        need.model_copy(update={"ways": (*need.ways, hours)})
        if need.says.startswith("the rate")
        else need
        for need in needs
    )
    says = f"{grams} g of magnesium over {grams} h are ordered"
    return Order(says, resource, _timed(needs))


def potassium(mrn: str, dose: float) -> Order:
    """Potassium by mouth, in mEq."""
    drug = _concept(_NDC, "40032-917-01", "Potassium chloride")
    route = {"route": {"text": "oral"}}
    resource = _prescription(
        mrn, drug, {**route, "doseAndRate": [{"doseQuantity": _amount(dose, "mEq")}]}
    )
    needs = needs_of(
        {**resource, "dosageInstruction": [route]},
        windows={"authoredOn": _THIS_MINUTE},
        also={"medicationCodeableConcept": ("potassium", "kcl")},
    )
    want = Amount(value=dose, unit="meq", tolerance=0.1)
    right_dose = Need(
        says=f"the dose is {dose:g} mEq",
        ways=(Way(path="dosageInstruction.doseAndRate.dose", want=want),),
    )
    return Order(f"{dose:g} mEq of potassium are ordered", resource, (*_timed(needs), right_dose))


def morning_potassium(mrn: str) -> Order:
    """A serum potassium for eight the next morning."""
    code = _concept(_LOINC, "2823-3", "Potassium")
    resource = {**_service(mrn, code), "occurrenceDateTime": _AT_EIGHT[0]}
    names = ("serum potassium", "serum potassium level", "k")
    needs = needs_of(resource, windows={"occurrenceDateTime": _AT_EIGHT}, also={"code": names})
    return Order("a potassium is ordered for eight in the morning", resource, _timed(needs))


def haemoglobin_a1c(mrn: str) -> Order:
    """A new HbA1c."""
    code = _concept(_LOINC, "4548-4", "Hemoglobin A1c")
    names = ("hba1c", "a1c", "haemoglobin a1c", "hemoglobin a1c test", "hba1c lab test")
    resource = _service(mrn, code)
    return Order("an HbA1c is ordered", resource, _timed(needs_of(resource, also={"code": names})))


def referral(mrn: str, told: str) -> Order:
    """A referral to orthopaedic surgery whose note has the words told."""
    code = _concept(_SNOMED, "306181000000106", "Orthopedic surgery referral")
    resource = {**_service(mrn, code), "note": [{"text": told}]}
    names = ("orthopaedic surgery referral", "referral to orthopedic surgery")
    needs = needs_of(resource, phrases=(told,), also={"code": names}, room=0)
    return Order("the referral is ordered, with its note", resource, _timed(needs))


def _timed(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """The needs, of which those of a time are met by a time only: a day alone is not enough."""
    return tuple(
        need.model_copy(update={"ways": tuple(map(_with_time, need.ways))}) for need in needs
    )


def _with_time(way: Way) -> Way:
    if not isinstance(way.want, Moment):
        return way
    return way.model_copy(update={"path": f"{way.path}.where($this.toString().length() > 10)"})


def _readings(told: str) -> tuple[Way, ...]:
    as_text = Way(path="value", want=Words(phrases=(told,)))
    parts = _PRESSURE.search(told)
    if parts is None:
        return (as_text,)
    both = " and ".join(
        f"component.where(code.coding.code = '{code}' and value.value = {parts[name]}).exists()"
        for code, name in (("8480-6", "systolic"), ("8462-4", "diastolic"))
    )
    without_unit = Way(path="value", want=Words(phrases=(parts[0],)))
    return as_text, without_unit, Way(path=both, want=Same(values=(True,)))


def _prescription(mrn: str, drug: Json, dosage: Json) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": drug,
        "subject": _subject(mrn),
        "authoredOn": NOW,
        "dosageInstruction": [dosage],
    }


def _service(mrn: str, code: Json) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "stat",
        "code": code,
        "subject": _subject(mrn),
        "authoredOn": NOW,
    }


def _subject(mrn: str) -> Json:
    return {"reference": f"Patient/{mrn}"}


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _amount(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit}


_VITAL = Concept(
    codes=(f"{_CATEGORY}|vital-signs", f"{_R4_CATEGORY}|vital-signs"),
    names=("vital signs", "vital-signs"),
)
_BP = Concept(
    codes=(f"{_LOINC}|85354-9", f"{_LOINC}|55284-4"),
    names=("bp", "blood pressure", "blood pressure panel"),
)
