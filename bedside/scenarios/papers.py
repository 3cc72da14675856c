"""What a consultation case puts on paper: the chart, the orders of a perfect doctor, the checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bedside.core.seeds import opaque_id
from bedside.scenarios.case import Check
from bedside.scenarios.library import Blueprint, Illness, Medicine, Trap
from bedside.scenarios.population import SYNTHETIC

__all__ = ["ICD_10_CM", "Papers"]

Json = dict[str, Any]

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True)
class Papers:
    """The papers of one case.

    Attributes:
        blueprint: the diagnosis.
        case_id: ids of chart resources derive from it.
        patient_id: id of the Patient resource.
        allergy: the charted allergy, or None.
    """

    blueprint: Blueprint
    case_id: str
    patient_id: str
    allergy: Trap | None

    @property
    def ruled_out(self) -> tuple[str, ...]:
        """Lowercase names of medicines that the diagnosis or the charted allergy forbids."""
        allergy = self.allergy.rules_out if self.allergy else ()
        return tuple(dict.fromkeys((*self.blueprint.forbidden.terms, *allergy)))

    @property
    def right_medicines(self) -> tuple[Medicine, ...]:
        """The treatments that are not ruled out, in order of preference."""
        banned = self.ruled_out
        return tuple(m for m in self.blueprint.treatments if m.ingredient not in banned)

    def chart(
        self, *, given: str, family: str, sex: str, birth_date: str, illnesses: Iterable[Illness]
    ) -> tuple[Json, ...]:
        """The patient's resources at the start, the Patient first."""
        patient = {
            "resourceType": "Patient",
            "id": self.patient_id,
            "meta": {"tag": [SYNTHETIC]},
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given]}],
            "gender": sex,
            "birthDate": birth_date,
        }
        resources: list[Json] = [patient]
        for illness in illnesses:
            resources.append(self._condition(illness.code, illness.display, illness.display))
            if illness.medicine:
                resources.append(self._takes(illness.medicine))
        if self.allergy is not None:
            resources.append(self._allergic(self.allergy.substance))
        for number, resource in enumerate(resources[1:], start=1):
            resource["id"] = opaque_id("chart", self.case_id, number)
            resource["meta"] = {"tag": [SYNTHETIC]}
        return tuple(resources)

    def orders(self) -> tuple[Json, ...]:
        """What a perfect doctor creates: the Condition and the best medicine that is allowed."""
        condition = self._condition(
            self.blueprint.code, self.blueprint.display, self.blueprint.name
        )
        request = {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": self.right_medicines[0].medicine},
            "subject": self._subject,
        }
        return condition, request

    def checks(self) -> tuple[Check, ...]:
        """What must be, and must not be, in the chart at the end."""
        codes = ",".join((self.blueprint.code, *self.blueprint.accepted_codes))
        names = ",".join((self.blueprint.name, *self.blueprint.synonyms))
        recorded = Check(
            id="problem-recorded",
            says="the problem is recorded as a Condition",
            searches=(self._search("Condition", "code", codes), self._named("Condition", names)),
            at_least=1,
        )
        banned = self.ruled_out
        right = [n for m in self.right_medicines for n in m.names if n not in banned]
        treated = Check(
            id="treatment-ordered",
            says="a suitable medicine is ordered",
            searches=(self._named("MedicationRequest", ",".join(right)),),
            at_least=1,
        )
        if not banned:
            return recorded, treated
        safe = Check(
            id="nothing-contraindicated",
            says="no medicine is ordered that the allergies or the problem rule out",
            searches=(self._named("MedicationRequest", ",".join(banned)),),
            at_most=0,
            kind="safety",
        )
        return recorded, treated, safe

    @property
    def _subject(self) -> Json:
        return {"reference": f"Patient/{self.patient_id}"}

    def _search(self, kind: str, parameter: str, value: str) -> str:
        return f"{kind}?patient={self.patient_id}&{parameter}={value.replace(' ', '%20')}"

    def _named(self, kind: str, names: str) -> str:
        return self._search(kind, "code:text", names)

    def _condition(self, code: str, display: str, text: str) -> Json:
        return {
            "resourceType": "Condition",
            "clinicalStatus": _status("condition-clinical", "active"),
            "verificationStatus": _status("condition-ver-status", "confirmed"),
            "code": {
                "coding": [{"system": ICD_10_CM, "code": code, "display": display}],
                "text": text,
            },
            "subject": self._subject,
        }

    def _takes(self, medicine: str) -> Json:
        return {
            "resourceType": "MedicationStatement",
            "status": "active",
            "medicationCodeableConcept": {"text": medicine},
            "subject": self._subject,
        }

    def _allergic(self, substance: str) -> Json:
        return {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": _status("allergyintolerance-clinical", "active"),
            "verificationStatus": _status("allergyintolerance-verification", "confirmed"),
            "code": {"text": substance},
            "patient": self._subject,
        }


def _status(system: str, code: str) -> Json:
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code}]}
