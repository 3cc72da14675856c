"""The vendored R4 tables say what the specification's pages say."""

from __future__ import annotations

import pytest

from bedside.fhir_server import definitions


def test_there_are_the_146_resource_types_of_r4() -> None:
    types = definitions.resource_types()
    assert len(types) == 146
    assert {"Patient", "Observation", "MedicationRequest", "Bundle"} <= set(types)
    assert not {"Resource", "DomainResource", "Age"} & set(types)


def test_elements_come_with_those_of_their_bases_first() -> None:
    found = definitions.elements("Observation")
    assert list(found)[:4] == ["id", "meta", "implicitRules", "language"]
    assert found["id"].types == ("id",)
    assert found["status"].min == 1
    assert found["subject"].targets == ("Patient", "Group", "Device", "Location")
    assert found["component"].types == ("Observation.component",)
    assert "Quantity" in found["value[x]"].types


def test_a_repeated_structure_is_named_by_its_path() -> None:
    component = definitions.elements("Observation.component")
    assert component["referenceRange"].types == ("Observation.referenceRange",)
    assert component["modifierExtension"].many


def test_a_required_value_set_lists_its_codes_by_system() -> None:
    status = definitions.elements("Observation")["status"]
    assert definitions.codes(status.codes)["http://hl7.org/fhir/observation-status"] == {
        "registered", "preliminary", "final", "amended", "corrected", "cancelled",
        "entered-in-error", "unknown",
    }  # fmt: skip


def test_an_open_value_set_binds_nothing() -> None:
    assert definitions.elements("Attachment")["contentType"].codes == ""


def test_search_definitions_are_those_of_the_type_and_of_all_types() -> None:
    found = definitions.search_definitions("Condition")
    assert found["_id"].expression == "Resource.id"
    assert found["code"].expression == "Condition.code"
    assert found["patient"].kind == "reference"
    assert "combo-code" not in found


@pytest.mark.parametrize(
    "type", ["Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"]
)
def test_compartments_name_parameters_that_exist(type: str) -> None:
    for member, names in definitions.compartments()[type].items():
        known = definitions.search_definitions(member)
        assert all(name in known or name == "{def}" for name in names), member


def test_invariants_are_named_and_worded() -> None:
    (rule,) = [rule for rule in definitions.type_of("Observation").rules if rule.key == "obs-6"]
    assert rule.human.startswith("dataAbsentReason SHALL only be present")
