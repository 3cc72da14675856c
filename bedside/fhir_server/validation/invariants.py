"""The invariants of R4 as closures, by their key in the definitions.

A closure says whether a node keeps the rule. A key that R4 gives to several rules stands after the
type it is meant of, as in ``Task/inv-1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.validation.artifacts import OF_ARTIFACTS
from bedside.fhir_server.validation.forms import (
    Invariant,
    any_of,
    distinct,
    exactly_one,
    has,
    in_order,
    not_both,
    only_with,
    unless,
    when,
    where,
)
from bedside.fhir_server.values import reference_key

__all__ = ["INVARIANTS", "NOT_ENFORCED", "Invariant"]

_UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def _coded(concept: Any, system: str, *codes: str) -> bool:
    return any(
        coding.get("system") == f"{_TERMINOLOGY}{system}" and coding.get("code") in codes
        for coding in (concept or {}).get("coding", ())
    )


def _in_error(node: Json, system: str) -> bool:
    return _coded(node.get("verificationStatus"), system, "entered-in-error")


def _unit_of(node: Json, *codes: str) -> bool:
    return (
        ("value" not in node or "code" in node)
        and node.get("system", _UCUM) == _UCUM
        and (not codes or node.get("code", codes[0]) in codes)
    )


def _comparable(node: Json) -> bool:
    """rng-2: bounds in the same unit are in order."""
    low, high = node.get("low", {}), node.get("high", {})
    if low.get("code", low.get("unit")) != high.get("code", high.get("unit")):
        return True
    return "value" not in low or "value" not in high or bool(low["value"] <= high["value"])


def _percent(node: Json) -> bool:
    """ras-1: the bounds of a probability's range are percentages."""
    bounds = [node[name] for name in ("low", "high") if name in node]
    return all(bound.get("code") == "%" and bound.get("system") == _UCUM for bound in bounds)


def _components_differ(node: Json) -> bool:
    """obs-7: with a value of its own, no component repeats the Observation's code."""
    if not has(node, "value[x]"):
        return True
    own = {(c.get("system"), c.get("code")) for c in node["code"].get("coding", ())}
    return not any(
        (coding.get("system"), coding.get("code")) in own
        for component in node.get("component", ())
        for coding in component["code"].get("coding", ())
    )


def _strings(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str):
                yield name, value
            else:
                yield from _strings(value)
                if isinstance(value, list):
                    yield from ((name, item) for item in value if isinstance(item, str))
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)


def _contained_used(node: Json) -> bool:
    """dom-3: a contained resource is referred to, or refers to what contains it."""
    contained = node.get("contained")
    if not contained:
        return True
    named = {text for _, text in _strings(node) if text.startswith("#")}
    return all(
        f"#{item.get('id')}" in named
        or any(name == "reference" and text == "#" for name, text in _strings(item))
        for item in contained
    )


def _contained_all(holds: Callable[[Json], bool]) -> Invariant:
    return lambda node: all(holds(item) for item in node.get("contained", ()))


def _entries(kinds: str, name: str) -> Invariant:
    """Every entry of a Bundle has an element, or none has, as its type demands."""
    wanted = frozenset(kinds.split())

    def holds(node: Json) -> bool:
        there = node.get("type") in wanted
        return all(has(entry, name) is there for entry in node.get("entry", ()))

    return holds


def _first_is(kind: str, type: str) -> Invariant:
    def holds(node: Json) -> bool:
        first = (node.get("entry") or [{}])[0].get("resource", {})
        return node.get("type") != kind or first.get("resourceType") == type

    return holds


def _distinct_entries(node: Json) -> bool:
    """bdl-7: a version of a resource comes once."""
    return node.get("type") == "history" or distinct(
        (e["fullUrl"], e.get("resource", {}).get("meta", {}).get("versionId"))
        for e in node.get("entry", ())
        if "fullUrl" in e
    )


def _codes_differ(node: Json) -> bool:
    """csd-1: within a code system, all codes are different."""

    def codes(concepts: Any) -> Iterator[str]:
        for concept in concepts:
            yield concept["code"]
            yield from codes(concept.get("concept", ()))

    return distinct(codes(node.get("concept", ())))


def _link_ids_differ(node: Json) -> bool:
    """que-2: within a questionnaire, all link ids are different."""

    def links(items: Any) -> Iterator[str]:
        for item in items:
            yield item["linkId"]
            yield from links(item.get("item", ()))

    return distinct(links(node.get("item", ())))


def _on_behalf_of_practitioner(node: Json) -> bool:
    """ctm-1: only a Practitioner takes part on behalf of another."""
    member, _ = reference_key(node.get("member", {}).get("reference", ""))
    return not has(node, "onBehalfOf") or member in (None, "Practitioner")


def _at_start_or_end(node: Json) -> bool:
    """app-3: only what is proposed, cancelled or waiting may have no time."""
    timed = has(node, "start") and has(node, "end")
    return timed or node.get("status") in ("proposed", "cancelled", "waitlist")


def _no_home(node: Json) -> bool:
    return node.get("use") != "home"


def _not_negative(name: str) -> Invariant:
    return lambda node: node.get(name, 0) >= 0


INVARIANTS: Mapping[str, Invariant] = {
    "age-1": lambda n: _unit_of(n) and n.get("value", 1) > 0,
    "ait-1": lambda n: _in_error(n, "allergyintolerance-verification") or "clinicalStatus" in n,
    "ait-2": lambda n: (
        not (_in_error(n, "allergyintolerance-verification") and "clinicalStatus" in n)
    ),
    "app-1": any_of("type", "actor"),
    "app-2": lambda n: has(n, "start") is has(n, "end"),
    "app-3": _at_start_or_end,
    "app-4": unless("status", "noshow no-show cancelled", "cancelationReason"),
    "apr-1": any_of("participantType", "actor"),
    "att-1": only_with("data", "contentType"),
    "bdl-1": unless("type", "searchset history", "total"),
    "bdl-2": lambda n: (
        n.get("type") == "searchset" or not any("search" in e for e in n.get("entry", ()))
    ),
    "bdl-3": _entries("batch transaction history", "request"),
    "bdl-4": _entries("batch-response transaction-response history", "response"),
    "bdl-5": any_of("resource", "request", "response"),
    "bdl-7": _distinct_entries,
    "bdl-8": lambda n: "/_history/" not in n.get("fullUrl", ""),
    "bdl-9": lambda n: (
        n.get("type") != "document" or {"system", "value"} <= set(n.get("identifier", {}))
    ),
    "bdl-10": where("type", "document", "timestamp"),
    "bdl-11": _first_is("document", "Composition"),
    "bdl-12": _first_is("message", "MessageHeader"),
    "ces-1": exactly_one("category", "productOrService"),
    "cmd-2": where("mode", "fixed", "code"),
    "cmd-3": where("mode", "other-map", "url"),
    "cmp-1": any_of("text", "entry", "section"),
    "cmp-2": not_both("emptyReason", "entry"),
    "cnt-3": lambda n: _unit_of(n, "1") and n.get("value", 0) % 1 == 0,
    "con-1": any_of("summary", "assessment"),
    "con-2": any_of("code", "detail"),
    "con-4": lambda n: (
        not has(n, "abatement[x]")
        or _coded(
            n.get("clinicalStatus"), "condition-clinical", "resolved", "remission", "inactive"
        )
    ),
    "con-5": lambda n: not (_in_error(n, "condition-ver-status") and "clinicalStatus" in n),
    "cpl-3": not_both("detail", "reference"),
    "cpt-2": only_with("value", "system"),
    "csd-1": _codes_differ,
    "ctm-1": _on_behalf_of_practitioner,
    "dis-1": _unit_of,
    "dom-2": _contained_all(lambda item: "contained" not in item),
    "dom-3": _contained_used,
    "dom-4": _contained_all(
        lambda item: not {"versionId", "lastUpdated"} & set(item.get("meta", {}))
    ),
    "dom-5": _contained_all(lambda item: "security" not in item.get("meta", {})),
    "drq-1": exactly_one("path", "searchParam"),
    "drq-2": exactly_one("path", "searchParam"),
    "drt-1": lambda n: "code" not in n or (n.get("system") == _UCUM and "value" in n),
    "exp-1": any_of("expression", "reference"),
    "ext-1": exactly_one("extension", "value[x]"),
    "fhs-1": not_both("age[x]", "born[x]"),
    "fhs-2": only_with("estimatedAge", "age[x]"),
    "gol-1": only_with("detail[x]", "measure"),
    "grp-1": lambda n: "member" not in n or n.get("actual") is True,
    "imm-1": any_of("documentType", "reference"),
    "imr-1": any_of("vaccineCode", "targetDisease"),
    "ipn-1": any_of("identifier", "name"),
    "lnk-1": lambda n: len(n.get("item", ())) > 1,
    "lst-1": not_both("emptyReason", "entry"),
    "lst-2": lambda n: (
        n.get("mode") == "changes" or not any("deleted" in e for e in n.get("entry", ()))
    ),
    "lst-3": lambda n: (
        n.get("mode") == "working" or not any("date" in e for e in n.get("entry", ()))
    ),
    "mad-1": any_of("dose", "rate[x]"),
    "mdd-1": in_order("whenPrepared", "whenHandedOver"),
    "mrp-1": when("type", "data-collection", "group"),
    "mrp-2": lambda n: all(
        has(stratum, "value") is not has(stratum, "component")
        for group in n.get("group", ())
        for stratifier in group.get("stratifier", ())
        for stratum in stratifier.get("stratum", ())
    ),
    "msq-3": lambda n: n.get("coordinateSystem") in (0, 1),
    "msq-5": lambda n: has(n, "chromosome") is has(n, "genomeBuild"),
    "msq-6": exactly_one(
        "genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString"
    ),
    "obs-3": any_of("low", "high", "text"),
    "obs-6": not_both("dataAbsentReason", "value[x]"),
    "obs-7": _components_differ,
    "org-1": any_of("identifier", "name"),
    "org-2": _no_home,
    "org-3": _no_home,
    "pat-1": any_of("name", "telecom", "address", "organization"),
    "Parameters.parameter/inv-1": exactly_one("value[x]", "resource", "part"),
    "per-1": in_order("start", "end"),
    "ppc-1": any_of("policy", "policyRule"),
    "prr-1": only_with("orderDetail", "code"),
    "qrs-1": not_both("answer", "item"),
    "qty-3": only_with("code", "system"),
    "que-1": lambda n: (
        not (
            (n.get("type") == "group" and "item" not in n)
            or (n.get("type") == "display" and "item" in n)
        )
    ),
    "que-2": _link_ids_differ,
    "que-3": when("type", "display", "code"),
    "que-4": not_both("answerOption", "answerValueSet"),
    "que-5": unless(
        "type",
        "choice open-choice decimal integer date dateTime time string quantity",
        "answerValueSet",
        "answerOption",
    ),
    "que-6": when("type", "display", "required", "repeats"),
    "que-7": lambda n: n.get("operator") != "exists" or "answerBoolean" in n,
    "que-8": when("type", "group display", "initial"),
    "que-9": when("type", "display", "readOnly"),
    "que-10": unless("type", "boolean decimal integer string text url open-choice", "maxLength"),
    "que-11": not_both("answerOption", "initial"),
    "que-12": lambda n: len(n.get("enableWhen", ())) <= 2 or "enableBehavior" in n,
    "que-13": lambda n: n.get("repeats") is True or len(n.get("initial", ())) <= 1,
    "ras-1": _percent,
    "ras-2": lambda n: n.get("probabilityDecimal", 0) <= 100,
    "rat-1": lambda n: (
        has(n, "numerator") is has(n, "denominator")
        and (has(n, "numerator") or has(n, "extension"))
    ),
    "rng-2": _comparable,
    "rqg-1": exactly_one("resource", "action"),
    "sqty-1": lambda n: not has(n, "comparator"),
    "sev-1": not_both("name", "query"),
    "spd-1": only_with("xpath", "xpathUsage"),
    "spd-2": lambda n: "chain" not in n or n.get("type") == "reference",
    "Task/inv-1": in_order("authoredOn", "lastModified"),
    "tim-1": only_with("duration", "durationUnit"),
    "tim-2": only_with("period", "periodUnit"),
    "tim-4": _not_negative("duration"),
    "tim-5": _not_negative("period"),
    "tim-6": only_with("periodMax", "period"),
    "tim-7": only_with("durationMax", "duration"),
    "tim-8": only_with("countMax", "count"),
    "tim-9": lambda n: (
        "offset" not in n or ("when" in n and not {"C", "CM", "CD", "CV"} & set(n["when"]))
    ),
    "tim-10": not_both("timeOfDay", "when"),
    "trd-1": not_both("data", "timing[x]"),
    "trd-2": only_with("condition", "data"),
    "vsd-1": any_of("valueSet", "system"),
    "vsd-2": lambda n: not (("concept" in n or "filter" in n) and "system" not in n),
    "vsd-3": not_both("concept", "filter"),
    "vsd-6": any_of("code", "display"),
    "vsd-9": lambda n: "code" in n or n.get("abstract") is True,
    "vsd-10": only_with("code", "system"),
    **OF_ARTIFACTS,
}
"""Whether a node keeps a rule, by the rule's key."""

NOT_ENFORCED: Mapping[str, str] = {
    **dict.fromkeys(
        ("ppc-2", "ppc-3", "ppc-4", "ppc-5"),
        "R4 compares the system of a scope with the text 'something', so that they hold always",
    ),
    **dict.fromkeys(
        ("sdf-8", "sdf-8a"),
        "they compare the snapshot or differential with what stands beside it",
    ),
    "sdf-4": "R4's own patterns, such as Event and Request, break it",
    "eld-3": "it is the one rule about plain text; such are not run",
}
"""Rules that are not checked, and why; ref-1, txt-1 and txt-2 are checked with the elements."""
