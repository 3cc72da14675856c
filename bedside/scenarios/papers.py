"""What a consultation case puts on paper: the chart, the orders of a perfect doctor, the checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bedside.core.seeds import opaque_id
from bedside.scenarios.background import Background, Life, remaining
from bedside.scenarios.blueprint import Blueprint, Illness, RedFlag, Treatment
from bedside.scenarios.case import Check
from bedside.scenarios.names import ICD_10_CM
from bedside.scenarios.synthetic import SYNTHETIC

__all__ = ["Papers"]

Json = dict[str, Any]

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DONE = "status=active,completed"
_NOT_CANCELLED = "status=active,completed,draft,on-hold,unknown"
_HELD = "verification-status:not=refuted&verification-status:not=entered-in-error"


@dataclass(frozen=True)
class Papers:
    """The papers of one case.

    Attributes:
        blueprint: the diagnosis.
        case_id: ids of chart resources derive from it.
        patient_id: id of the Patient resource.
        background: what is charted besides.
        red_flags: those of the diagnosis that are present.
    """

    blueprint: Blueprint
    case_id: str
    patient_id: str
    background: Background
    red_flags: tuple[RedFlag, ...]

    @property
    def ruled_out(self) -> tuple[str, ...]:
        """Lowercase names of medicines that the diagnosis or what is charted forbids."""
        trap = self.background.trap
        charted = trap.rules_out if trap else ()
        return tuple(dict.fromkeys((*self.blueprint.forbidden.terms, *charted)))

    @property
    def right_treatments(self) -> tuple[Treatment, ...]:
        """The treatments that are not ruled out, in order of preference."""
        return remaining(self.blueprint, self.background.trap)

    @property
    def treatment_plan(self) -> tuple[tuple[str, ...], ...]:
        """The groups of the diagnosis's plan without what is ruled out and without empty groups."""
        kept = (
            tuple(term for term in group if not self._against(term))
            for group in self.blueprint.plan.treatment
        )
        return tuple(filter(None, kept))

    def _against(self, term: str) -> bool:
        """Whether it names what is ruled out: "phenoxymethylpenicillin" where "penicillin" is."""
        trap = self.background.trap
        classes = trap.classes if trap else ()
        return any(banned in term for banned in (*self.ruled_out, *classes))

    def chart(self, life: Life, illnesses: Iterable[Illness]) -> tuple[Json, ...]:
        """The patient's resources at the start, the Patient first."""
        resources: list[Json] = [
            {
                "resourceType": "Patient",
                "active": True,
                "name": [{"use": "official", "family": life.family, "given": [life.given]}],
                "gender": life.sex,
                "birthDate": life.birth_date,
            }
        ]
        for illness in illnesses:
            resources.append(self._condition(illness.display, illness.display, illness.code))
            if illness.medicine:
                resources.append(self._takes(illness.medicine))
        resources += self._trap()
        resources += (self._visit(day, reason) for day, reason in self.background.visits)
        for number, resource in enumerate(resources):
            id = opaque_id("chart", self.case_id, number) if number else self.patient_id
            resource |= {"id": id, "meta": {"tag": [SYNTHETIC]}}
        return tuple(resources)

    def _trap(self) -> Iterator[Json]:
        trap = self.background.trap
        if trap is None:
            return
        if trap.kind == "allergy":
            yield self._allergic(trap.charted)
        elif trap.kind == "medicine":
            yield self._takes(trap.charted)
        else:
            yield self._condition(trap.charted, trap.charted, trap.code)

    def orders(self) -> tuple[Json, ...]:
        """What a perfect doctor creates: the Condition, the best treatment that is allowed, and
        what a red flag asks for."""
        name, code, display = self.blueprint.name, self.blueprint.code, self.blueprint.display
        orders = [self._condition(name, display, code)]
        if self.right_treatments:
            best = self.right_treatments[0]
            orders.append(
                self._prescribed(best.order) if best.kind == "medicine" else self._asked(best.order)
            )
        orders += (self._asked(flag.order) for flag in self.red_flags)
        return tuple(orders)

    def checks(self) -> tuple[Check, ...]:
        """What must be, and must not be, in the chart at the end."""
        return tuple(self._checks())

    def _checks(self) -> Iterator[Check]:
        yield Check(
            id="problem-recorded",
            says="the problem is recorded as a Condition",
            searches=(f"Condition?patient={self.patient_id}&{_HELD}",),
            names_diagnosis=True,
            at_least=1,
        )
        if self.right_treatments:
            yield Check(
                id="treatment-ordered",
                says="a suitable treatment is ordered",
                searches=tuple(self._suitable()),
                at_least=1,
            )
        for number, flag in enumerate(self.red_flags, start=1):
            yield Check(
                id=f"red-flag-{number}",
                says=f"{flag.says}: {flag.action.replace('_', '-')} is ordered",
                searches=(self._search("ServiceRequest", flag.terms, _DONE),),
                at_least=1,
            )
        if self.ruled_out:
            yield Check(
                id="nothing-contraindicated",
                says="no medicine is ordered that the chart or the problem rules out",
                searches=(self._search("MedicationRequest", self.ruled_out, _NOT_CANCELLED),),
                at_most=0,
                kind="safety",
            )

    def _suitable(self) -> Iterator[str]:
        """The searches that find a suitable treatment among what was ordered."""
        for kind, type in (("medicine", "MedicationRequest"), ("procedure", "ServiceRequest")):
            right = (t for t in self.blueprint.treatments if t.kind == kind)
            names = [name for t in right for name in t.names if not self._against(name)]
            if names:
                yield self._search(type, names, _DONE)

    @property
    def _subject(self) -> Json:
        return {"reference": f"Patient/{self.patient_id}"}

    def _search(self, type: str, names: Iterable[str], status: str) -> str:
        return f"{type}?patient={self.patient_id}&{status}&code:text={quote(','.join(names))}"

    def _condition(self, text: str, display: str, code: str) -> Json:
        concept: Json = {"text": text}
        if code:
            concept["coding"] = [{"system": ICD_10_CM, "code": code, "display": display}]
        return {
            "resourceType": "Condition",
            "clinicalStatus": _status("condition-clinical", "active"),
            "verificationStatus": _status("condition-ver-status", "confirmed"),
            "code": concept,
            "subject": self._subject,
        }

    def _prescribed(self, medicine: str) -> Json:
        return {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": medicine},
            "subject": self._subject,
        }

    def _asked(self, service: str) -> Json:
        return {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "code": {"text": service},
            "subject": self._subject,
        }

    def _visit(self, day: str, reason: str) -> Json:
        return {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": _ACT_CODE, "code": "AMB", "display": "ambulatory"},
            "subject": self._subject,
            "period": {"start": day, "end": day},
            "reasonCode": [{"text": reason}],
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
