"""Lives as FHIR R4 resources. All are tagged as synthetic."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

from bedside.core.seeds import opaque_id
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW, Admission, Illness, Life, Taken
from bedside.scenarios.hospital.tables import Band, analytes, conditions, medicines
from bedside.scenarios.synthetic import SYNTHETIC

__all__ = ["TIMES", "Writer", "moment"]

Json = dict[str, Any]

_META: Json = {"tag": [SYNTHETIC]}
_HL7 = "http://terminology.hl7.org/CodeSystem"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_MRN = "https://bedside.dev/mrn"
_PANELS = {
    "metabolic": "Basic metabolic panel",
    "electrolytes": "Magnesium and phosphate",
    "blood_count": "Complete blood count",
    "liver": "Liver panel",
    "inflammation": "Inflammatory markers",
    "critical": "Lactate",
    "cardiac": "Cardiac markers",
    "clotting": "Clotting",
    "thyroid": "Thyroid panel",
    "diabetes": "HbA1c and urine albumin",
    "lipids": "Lipid panel",
    "iron": "Ferritin and vitamin B12",
}
TIMES = {1: "once a day", 2: "twice a day", 3: "three times a day", 4: "four times a day"}
_UNITS = {"[iU]": "units", "ug": "mcg", "meq": "mEq", "{unit}": "unit"}
_NAMES = {"Cel": "degrees C", "/min": "/min", "mm[Hg]": "mmHg", "m[IU]/L": "mIU/L", "{INR}": "INR"}
PRACTITIONERS = (
    ("Heath", "Sorrel"), ("Clover", "Tansy"), ("Basil", "Yarrow"), ("Ivy", "Mallow"),
    ("Reed", "Campion"), ("Fern", "Burdock"), ("Sage", "Teasel"), ("Bryony", "Vetch"),
)  # fmt: skip


def moment(at: int) -> str:
    """A moment as a FHIR dateTime."""
    day, minute = divmod(at, DAY)
    return f"{_day(day)}T{minute // 60:02}:{minute % 60:02}:00+00:00"


@cache
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def people_at_work() -> Iterator[Json]:
    """The doctors and nurses, and the hospital itself."""
    yield {
        "resourceType": "Organization",
        "id": "hospital",
        "meta": _META,
        "active": True,
        "name": "Bedside Teaching Hospital (synthetic)",
    }
    for number, (given, family) in enumerate(PRACTITIONERS):
        yield {
            "resourceType": "Practitioner",
            "id": f"practitioner-{number + 1}",
            "meta": _META,
            "active": True,
            "name": [{"text": f"{given} {family}", "family": family, "given": [given]}],
        }


class Writer:
    """Writes the resources of one life; their ids say nothing."""

    def __init__(self, life: Life, patient: str) -> None:
        self._life = life
        self._patient = patient
        self._count = 0
        self.subject: Json = {
            "reference": f"Patient/{patient}",
            "display": f"{life.given} {life.family}",
        }
        self._performer = practitioner(life.number)

    def _head(self, type: str) -> Json:
        self._count += 1
        id = opaque_id(self._patient, self._count)
        return {"resourceType": type, "id": id, "meta": _META}

    def patient(self) -> Json:
        """Who they are."""
        life = self._life
        return {
            "resourceType": "Patient",
            "id": self._patient,
            "meta": _META,
            "identifier": [
                {
                    "type": _concept(f"{_HL7}/v2-0203", "MR", "Medical record number"),
                    "system": _MRN,
                    "value": f"S{int(self._patient, 16) % 10**7:07}",
                }
            ],
            "active": True,
            "name": [
                {
                    "use": "official",
                    "text": f"{life.given} {life.family}",
                    "family": life.family,
                    "given": [life.given],
                }
            ],
            "telecom": [{"system": "phone", "value": f"555-01{life.number % 100:02}"}],
            "gender": "female" if life.female else "male",
            "birthDate": _day(life.birth // DAY),
            "address": [
                {"line": [f"{1 + life.number} Orchard Lane"], "city": "Bedside", "country": "XX"}
            ],
            "generalPractitioner": [self._performer],
        }

    def condition(self, illness: Illness) -> Json:
        """A chronic condition on the problem list."""
        known = conditions()[illness.name]
        return {
            **self._head("Condition"),
            **_active("condition"),
            "category": [_concept(f"{_HL7}/condition-category", "problem-list-item")],
            "code": _concept(_ICD, known.code, known.display),
            "subject": self.subject,
            "onsetDateTime": _day(illness.since // DAY),
            "recordedDate": _day(illness.since // DAY),
        }

    def diagnosis(self, admission: Admission, encounter: Json) -> Json:
        """What somebody was admitted for, resolved since."""
        stay = admission.stay
        return {
            **self._head("Condition"),
            "clinicalStatus": _concept(f"{_HL7}/condition-clinical", "resolved"),
            "verificationStatus": _concept(f"{_HL7}/condition-ver-status", "confirmed"),
            "category": [_concept(f"{_HL7}/condition-category", "encounter-diagnosis")],
            "code": _concept(_ICD, stay.code, stay.display),
            "subject": self.subject,
            "encounter": encounter,
            "onsetDateTime": moment(admission.arrival),
            "abatementDateTime": moment(admission.discharge),
            "recordedDate": moment(admission.arrival),
        }

    def allergy(self, allergen: str, category: str, reaction: str) -> Json:
        """What the patient does not bear."""
        return {
            **self._head("AllergyIntolerance"),
            **_active("allergyintolerance", "allergyintolerance-verification"),
            "category": [category],
            "code": {"text": allergen},
            "patient": self.subject,
            "recordedDate": _day(max(self._life.birth // DAY + 30, NOW // DAY - 2000)),
            "reaction": [{"manifestation": [{"text": reaction}]}],
        }

    def vaccination(self, vaccine: str, at: int) -> Json:
        """A vaccine that was given."""
        return {
            **self._head("Immunization"),
            "status": "completed",
            "vaccineCode": {"text": vaccine},
            "patient": self.subject,
            "occurrenceDateTime": _day(at // DAY),
            "primarySource": True,
        }

    def visit(self, at: int) -> Json:
        """A visit to the clinic."""
        return {
            **self._head("Encounter"),
            "status": "finished",
            "class": {"system": f"{_HL7}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "type": [{"text": "Clinic visit"}],
            "subject": self.subject,
            "participant": [{"individual": self._performer}],
            "period": {"start": moment(at), "end": moment(at + 30)},
        }

    def admission(self, admission: Admission) -> Json:
        """A stay in hospital, intensive care first if there was any."""
        stay, places = admission.stay, []
        if admission.icu_until > admission.arrival:
            places.append(_place("Intensive care", admission.arrival, admission.icu_until))
        places.append(_place("Ward", admission.icu_until, admission.discharge))
        return {
            **self._head("Encounter"),
            "status": "finished",
            "class": {
                "system": f"{_HL7}/v3-ActCode",
                "code": "IMP",
                "display": "inpatient encounter",
            },
            "type": [{"text": "Hospital admission"}],
            "subject": self.subject,
            "participant": [{"individual": self._performer}],
            "period": {"start": moment(admission.arrival), "end": moment(admission.discharge)},
            "reasonCode": [_concept(_ICD, stay.code, stay.display)],
            "location": places,
        }

    def procedure(self, admission: Admission, encounter: Json) -> Json:
        """What was done in a stay."""
        return {
            **self._head("Procedure"),
            "status": "completed",
            "code": {"text": admission.stay.procedure},
            "subject": self.subject,
            "encounter": encounter,
            "performedDateTime": moment(admission.treated + 2 * HOUR),
        }

    def order(self, taken: Taken, encounter: Json | None, reason: str) -> Json:
        """A medicine as ordered; stopped or completed if it ended."""
        ended = "completed" if taken.admission is not None else "stopped"
        return {
            **self._head("MedicationRequest"),
            "status": "active" if taken.end is None else ended,
            "intent": "order",
            "medicationCodeableConcept": medicine(taken.name),
            "subject": self.subject,
            **({"encounter": encounter} if encounter else {}),
            "authoredOn": moment(taken.start),
            "requester": self._performer,
            "reasonCode": [{"text": reason}],
            "dosageInstruction": [_dosage(taken)],
        }

    def given(self, taken: Taken, at: int, order: str, encounter: Json) -> Json:
        """One dose that was given in hospital."""
        known = medicines()[taken.name]
        return {
            **self._head("MedicationAdministration"),
            "status": "completed",
            "medicationCodeableConcept": medicine(taken.name),
            "subject": self.subject,
            "context": encounter,
            "effectiveDateTime": moment(at),
            "request": {"reference": f"MedicationRequest/{order}"},
            "dosage": {
                "route": {"text": known.route},
                "dose": _dose(*known.doses[taken.dose]),
            },
        }

    def measured(
        self, name: str, value: int, at: int, encounter: Json, based_on: Json | None = None
    ) -> Json:
        """A laboratory value or a vital sign."""
        fixed, low, high = _fixed(name, self._life.band(at), self._life.female)
        flag = "L" if value < low else "H" if value > high else "N"
        return {
            **self._head("Observation"),
            **fixed,
            "subject": self.subject,
            "encounter": encounter,
            "effectiveDateTime": moment(at),
            "valueQuantity": _quantity(name, value),
            "interpretation": [_flag(flag)],
            **({"basedOn": [based_on]} if based_on else {}),
        }

    def pressure(self, systolic: int, diastolic: int, at: int, encounter: Json) -> Json:
        """A blood pressure."""
        parts = (
            (_fixed(name, "adult", True)[0]["code"], _quantity(name, value))
            for name, value in (("systolic", systolic), ("diastolic", diastolic))
        )
        return {
            **self._head("Observation"),
            **_PRESSURE,
            "subject": self.subject,
            "encounter": encounter,
            "effectiveDateTime": moment(at),
            "component": [{"code": code, "valueQuantity": value} for code, value in parts],
        }

    def size(self, code: str, display: str, value: float, unit: str, at: int, where: Json) -> Json:
        """Height or weight."""
        return {
            **self._head("Observation"),
            "status": "final",
            "category": [_concept(f"{_HL7}/observation-category", "vital-signs", "Vital Signs")],
            "code": _concept(_LOINC, code, display),
            "subject": self.subject,
            "encounter": where,
            "effectiveDateTime": moment(at),
            "valueQuantity": {"value": value, "unit": unit, "system": _UCUM, "code": unit},
        }

    def laboratory_order(self, panel: str, at: int, encounter: Json, *, done: bool) -> Json:
        """An order of a panel."""
        return {
            **self._head("ServiceRequest"),
            "status": "completed" if done else "active",
            "intent": "order",
            "category": [{"text": "Laboratory"}],
            "priority": "routine",
            "code": {"text": _PANELS[panel]},
            "subject": self.subject,
            "encounter": encounter,
            "authoredOn": moment(at),
            "requester": self._performer,
        }

    def report(self, panel: str, at: int, results: list[str], encounter: Json, order: Json) -> Json:
        """The report of a panel."""
        return {
            **self._head("DiagnosticReport"),
            "basedOn": [order],
            "status": "final",
            "category": [_concept(f"{_HL7}/v2-0074", "LAB", "Laboratory")],
            "code": {"text": _PANELS[panel]},
            "subject": self.subject,
            "encounter": encounter,
            "effectiveDateTime": moment(at),
            "issued": moment(at + 2 * HOUR),
            "result": [{"reference": f"Observation/{result}"} for result in results],
        }

    def note(self, title: str, text: str, at: int, encounter: Json) -> Json:
        """A note, as plain text."""
        data = base64.b64encode(text.encode()).decode()
        return {
            **self._head("DocumentReference"),
            "status": "current",
            "type": {"text": title},
            "subject": self.subject,
            "date": moment(at),
            "author": [self._performer],
            "content": [
                {"attachment": {"contentType": "text/plain", "data": data, "title": title}}
            ],
            "context": {"encounter": [encounter]},
        }


def reference(resource: Json) -> Json:
    """A reference to a resource."""
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


@cache
def practitioner(number: int) -> Json:
    """A reference to one of the doctors."""
    place = number % len(PRACTITIONERS)
    return {
        "reference": f"Practitioner/practitioner-{place + 1}",
        "display": " ".join(PRACTITIONERS[place]),
    }


@cache
def medicine(name: str) -> Json:
    """A medicine as a concept."""
    known = medicines()[name]
    coding = {"system": _RXNORM, "code": known.rxnorm, "display": known.name}
    return {**({"coding": [coding]} if known.rxnorm else {}), "text": known.name}


def dose_text(taken: Taken) -> str:
    """The dose as it is said: "10 mg oral once a day"."""
    known = medicines()[taken.name]
    amount, unit = known.doses[taken.dose]
    text = f"{amount:g} {_UNITS.get(unit, unit)} {known.route} {TIMES[known.times_a_day]}"
    return text + (" as needed" if known.as_needed else "")


def _dosage(taken: Taken) -> Json:
    known = medicines()[taken.name]
    amount, unit = known.doses[taken.dose]
    return {
        "text": dose_text(taken),
        "timing": {
            "repeat": {
                "boundsPeriod": {
                    "start": moment(taken.start),
                    **({"end": moment(taken.end)} if taken.end is not None else {}),
                },
                "frequency": known.times_a_day,
                "period": 1,
                "periodUnit": "d",
            }
        },
        **({"asNeededBoolean": True} if known.as_needed else {}),
        "route": {"text": known.route},
        "doseAndRate": [{"doseQuantity": _dose(amount, unit)}],
    }


def _dose(amount: float, unit: str) -> Json:
    return {"value": amount, "unit": _UNITS.get(unit, unit), "system": _UCUM, "code": unit}


def _place(name: str, start: int, end: int) -> Json:
    return {"location": {"display": name}, "period": {"start": moment(start), "end": moment(end)}}


def _concept(system: str, code: str, text: str = "") -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": text}], "text": text} if text else {"coding": [coding]}


@cache
def _active(of: str, verification: str = "condition-ver-status") -> Json:
    return {
        "clinicalStatus": _concept(f"{_HL7}/{of}-clinical", "active"),
        "verificationStatus": _concept(f"{_HL7}/{verification}", "confirmed"),
    }


@cache
def _flag(code: str) -> Json:
    display = {"L": "Low", "H": "High", "N": "Normal"}[code]
    return _concept(f"{_HL7}/v3-ObservationInterpretation", code, display)


@cache
def _fixed(name: str, band: Band, female: bool) -> tuple[Json, int, int]:
    """What is the same in every Observation of an analyte, and its interval in whole numbers."""
    analyte = analytes()[name]
    vital = analyte.panel == "vitals"
    category = ("vital-signs", "Vital Signs") if vital else ("laboratory", "Laboratory")
    low, high = analyte.interval(band, female)
    unit = {"unit": _NAMES.get(analyte.unit, analyte.unit), "system": _UCUM, "code": analyte.unit}
    fixed = {
        "status": "final",
        "category": [_concept(f"{_HL7}/observation-category", *category)],
        "code": _concept(_LOINC, analyte.loinc, analyte.display),
        "referenceRange": [{"low": {"value": low, **unit}, "high": {"value": high, **unit}}],
    }
    scale = 10**analyte.digits
    return fixed, round(low * scale), round(high * scale)


def _quantity(name: str, value: int) -> Json:
    analyte = analytes()[name]
    return {
        "value": value / 10**analyte.digits if analyte.digits else value,
        "unit": _NAMES.get(analyte.unit, analyte.unit),
        "system": _UCUM,
        "code": analyte.unit,
    }


_PRESSURE: Json = {
    "status": "final",
    "category": [_concept(f"{_HL7}/observation-category", "vital-signs", "Vital Signs")],
    "code": _concept(_LOINC, "85354-9", "Blood pressure panel with all children optional"),
}
