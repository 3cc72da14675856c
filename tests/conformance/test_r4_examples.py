"""HL7's own R4 examples are accepted and come back as they were, but for those that are no R4.

The package ``hl7.fhir.r4.examples`` 4.0.1 is not part of the repository: `npm pack` fetches it, and
BEDSIDE_R4_EXAMPLES says where its .tgz is.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.fhir_server import Chart, Population, StartLayer, definitions

LONG = "questionnaireresponse-extensions-QuestionnaireResponse-item-subject"

INVALID = {
    "ActivityDefinition-blood-tubes-supply": "txt-2: the narrative is white space only",
    "ActivityDefinition-heart-valve-replacement": "txt-2: the narrative is white space only",
    "Bundle-dataelements": "bdl-7: the same fullUrl three times, without versions",
    "DeviceMetric-example": "parent refers to a DeviceDefinition; R4 has Device only",
    "DeviceUseStatement-example": "reasonReference refers to a Procedure, which R4 does not list",
    "EventDefinition-example": "txt-2: the narrative is white space only",
    "ImplementationGuide-fhir": "an id in a reference is too long; name, status missing",
    "MedicationRequest-medrx0301": "its dispense performer is a Practitioner; R4 has Organization",
    "Observation-clinical-gender": "performer refers to an Encounter, which R4 does not list",
    "Questionnaire-qs1": "items without the required linkId",
    "Questionnaire-zika-virus-exposure-assessment": "txt-2: the narrative is white space only",
    "SearchParameter-codesystem-extensions-CodeSystem-author": "the required base is missing",
    "SearchParameter-codesystem-extensions-CodeSystem-effective": "the required base is missing",
    "SearchParameter-codesystem-extensions-CodeSystem-end": "the required base is missing",
    "SearchParameter-codesystem-extensions-CodeSystem-keyword": "the required base is missing",
    "SearchParameter-codesystem-extensions-CodeSystem-workflow": "the required base is missing",
    f"SearchParameter-{LONG}": "an id of more than 64 characters",
    "SearchParameter-valueset-extensions-ValueSet-author": "the required base is missing",
    "SearchParameter-valueset-extensions-ValueSet-effective": "the required base is missing",
    "SearchParameter-valueset-extensions-ValueSet-end": "the required base is missing",
    "SearchParameter-valueset-extensions-ValueSet-keyword": "the required base is missing",
    "SearchParameter-valueset-extensions-ValueSet-workflow": "the required base is missing",
    "ig-r4": "an id in a reference is too long; name, status missing",
}
"""Examples that R4 itself does not allow, each with the reason."""


@pytest.fixture(scope="module")
def package() -> Path:
    named = os.environ.get("BEDSIDE_R4_EXAMPLES", "")
    if not named or not Path(named).exists():
        pytest.skip("set BEDSIDE_R4_EXAMPLES to the .tgz of hl7.fhir.r4.examples 4.0.1")
    return Path(named)


def examples(package: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(package) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None and member.name.endswith(".json"):
                yield member.name.rpartition("/")[2].removesuffix(".json"), file.read()


@pytest.mark.deep
def test_every_valid_example_is_stored_and_returned_equal(package: Path) -> None:
    chart = Chart(Population.of([]), StartLayer.of([]), seed=1, now="2026-01-15T09:00:00Z")
    refused, unequal, stored = {}, [], 0
    for name, text in examples(package):
        resource = json.loads(text)
        type = resource.get("resourceType")
        if type not in definitions.resource_types():
            continue
        response = chart.request("POST", type, None, text)
        if response.status != 201:
            refused[name] = json.loads(response.body)["issue"][0]["diagnostics"]
            continue
        stored += 1
        returned = json.loads(response.body, parse_float=str)
        sent = json.loads(text, parse_float=str)
        for each in (returned, sent):
            each.pop("id", None)
            each.get("meta", {}).pop("versionId", None)
            each.get("meta", {}).pop("lastUpdated", None)
            if not each.get("meta"):
                each.pop("meta", None)
        if returned != sent:
            unequal.append(name)
    print(f"{stored} stored, {len(refused)} refused")
    assert unequal == []
    assert refused.keys() == INVALID.keys(), refused
    assert stored > 5000
