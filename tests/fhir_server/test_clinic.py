"""The clinic: valid, synthetic, the same every time."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import simple_icd_10_cm as icd

from bedside.fhir_server import Chart, Population, StartLayer
from bedside.fhir_server.validation import validate
from bedside.scenarios.hospital import clinic
from bedside.scenarios.synthetic import SYNTHETIC, TODAY


def test_every_resource_is_valid_and_labelled_synthetic() -> None:
    for record in clinic():
        assert validate(record.resource) == ()
        assert record.resource["meta"]["tag"] == [SYNTHETIC]


def test_every_resource_is_found_in_the_chart_of_one_patient() -> None:
    chart = Chart(clinic(), StartLayer.of([]), seed=1, now=f"{TODAY}T09:00:00Z")
    patients = list(clinic().of_type("Patient"))
    assert len(patients) == 60

    def total(search: str) -> int:
        return int(json.loads(chart.request("GET", search).body)["total"])

    for type in ("Condition", "MedicationRequest", "Observation", "Encounter"):
        counts = [total(f"{type}?patient={patient.id}") for patient in patients]
        assert sum(counts) == total(type)
        assert sum(count > 0 for count in counts) > len(patients) / 2
    assert total("AllergyIntolerance") >= 5


def test_nothing_lies_after_today() -> None:
    for record in clinic():
        for text in re.findall(r'"(\d{4}-\d\d-\d\d)', record.data.decode()):
            assert text < TODAY


def test_diagnoses_are_icd_10_cm_by_its_own_names() -> None:
    for record in clinic().of_type("Condition"):
        coding = record.resource["code"]["coding"][0]
        assert icd.is_leaf(coding["code"])
        assert icd.get_description(coding["code"]) == coding["display"]


def test_it_is_the_same_in_every_process() -> None:
    code = "from bedside.scenarios.hospital import clinic; print(clinic().digest)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == clinic().digest
    again = Population.of(record.resource for record in clinic())
    assert again.digest == clinic().digest
