"""The invariants of definitions, test scripts and their like: what describes, not records, care."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.validation.forms import (
    Invariant,
    any_of,
    distinct,
    exactly_one,
    has,
    not_both,
    only_with,
    when,
    where,
)

__all__ = ["OF_ARTIFACTS"]

_BOUND_TYPES = frozenset(("code", "Coding", "CodeableConcept", "Quantity", "string", "uri"))
_REFERENCES = ("Reference", "canonical")
_ASSERTIONS = (
    "contentType", "expression", "headerField", "minimumId", "navigationLinks", "path",
    "requestMethod", "resource", "responseCode", "response", "validateProfileId",
)  # fmt: skip
_NAMELESS = r"[^\s.,:;'\"/|?!@#$%&*()\[\]{}]{1,64}"
_ELEMENT_PATH = re.compile(rf"{_NAMELESS}(\.{_NAMELESS}(\[x\])?(:[^\s.]+)?)*")
_SLICE_NAME = re.compile(r"[a-zA-Z0-9/\-_\[\]@]+")
_TYPE_CODE = re.compile(r"[a-zA-Z0-9.]+|http://hl7\.org/fhirpath/System\.[A-Z][A-Za-z]+")
_OWN_URL = "http://hl7.org/fhir/StructureDefinition"


def _count(node: Json, *names: str) -> int:
    return sum(has(node, name) for name in names)


def _type_codes(node: Json) -> list[str]:
    return [type["code"] for type in node.get("type", ())]


def _lowest_below_highest(node: Json) -> bool:
    """eld-2: min <= max."""
    return "min" not in node or node.get("max", "*") == "*" or node["min"] <= int(node["max"])


def _bound_elements_are_coded(node: Json) -> bool:
    """eld-11: binding only for coded elements, string and uri."""
    codes = _type_codes(node)
    return "binding" not in node or not codes or not _BOUND_TYPES.isdisjoint(codes)


def _only_of_references(name: str) -> Invariant:
    """eld-4, eld-17: an element of a type that only references have."""
    return lambda node: name not in node or node.get("code") in _REFERENCES


def _one_type(name: str) -> Invariant:
    """eld-6, eld-7: an element only of what has one type."""
    return lambda node: not has(node, name) or len(node.get("type", ())) <= 1


def _elements(node: Json, *views: str) -> Iterator[Json]:
    return chain.from_iterable(node.get(view, {}).get("element", ()) for view in views)


def _roots(elements: Iterable[Json]) -> Iterator[Json]:
    return (element for element in elements if "." not in element.get("path", ""))


def _first(node: Json, view: str) -> Json:
    return next(_elements(node, view), {})


def _ids_differ(view: str) -> Invariant:
    """sdf-16, sdf-17: all elements of a view have ids of their own."""
    return lambda node: distinct(element["id"] for element in _elements(node, view))


def _each_element_has(*names: str) -> Invariant:
    return lambda node: all(has(e, name) for e in node.get("element", ()) for name in names)


def _is_ours(node: Json) -> bool:
    return str(node.get("url", "")).startswith(_OWN_URL)


def _types_are_fhirs(node: Json) -> bool:
    """sdf-19: FHIR's own models only use types that FHIR defines."""
    if not _is_ours(node):
        return True
    codes = (c for e in _elements(node, "snapshot", "differential") for c in _type_codes(e))
    return all(_TYPE_CODE.fullmatch(code) for code in codes)


def _names_once(list_name: str, *names: str) -> Invariant:
    """The items of a list differ in some elements."""
    return lambda node: distinct(
        tuple(item.get(name) for name in names) for item in node.get(list_name, ())
    )


def _has_its_data(node: Json) -> bool:
    """trd-3: a trigger has what its type of event is about."""
    type = node.get("type", "")
    return (
        (type != "named-event" or has(node, "name"))
        and (type != "periodic" or has(node, "timing[x]"))
        and (not type.startswith("data-") or has(node, "data"))
    )


def _criteria_or_components(node: Json) -> bool:
    """mea-1: a stratifier is a single criterion or a set of components."""
    return all(
        (_count(stratifier, "code", "description", "criteria") > 0)
        is not has(stratifier, "component")
        for group in node.get("group", ())
        for stratifier in group.get("stratifier", ())
    )


def _groups_are_defined(node: Json) -> bool:
    """ig-1: a resource is of a grouping of the guide."""
    known = {grouping.get("id") for grouping in node.get("grouping", ())}
    return all(r["groupingId"] in known for r in node.get("resource", ()) if "groupingId" in r)


def _versions_are_the_guides(node: Json) -> bool:
    """ig-2: a resource is of a version of FHIR that the guide is for."""
    resources = node.get("definition", {}).get("resource", ())
    return all(set(r.get("fhirVersion", ())) <= set(node["fhirVersion"]) for r in resources)


def _preferred_once(node: Json) -> bool:
    """nsd-2: one preferred identifier of a type."""
    return distinct(each["type"] for each in node["uniqueId"] if each.get("preferred") is True)


def _compares_to_a_part(node: Json) -> bool:
    """tst-10, tst-11: another source is named with what to take of it, or not at all."""
    part = _count(node, "compareToSourceExpression", "compareToSourcePath") > 0
    return has(node, "compareToSourceId") is part


def _one_assertion(node: Json) -> bool:
    """tst-5, tst-6: an assertion asserts one thing."""
    return "extension" in node or _count(node, *_ASSERTIONS) <= 1


def _asks_something(node: Json) -> bool:
    """tst-7 to tst-9: an operation has one source of what it sends."""
    return (
        has(node, "sourceId")
        or _count(node, "targetId", "url", "params") == 1
        or node.get("type", {}).get("code") in ("capabilities", "search", "transaction", "history")
    )


def _only_of_responses(node: Json) -> bool:
    """tst-12, tst-13: what is asserted of a request names no response."""
    return node.get("direction") != "request" or not _count(node, "response", "responseCode")


def _of_kind_instance(has_it: Callable[[Json], bool]) -> Invariant:
    return lambda node: node.get("kind") == "instance" or not has_it(node)


OF_ARTIFACTS: Mapping[str, Invariant] = {
    "cmd-1": where("equivalence", "narrower inexact", "comment"),
    "cpb-1": any_of("rest", "messaging", "document"),
    "cpb-2": any_of("description", "software", "implementation"),
    "cpb-3": _of_kind_instance(lambda n: any("endpoint" in m for m in n.get("messaging", ()))),
    "cpb-7": _names_once("document", "profile", "mode"),
    "cpb-9": _names_once("resource", "type"),
    "cpb-12": _names_once("searchParam", "name"),
    "cpb-14": where("kind", "instance", "implementation"),
    "cpb-15": lambda n: (
        n.get("kind") != "capability" or (has(n, "software") and not has(n, "implementation"))
    ),
    "cpb-16": when("kind", "requirements", "implementation", "software"),
    "eld-1": any_of("discriminator", "description"),
    "eld-2": _lowest_below_highest,
    "eld-4": _only_of_references("aggregation"),
    "eld-5": lambda n: (
        not has(n, "contentReference")
        or not _count(
            n,
            "type",
            "defaultValue[x]",
            "fixed[x]",
            "pattern[x]",
            "example",
            "minValue[x]",
            "maxValue[x]",
            "maxLength",
            "binding",
        )
    ),
    "eld-6": _one_type("fixed[x]"),
    "eld-7": _one_type("pattern[x]"),
    "eld-8": not_both("pattern[x]", "fixed[x]"),
    "eld-11": _bound_elements_are_coded,
    "eld-12": lambda n: n.get("valueSet", "urn:").startswith(("http:", "https", "urn:")),
    "eld-13": lambda n: distinct(_type_codes(n)),
    "eld-14": _names_once("constraint", "key"),
    "eld-15": not_both("defaultValue[x]", "meaningWhenMissing"),
    "eld-16": lambda n: "sliceName" not in n or _SLICE_NAME.fullmatch(n["sliceName"]) is not None,
    "eld-17": _only_of_references("targetProfile"),
    "eld-18": lambda n: n.get("isModifier") is not True or has(n, "isModifierReason"),
    "eld-19": lambda n: _ELEMENT_PATH.match(n["path"]) is not None,
    "eld-22": only_with("sliceIsConstraining", "sliceName"),
    "ig-1": _groups_are_defined,
    "ig-2": _versions_are_the_guides,
    "md-1": lambda n: n.get("max", "*") == "*" or int(n["max"]) > 0,
    "mea-1": _criteria_or_components,
    "nsd-1": lambda n: n.get("kind") != "root" or all(u["type"] != "uuid" for u in n["uniqueId"]),
    "nsd-2": _preferred_once,
    "opd-1": any_of("type", "part"),
    "opd-2": lambda n: "searchType" not in n or n.get("type") == "string",
    "opd-3": lambda n: "targetProfile" not in n or n.get("type") in _REFERENCES,
    "sdf-1": lambda n: (
        n.get("derivation") == "constraint" or distinct(e["path"] for e in _elements(n, "snapshot"))
    ),
    "sdf-2": any_of("name", "uri"),
    "sdf-3": _each_element_has("definition", "min", "max"),
    "sdf-5": lambda n: (
        n.get("type") != "Extension" or n.get("derivation") == "specialization" or "context" in n
    ),
    "sdf-6": any_of("snapshot", "differential"),
    "sdf-8b": _each_element_has("base"),
    "sdf-9": lambda n: (
        not any(
            _count(root, "label", "code", "requirements") for root in _roots(n.get("element", ()))
        )
    ),
    "sdf-10": lambda n: "binding" not in n or any_of("valueSet", "description")(n["binding"]),
    "sdf-11": lambda n: (
        n.get("kind") == "logical"
        or "snapshot" not in n
        or _first(n, "snapshot").get("path") == n.get("type")
    ),
    "sdf-14": lambda n: all("id" in e for e in _elements(n, "snapshot", "differential")),
    "sdf-15": lambda n: n.get("kind") == "logical" or "type" not in _first(n, "snapshot"),
    "sdf-15a": lambda n: (
        n.get("kind") == "logical"
        or "." in _first(n, "differential").get("path", "")
        or "type" not in _first(n, "differential")
    ),
    "sdf-16": _ids_differ("snapshot"),
    "sdf-17": _ids_differ("differential"),
    "sdf-18": lambda n: "contextInvariant" not in n or n.get("type") == "Extension",
    "sdf-19": _types_are_fhirs,
    "sdf-20": lambda n: not any("slicing" in root for root in _roots(n.get("element", ()))),
    "sdf-21": lambda n: (
        n.get("derivation") == "specialization"
        or not any(has(e, "defaultValue[x]") for e in _elements(n, "differential"))
    ),
    "sdf-22": lambda n: (
        not _is_ours(n)
        or not any(has(e, "defaultValue[x]") for e in _elements(n, "snapshot", "differential"))
    ),
    "sdf-23": lambda n: (
        not any("sliceName" in root for root in _roots(_elements(n, "snapshot", "differential")))
    ),
    "smp-1": only_with("element", "context"),
    "smp-2": only_with("context", "contextType"),
    "tcp-1": lambda n: len(n.get("version", ())) < 2 or all("code" in v for v in n["version"]),
    "tcp-2": any_of("description", "software", "implementation"),
    "tcp-3": where("kind", "instance", "implementation"),
    "tcp-4": lambda n: (
        n.get("kind") != "capability" or (has(n, "software") and not has(n, "implementation"))
    ),
    "tcp-5": when("kind", "requirements", "implementation", "software"),
    "TestReport.setup.action/inv-1": exactly_one("operation", "assert"),
    "TestReport.test.action/inv-2": exactly_one("operation", "assert"),
    "trd-3": _has_its_data,
    "tst-1": exactly_one("operation", "assert"),
    "tst-2": exactly_one("operation", "assert"),
    "tst-3": lambda n: _count(n, "expression", "headerField", "path") < 3,
    "tst-4": lambda n: any(any_of("required", "validated")(c) for c in n["capability"]),
    "tst-5": _one_assertion,
    "tst-6": _one_assertion,
    "tst-7": _asks_something,
    "tst-8": _asks_something,
    "tst-9": _asks_something,
    "tst-10": _compares_to_a_part,
    "tst-11": _compares_to_a_part,
    "tst-12": _only_of_responses,
    "tst-13": _only_of_responses,
}
"""Whether a node of a definition keeps a rule, by the rule's key."""
