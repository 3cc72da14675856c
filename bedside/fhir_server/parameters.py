"""The search parameters by resource type, as one table compiled to closures at import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from bedside.fhir_server import values
from bedside.fhir_server.jsontext import Json

__all__ = ["COMMON", "PARAMETERS", "TARGETS", "TYPES", "Kind", "Param"]

Kind = Literal["token", "reference", "date", "string", "quantity"]
Select = Callable[[Json], list[Any]]


@dataclass(frozen=True, eq=False)
class Param:
    """One search parameter of one or all types.

    Attributes:
        kind: what its values are and how they compare.
        select: the elements it looks at.
        read: an element's values.
    """

    kind: Kind
    select: Select
    read: Callable[[Any], Iterable[Any]]

    def values(self, resource: Json) -> tuple[Any, ...]:
        """Every value of the resource: :class:`values.Key` for tokens and references, else
        :class:`values.Range`, :class:`values.Text` or :class:`values.Quantity`."""
        return tuple(value for node in self.select(resource) for value in self.read(node))


def _path(path: str) -> Select:
    steps = tuple(path.split("."))

    def select(resource: Json) -> list[Any]:
        nodes: list[Any] = [resource]
        for step in steps:
            found = [node[step] for node in nodes if isinstance(node, dict) and step in node]
            nodes = []
            for item in found:
                nodes.extend(item) if isinstance(item, list) else nodes.append(item)
        return nodes

    return select


def _paths(paths: str) -> Select:
    selects = tuple(_path(path) for path in paths.split())
    if len(selects) == 1:
        return selects[0]
    return lambda resource: [node for select in selects for node in select(resource)]


def _token(paths: str, system: str = "") -> Param:
    """A token; `system` is the one implied by the binding of a plain code."""
    return Param("token", _paths(paths), partial(values.tokens, implied_system=system))


def _code(path: str, system: str) -> Param:
    return _token(path, f"http://hl7.org/fhir/{system}")


def _reference(paths: str, only: str = "") -> Param:
    return Param("reference", _paths(paths), partial(values.references, only=only))


def _date(paths: str) -> Param:
    return Param("date", _paths(paths), values.dates)


def _string(paths: str) -> Param:
    return Param("string", _paths(paths), values.texts)


def _quantity(paths: str) -> Param:
    return Param("quantity", _paths(paths), values.quantities)


def _telecom(system: str) -> Param:
    every = _path("telecom")

    def select(resource: Json) -> list[Any]:
        return [node for node in every(resource) if node.get("system") == system]

    return Param("token", select, partial(values.tokens, implied_system=""))


def _deceased(resource: Json) -> list[Any]:
    return [resource.get("deceasedBoolean", False) or "deceasedDateTime" in resource]


def _about(subject: str = "subject") -> dict[str, Param]:
    return {"patient": _reference(subject, only="Patient"), "identifier": _token("identifier")}


def _subject() -> dict[str, Param]:
    return {"subject": _reference("subject"), **_about()}


COMMON: Mapping[str, Param] = {
    "_id": _token("id"),
    "_lastUpdated": _date("meta.lastUpdated"),
    "_tag": _token("meta.tag"),
}
"""Parameters that every type has."""

PARAMETERS: Mapping[str, Mapping[str, Param]] = {
    "Patient": {
        "active": _token("active"),
        "address": _string("address"),
        "address-city": _string("address.city"),
        "address-country": _string("address.country"),
        "address-postalcode": _string("address.postalCode"),
        "address-state": _string("address.state"),
        "address-use": _code("address.use", "address-use"),
        "birthdate": _date("birthDate"),
        "death-date": _date("deceasedDateTime"),
        "deceased": Param("token", _deceased, partial(values.tokens, implied_system="")),
        "email": _telecom("email"),
        "family": _string("name.family"),
        "gender": _code("gender", "administrative-gender"),
        "general-practitioner": _reference("generalPractitioner"),
        "given": _string("name.given"),
        "identifier": _token("identifier"),
        "language": _token("communication.language"),
        "link": _reference("link.other"),
        "name": _string("name"),
        "organization": _reference("managingOrganization"),
        "phone": _telecom("phone"),
        "telecom": _token("telecom"),
    },
    "Condition": {
        **_subject(),
        "abatement-age": _quantity("abatementAge"),
        "abatement-date": _date("abatementDateTime abatementPeriod"),
        "abatement-string": _string("abatementString"),
        "asserter": _reference("asserter"),
        "body-site": _token("bodySite"),
        "category": _token("category"),
        "clinical-status": _token("clinicalStatus"),
        "code": _token("code"),
        "encounter": _reference("encounter"),
        "evidence": _token("evidence.code"),
        "evidence-detail": _reference("evidence.detail"),
        "onset-age": _quantity("onsetAge"),
        "onset-date": _date("onsetDateTime onsetPeriod"),
        "onset-info": _string("onsetString"),
        "recorded-date": _date("recordedDate"),
        "severity": _token("severity"),
        "stage": _token("stage.summary"),
        "verification-status": _token("verificationStatus"),
    },
    "Observation": {
        **_subject(),
        "based-on": _reference("basedOn"),
        "category": _token("category"),
        "code": _token("code"),
        "combo-code": _token("code component.code"),
        "combo-value-concept": _token("valueCodeableConcept component.valueCodeableConcept"),
        "combo-value-quantity": _quantity("valueQuantity component.valueQuantity"),
        "component-code": _token("component.code"),
        "component-value-concept": _token("component.valueCodeableConcept"),
        "component-value-quantity": _quantity("component.valueQuantity"),
        "data-absent-reason": _token("dataAbsentReason"),
        "date": _date("effectiveDateTime effectivePeriod effectiveTiming effectiveInstant"),
        "derived-from": _reference("derivedFrom"),
        "device": _reference("device"),
        "encounter": _reference("encounter"),
        "focus": _reference("focus"),
        "has-member": _reference("hasMember"),
        "method": _token("method"),
        "part-of": _reference("partOf"),
        "performer": _reference("performer"),
        "specimen": _reference("specimen"),
        "status": _code("status", "observation-status"),
        "value-concept": _token("valueCodeableConcept"),
        "value-date": _date("valueDateTime valuePeriod"),
        "value-quantity": _quantity("valueQuantity"),
        "value-string": _string("valueString valueCodeableConcept.text"),
    },
    "MedicationRequest": {
        **_subject(),
        "authoredon": _date("authoredOn"),
        "category": _token("category"),
        "code": _token("medicationCodeableConcept"),
        "date": _date("dosageInstruction.timing.event"),
        "encounter": _reference("encounter"),
        "intended-dispenser": _reference("dispenseRequest.performer"),
        "intended-performer": _reference("performer"),
        "intended-performertype": _token("performerType"),
        "intent": _code("intent", "CodeSystem/medicationrequest-intent"),
        "medication": _reference("medicationReference"),
        "priority": _code("priority", "request-priority"),
        "requester": _reference("requester"),
        "status": _code("status", "CodeSystem/medicationrequest-status"),
    },
    "MedicationStatement": {
        **_subject(),
        "category": _token("category"),
        "code": _token("medicationCodeableConcept"),
        "context": _reference("context"),
        "effective": _date("effectiveDateTime effectivePeriod"),
        "medication": _reference("medicationReference"),
        "part-of": _reference("partOf"),
        "source": _reference("informationSource"),
        "status": _code("status", "CodeSystem/medication-statement-status"),
    },
    "AllergyIntolerance": {
        **_about("patient"),
        "asserter": _reference("asserter"),
        "category": _code("category", "allergy-intolerance-category"),
        "clinical-status": _token("clinicalStatus"),
        "code": _token("code reaction.substance"),
        "criticality": _code("criticality", "allergy-intolerance-criticality"),
        "date": _date("recordedDate"),
        "last-date": _date("lastOccurrence"),
        "manifestation": _token("reaction.manifestation"),
        "onset": _date("reaction.onset"),
        "recorder": _reference("recorder"),
        "route": _token("reaction.exposureRoute"),
        "severity": _code("reaction.severity", "reaction-event-severity"),
        "type": _code("type", "allergy-intolerance-type"),
        "verification-status": _token("verificationStatus"),
    },
    "Procedure": {
        **_subject(),
        "based-on": _reference("basedOn"),
        "category": _token("category"),
        "code": _token("code"),
        "date": _date("performedDateTime performedPeriod"),
        "encounter": _reference("encounter"),
        "location": _reference("location"),
        "part-of": _reference("partOf"),
        "performer": _reference("performer.actor"),
        "reason-code": _token("reasonCode"),
        "reason-reference": _reference("reasonReference"),
        "status": _code("status", "event-status"),
    },
    "Encounter": {
        **_subject(),
        "account": _reference("account"),
        "appointment": _reference("appointment"),
        "based-on": _reference("basedOn"),
        "class": _token("class"),
        "date": _date("period"),
        "diagnosis": _reference("diagnosis.condition"),
        "episode-of-care": _reference("episodeOfCare"),
        "length": _quantity("length"),
        "location": _reference("location.location"),
        "location-period": _date("location.period"),
        "part-of": _reference("partOf"),
        "participant": _reference("participant.individual"),
        "participant-type": _token("participant.type"),
        "practitioner": _reference("participant.individual", only="Practitioner"),
        "reason-code": _token("reasonCode"),
        "reason-reference": _reference("reasonReference"),
        "service-provider": _reference("serviceProvider"),
        "special-arrangement": _token("hospitalization.specialArrangement"),
        "status": _code("status", "encounter-status"),
        "type": _token("type"),
    },
    "ServiceRequest": {
        **_subject(),
        "authored": _date("authoredOn"),
        "based-on": _reference("basedOn"),
        "body-site": _token("bodySite"),
        "category": _token("category"),
        "code": _token("code"),
        "encounter": _reference("encounter"),
        "intent": _code("intent", "request-intent"),
        "occurrence": _date("occurrenceDateTime occurrencePeriod occurrenceTiming"),
        "performer": _reference("performer"),
        "performer-type": _token("performerType"),
        "priority": _code("priority", "request-priority"),
        "replaces": _reference("replaces"),
        "requester": _reference("requester"),
        "requisition": _token("requisition"),
        "specimen": _reference("specimen"),
        "status": _code("status", "request-status"),
    },
    "Appointment": {
        **_about("participant.actor"),
        "actor": _reference("participant.actor"),
        "appointment-type": _token("appointmentType"),
        "based-on": _reference("basedOn"),
        "date": _date("start"),
        "location": _reference("participant.actor", only="Location"),
        "part-status": _code("participant.status", "participationstatus"),
        "practitioner": _reference("participant.actor", only="Practitioner"),
        "reason-code": _token("reasonCode"),
        "reason-reference": _reference("reasonReference"),
        "service-category": _token("serviceCategory"),
        "service-type": _token("serviceType"),
        "slot": _reference("slot"),
        "specialty": _token("specialty"),
        "status": _code("status", "appointmentstatus"),
        "supporting-info": _reference("supportingInformation"),
    },
    "DiagnosticReport": {
        **_subject(),
        "based-on": _reference("basedOn"),
        "category": _token("category"),
        "code": _token("code"),
        "conclusion": _token("conclusionCode"),
        "date": _date("effectiveDateTime effectivePeriod"),
        "encounter": _reference("encounter"),
        "issued": _date("issued"),
        "media": _reference("media.link"),
        "performer": _reference("performer"),
        "result": _reference("result"),
        "results-interpreter": _reference("resultsInterpreter"),
        "specimen": _reference("specimen"),
        "status": _code("status", "diagnostic-report-status"),
    },
    "DocumentReference": {
        **_subject(),
        "authenticator": _reference("authenticator"),
        "author": _reference("author"),
        "category": _token("category"),
        "contenttype": _token("content.attachment.contentType"),
        "custodian": _reference("custodian"),
        "date": _date("date"),
        "description": _string("description"),
        "encounter": _reference("context.encounter", only="Encounter"),
        "event": _token("context.event"),
        "facility": _token("context.facilityType"),
        "format": _token("content.format"),
        "identifier": _token("masterIdentifier identifier"),
        "language": _token("content.attachment.language"),
        "period": _date("context.period"),
        "related": _reference("context.related"),
        "relatesto": _reference("relatesTo.target"),
        "relation": _code("relatesTo.code", "document-relationship-type"),
        "security-label": _token("securityLabel"),
        "setting": _token("context.practiceSetting"),
        "status": _code("status", "document-reference-status"),
        "type": _token("type"),
    },
    "Immunization": {
        **_about("patient"),
        "date": _date("occurrenceDateTime"),
        "location": _reference("location"),
        "lot-number": _string("lotNumber"),
        "manufacturer": _reference("manufacturer"),
        "performer": _reference("performer.actor"),
        "reaction": _reference("reaction.detail"),
        "reaction-date": _date("reaction.date"),
        "reason-code": _token("reasonCode"),
        "reason-reference": _reference("reasonReference"),
        "series": _string("protocolApplied.series"),
        "status": _code("status", "event-status"),
        "status-reason": _token("statusReason"),
        "target-disease": _token("protocolApplied.targetDisease"),
        "vaccine-code": _token("vaccineCode"),
    },
    "CarePlan": {
        **_subject(),
        "activity-code": _token("activity.detail.code"),
        "activity-date": _date(
            "activity.detail.scheduledTiming activity.detail.scheduledPeriod"
        ),
        "activity-reference": _reference("activity.reference"),
        "based-on": _reference("basedOn"),
        "care-team": _reference("careTeam"),
        "category": _token("category"),
        "condition": _reference("addresses"),
        "date": _date("period"),
        "encounter": _reference("encounter"),
        "goal": _reference("goal"),
        "intent": _code("intent", "request-intent"),
        "part-of": _reference("partOf"),
        "performer": _reference("activity.detail.performer"),
        "replaces": _reference("replaces"),
        "status": _code("status", "request-status"),
    },
    "Task": {
        **_about("for"),
        "authored-on": _date("authoredOn"),
        "based-on": _reference("basedOn"),
        "business-status": _token("businessStatus"),
        "code": _token("code"),
        "encounter": _reference("encounter"),
        "focus": _reference("focus"),
        "group-identifier": _token("groupIdentifier"),
        "intent": _code("intent", "task-intent"),
        "modified": _date("lastModified"),
        "owner": _reference("owner"),
        "part-of": _reference("partOf"),
        "performer": _token("performerType"),
        "period": _date("executionPeriod"),
        "priority": _code("priority", "request-priority"),
        "requester": _reference("requester"),
        "status": _code("status", "task-status"),
        "subject": _reference("for"),
    },
    "Communication": {
        **_subject(),
        "based-on": _reference("basedOn"),
        "category": _token("category"),
        "encounter": _reference("encounter"),
        "medium": _token("medium"),
        "part-of": _reference("partOf"),
        "received": _date("received"),
        "recipient": _reference("recipient"),
        "sender": _reference("sender"),
        "sent": _date("sent"),
        "status": _code("status", "event-status"),
    },
    "Flag": {
        **_subject(),
        "author": _reference("author"),
        "date": _date("period"),
        "encounter": _reference("encounter"),
    },
    "Goal": {
        **_subject(),
        "achievement-status": _token("achievementStatus"),
        "category": _token("category"),
        "lifecycle-status": _code("lifecycleStatus", "goal-status"),
        "start-date": _date("startDate"),
        "target-date": _date("target.dueDate"),
    },
}  # fmt: skip
"""Search parameters by type, as R4 names them."""

TYPES: tuple[str, ...] = tuple(sorted(PARAMETERS))
"""The resource types served."""

TARGETS: tuple[str, ...] = tuple(
    sorted(
        {
            *TYPES, "CareTeam", "Device", "Endpoint", "EpisodeOfCare", "FamilyMemberHistory",
            "Group", "HealthcareService", "Location", "Media", "Medication",
            "MedicationDispense", "Organization", "Practitioner", "PractitionerRole",
            "QuestionnaireResponse", "RelatedPerson", "Slot", "Specimen",
        }
    )
)  # fmt: skip
"""The types a reference can be narrowed to, as in ``subject:Patient=ID``."""
