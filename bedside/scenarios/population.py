"""The clinic: made-up bystanders whose charts share the EHR with the patient of a case.

Every person is invented. Codes and their names are ICD-10-CM (public domain) and LOINC; medicines
and allergies are given by name.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from bedside.core.seeds import opaque_id, rng
from bedside.fhir_server import Population

__all__ = ["SYNTHETIC", "TODAY", "clinic"]

Json = dict[str, Any]

TODAY = "2026-01-15"
"""The day on which every encounter takes place."""

SYNTHETIC: Json = {"system": "https://bedside.dev/tags", "code": "synthetic"}
"""The tag that every made-up resource carries."""

_SEED = 20260115
_PATIENTS = 60

_GIVEN = {
    "female": ("Ada", "Bea", "Carla", "Dina", "Edda", "Fay", "Gwen", "Hana", "Ines", "Jola"),
    "male": ("Abel", "Boris", "Cyril", "Dario", "Emil", "Felix", "Gil", "Hugo", "Ivo", "Jaro"),
}
_FAMILY = (
    "Alder", "Bittern", "Cypress", "Dunlin", "Elder", "Finch", "Gadwall", "Hazel", "Ivy",
    "Jackdaw", "Kestrel", "Larch", "Merlin", "Nuthatch", "Osier", "Plover", "Quince", "Rowan",
    "Siskin", "Tamarisk", "Viburnum", "Willow", "Yew",
)  # fmt: skip
_CONDITIONS = {
    "I10": ("Essential (primary) hypertension", "lisinopril 10 mg tablet"),
    "E11.9": ("Type 2 diabetes mellitus without complications", "metformin 500 mg tablet"),
    "E78.5": ("Hyperlipidemia, unspecified", "atorvastatin 20 mg tablet"),
    "J45.909": ("Unspecified asthma, uncomplicated", "salbutamol 100 microgram inhaler"),
    "K21.9": (
        "Gastro-esophageal reflux disease without esophagitis",
        "omeprazole 20 mg capsule",
    ),
    "E03.9": ("Hypothyroidism, unspecified", "levothyroxine 50 microgram tablet"),
    "J30.9": ("Allergic rhinitis, unspecified", "loratadine 10 mg tablet"),
    "L20.9": ("Atopic dermatitis, unspecified", "emollient cream"),
    "M17.9": ("Osteoarthritis of knee, unspecified", "paracetamol 500 mg tablet"),
}
_ALLERGENS = {
    "medication": ("penicillin", "ibuprofen", "sulfamethoxazole"),
    "food": ("peanut", "shellfish"),
    "environment": ("latex", "grass pollen"),
}
_SUPPLEMENTS = ("vitamin D 1000 unit tablet", "ibuprofen 400 mg tablet", "magnesium tablet")
_LOINC = "http://loinc.org"
_UNITS = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@cache
def clinic() -> Population:
    """The clinic's population: the same 60 patients every time, 10 or so resources each."""
    return Population.of(resource for number in range(_PATIENTS) for resource in _chart(number))


def _chart(number: int) -> Iterator[Json]:
    draw = rng(_SEED, "patient", number)
    patient = _patient(number, draw)
    subject = {"reference": f"Patient/{patient['id']}", "display": patient["name"][0]["text"]}
    yield patient
    codes = draw.sample(sorted(_CONDITIONS), draw.randint(1, 3))
    for place, code in enumerate(codes):
        onset = _day(draw, 2012, 2025)
        yield _condition(number, place, code, subject, onset)
        yield _prescription(number, place, _CONDITIONS[code][1], subject, onset)
    if draw.random() < 0.4:
        yield _statement(number, draw.choice(_SUPPLEMENTS), subject, _day(draw, 2024, 2025))
    if draw.random() < 0.35:
        yield _allergy(number, draw, subject)
    for visit in range(draw.randint(1, 2)):
        yield from _vitals(number, visit, draw, subject)


def _patient(number: int, draw: random.Random) -> Json:
    gender = draw.choice(sorted(_GIVEN))
    given, family = draw.choice(_GIVEN[gender]), _FAMILY[number % len(_FAMILY)]
    return {
        **_head("Patient", number),
        "identifier": [
            {"system": "https://bedside.dev/mrn", "value": opaque_id(_SEED, "mrn", number)}
        ],
        "active": True,
        "name": [
            {"use": "official", "text": f"{given} {family}", "family": family, "given": [given]}
        ],
        "gender": gender,
        "birthDate": _day(draw, 1936, 2007),
    }


def _condition(number: int, place: int, code: str, subject: Json, onset: str) -> Json:
    name = _CONDITIONS[code][0]
    return {
        **_head("Condition", number, place),
        "clinicalStatus": _concept(f"{_TERMINOLOGY}/condition-clinical", "active"),
        "verificationStatus": _concept(f"{_TERMINOLOGY}/condition-ver-status", "confirmed"),
        "category": [_concept(f"{_TERMINOLOGY}/condition-category", "problem-list-item")],
        "code": _concept("http://hl7.org/fhir/sid/icd-10-cm", code, name),
        "subject": subject,
        "onsetDateTime": onset,
        "recordedDate": onset,
    }


def _prescription(number: int, place: int, medicine: str, subject: Json, day: str) -> Json:
    return {
        **_head("MedicationRequest", number, place),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": medicine},
        "subject": subject,
        "authoredOn": day,
    }


def _statement(number: int, medicine: str, subject: Json, day: str) -> Json:
    return {
        **_head("MedicationStatement", number),
        "status": "active",
        "medicationCodeableConcept": {"text": medicine},
        "subject": subject,
        "effectivePeriod": {"start": day},
    }


def _allergy(number: int, draw: random.Random, subject: Json) -> Json:
    category = draw.choice(sorted(_ALLERGENS))
    return {
        **_head("AllergyIntolerance", number),
        "clinicalStatus": _concept(f"{_TERMINOLOGY}/allergyintolerance-clinical", "active"),
        "verificationStatus": _concept(
            f"{_TERMINOLOGY}/allergyintolerance-verification", "confirmed"
        ),
        "category": [category],
        "code": {"text": draw.choice(_ALLERGENS[category])},
        "patient": subject,
        "recordedDate": _day(draw, 2010, 2025),
    }


def _vitals(number: int, visit: int, draw: random.Random, subject: Json) -> Iterator[Json]:
    day = _day(draw, 2024, 2025)

    def vital(code: str, name: str, measured: Json) -> Json:
        return {
            **_head("Observation", number, visit, code),
            "status": "final",
            "category": [_concept(f"{_TERMINOLOGY}/observation-category", "vital-signs")],
            "code": _concept(_LOINC, code, name),
            "subject": subject,
            "effectiveDateTime": f"{day}T09:{draw.randint(0, 59):02}:00+00:00",
            **measured,
        }

    rate = _quantity(draw.randint(56, 96), "beats/minute", "/min")
    yield vital("8867-4", "Heart rate", {"valueQuantity": rate})
    temperature = _quantity(draw.randint(362, 373) / 10, "degrees C", "Cel")
    yield vital("8310-5", "Body temperature", {"valueQuantity": temperature})
    pressures = (
        ("8480-6", "Systolic blood pressure", draw.randint(106, 152)),
        ("8462-4", "Diastolic blood pressure", draw.randint(62, 94)),
    )
    components = [
        {"code": _concept(_LOINC, code, name), "valueQuantity": _quantity(value, "mmHg", "mm[Hg]")}
        for code, name, value in pressures
    ]
    yield vital(
        "85354-9",
        "Blood pressure panel with all children optional",
        {"component": components},
    )


def _head(type: str, *labels: str | int) -> Json:
    id = opaque_id(_SEED, type, *labels)
    return {"resourceType": type, "id": id, "meta": {"tag": [SYNTHETIC]}}


def _concept(system: str, code: str, text: str = "") -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": text}], "text": text} if text else {"coding": [coding]}


def _quantity(value: float, unit: str, code: str) -> Json:
    return {"value": value, "unit": unit, "system": _UNITS, "code": code}


def _day(draw: random.Random, first_year: int, last_year: int) -> str:
    year = draw.randint(first_year, last_year)
    return f"{year}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
