"""Layouts that populations come in: Synthea's Bundles, MIMIC's compressed files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from bedside.fhir_server import Population
from bedside.fhir_server.bulk import lines_of
from bedside.fhir_server.chart import Chart
from bedside.fhir_server.population import StartLayer

ANN, HEART = "urn:uuid:6f1d6a0e-3c7b-4f0e-9d55-0c6f6d8f2b11", "urn:uuid:0f0e0d0c-0000-4000-8000-1"
NPI = "http://hl7.org/fhir/sid/us-npi"


def bundle(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def entry(address: str, **resource: Any) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": address, "resource": resource, "request": request}


def chart(folder: Path) -> Chart:
    found = Population.of(json.loads(line.text) for line in lines_of([folder]))
    return Chart(found, StartLayer({}), seed=0, now="2026-01-15T09:00:00Z")


def ids(reply: Any) -> list[str]:
    return [each["resource"]["id"] for each in json.loads(reply.body).get("entry", [])]


def test_a_bundle_of_synthea_can_be_searched_by_its_patient(tmp_path: Path) -> None:
    beats = entry(
        HEART,
        resourceType="Observation",
        id="heart",
        status="final",
        code={"text": "heart rate"},
        subject={"reference": ANN},
        performer=[{"reference": f"Practitioner?identifier={NPI}|999", "display": "Dr Oak"}],
        focus=[{"reference": "urn:uuid:nobody"}],
    )
    patient = entry(ANN, resourceType="Patient", id="ann", birthDate="1980-01-01")
    (tmp_path / "Ann.json").write_bytes(bundle(patient, beats))
    found = chart(tmp_path)
    assert ids(found.request("GET", "Observation?patient=ann")) == ["heart"]
    stored = json.loads(found.request("GET", "Observation/heart").body)
    assert stored["performer"] == [
        {
            "type": "Practitioner",
            "identifier": {"system": NPI, "value": "999"},
            "display": "Dr Oak",
        }
    ]
    assert stored["focus"] == [{"reference": "urn:uuid:nobody"}]


def test_the_compressed_files_of_mimic_are_read(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "p1"}
    value = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"text": "potassium"},
        "subject": {"reference": "Patient/p1"},
    }
    for name, resource in (("MimicPatient", patient), ("MimicObservationLabevents", value)):
        with gzip.open(tmp_path / f"{name}.ndjson.gz", "wb") as file:
            file.write(json.dumps(resource).encode() + b"\n")
    assert ids(chart(tmp_path).request("GET", "Observation?subject=Patient/p1")) == ["o1"]
