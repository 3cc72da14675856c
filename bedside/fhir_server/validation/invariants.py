"""The invariants of R4 as closures, by their key in the definitions.

A closure says whether a node keeps the rule. `NOT_ENFORCED` names those left out: rules about
definitions (StructureDefinition, ElementDefinition, TestScript and their like) that no chart holds,
and a few that cannot be told from the resource alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.values import parse_date

__all__ = ["INVARIANTS", "NOT_ENFORCED", "Invariant"]

Invariant = Callable[[Json], bool]

_UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def _has(node: Json, name: str) -> bool:
    """Whether an element is there; a choice is named ``value[x]``."""
    if name.endswith("[x]"):
        start, length = name[:-3], len(name) - 3
        return any(key.startswith(start) and key[length : length + 1].isupper() for key in node)
    return name in node or f"_{name}" in node


def _any(*names: str) -> Invariant:
    return lambda node: any(_has(node, name) for name in names)


def _exactly_one(*names: str) -> Invariant:
    return lambda node: sum(_has(node, name) for name in names) == 1


def _not_both(one: str, other: str) -> Invariant:
    return lambda node: not (_has(node, one) and _has(node, other))


def _with(one: str, *others: str) -> Invariant:
    """The first comes only with one of the others."""
    return lambda node: not _has(node, one) or any(_has(node, other) for other in others)


def _where(name: str, values: str, *needed: str) -> Invariant:
    """Where a code is one of some values, the elements needed are there."""
    wanted = frozenset(values.split())
    return lambda node: node.get(name) not in wanted or all(_has(node, each) for each in needed)


def _unless(name: str, values: str, *kept_out: str) -> Invariant:
    """Only where a code is one of some values may the elements be there."""
    allowed = frozenset(values.split())
    return lambda node: node.get(name) in allowed or not any(_has(node, e) for e in kept_out)


def _when(name: str, values: str, *kept_out: str) -> Invariant:
    """Where a code is one of some values, the elements are not there."""
    wanted = frozenset(values.split())
    return lambda node: node.get(name) not in wanted or not any(_has(node, e) for e in kept_out)


def _coded(concept: Any, system: str, *codes: str) -> bool:
    return any(
        coding.get("system") == f"{_TERMINOLOGY}{system}" and coding.get("code") in codes
        for coding in (concept or {}).get("coding", ())
    )


def _in_error(node: Json, system: str) -> bool:
    return _coded(node.get("verificationStatus"), system, "entered-in-error")


def _distinct(values: Iterator[Any]) -> bool:
    listed = list(values)
    return len(set(listed)) == len(listed)


def _ordered(node: Json) -> bool:
    """per-1: a period does not end before it starts."""
    start, end = parse_date(node.get("start", "")), parse_date(node.get("end", ""))
    return start is None or end is None or start.low < end.high


def _dispensed_in_order(node: Json) -> bool:
    prepared, handed = node.get("whenPrepared"), node.get("whenHandedOver")
    if prepared is None or handed is None:
        return True
    one, other = parse_date(prepared), parse_date(handed)
    return one is None or other is None or one.low < other.high


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
    if not _has(node, "value[x]"):
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
        return all(_has(entry, name) is there for entry in node.get("entry", ()))

    return holds


def _first_is(kind: str, type: str) -> Invariant:
    def holds(node: Json) -> bool:
        first = (node.get("entry") or [{}])[0].get("resource", {})
        return node.get("type") != kind or first.get("resourceType") == type

    return holds


def _distinct_entries(node: Json) -> bool:
    """bdl-7: a version of a resource comes once."""
    return node.get("type") == "history" or _distinct(
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

    return _distinct(codes(node.get("concept", ())))


def _link_ids_differ(node: Json) -> bool:
    """que-2: within a questionnaire, all link ids are different."""

    def links(items: Any) -> Iterator[str]:
        for item in items:
            yield item["linkId"]
            yield from links(item.get("item", ()))

    return _distinct(links(node.get("item", ())))


def _at_start_or_end(node: Json) -> bool:
    """app-3: only what is proposed, cancelled or waiting may have no time."""
    timed = _has(node, "start") and _has(node, "end")
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
    "app-1": _any("type", "actor"),
    "app-2": lambda n: _has(n, "start") is _has(n, "end"),
    "app-3": _at_start_or_end,
    "app-4": _unless("status", "noshow no-show cancelled", "cancelationReason"),
    "apr-1": _any("participantType", "actor"),
    "att-1": _with("data", "contentType"),
    "bdl-1": _unless("type", "searchset history", "total"),
    "bdl-2": lambda n: (
        n.get("type") == "searchset" or not any("search" in e for e in n.get("entry", ()))
    ),
    "bdl-3": _entries("batch transaction history", "request"),
    "bdl-4": _entries("batch-response transaction-response history", "response"),
    "bdl-5": _any("resource", "request", "response"),
    "bdl-7": _distinct_entries,
    "bdl-8": lambda n: "/_history/" not in n.get("fullUrl", ""),
    "bdl-9": lambda n: (
        n.get("type") != "document" or {"system", "value"} <= set(n.get("identifier", {}))
    ),
    "bdl-10": _where("type", "document", "timestamp"),
    "bdl-11": _first_is("document", "Composition"),
    "bdl-12": _first_is("message", "MessageHeader"),
    "ces-1": _exactly_one("category", "productOrService"),
    "cmd-2": _where("mode", "fixed", "code"),
    "cmd-3": _where("mode", "other-map", "url"),
    "cmp-1": _any("text", "entry", "section"),
    "cmp-2": _not_both("emptyReason", "entry"),
    "cnt-3": lambda n: _unit_of(n, "1") and n.get("value", 0) % 1 == 0,
    "con-1": _any("summary", "assessment"),
    "con-2": _any("code", "detail"),
    "con-4": lambda n: (
        not _has(n, "abatement[x]")
        or _coded(
            n.get("clinicalStatus"), "condition-clinical", "resolved", "remission", "inactive"
        )
    ),
    "con-5": lambda n: not (_in_error(n, "condition-ver-status") and "clinicalStatus" in n),
    "cpl-3": _not_both("detail", "reference"),
    "cpt-2": _with("value", "system"),
    "csd-1": _codes_differ,
    "dis-1": _unit_of,
    "dom-2": _contained_all(lambda item: "contained" not in item),
    "dom-3": _contained_used,
    "dom-4": _contained_all(
        lambda item: not {"versionId", "lastUpdated"} & set(item.get("meta", {}))
    ),
    "dom-5": _contained_all(lambda item: "security" not in item.get("meta", {})),
    "drq-1": _exactly_one("path", "searchParam"),
    "drq-2": _exactly_one("path", "searchParam"),
    "drt-1": lambda n: "code" not in n or (n.get("system") == _UCUM and "value" in n),
    "exp-1": _any("expression", "reference"),
    "ext-1": _exactly_one("extension", "value[x]"),
    "fhs-1": _not_both("age[x]", "born[x]"),
    "fhs-2": _with("estimatedAge", "age[x]"),
    "gol-1": _with("detail[x]", "measure"),
    "grp-1": lambda n: "member" not in n or n.get("actual") is True,
    "imm-1": _any("documentType", "reference"),
    "imr-1": _any("vaccineCode", "targetDisease"),
    "ipn-1": _any("identifier", "name"),
    "lnk-1": lambda n: len(n.get("item", ())) > 1,
    "lst-1": _not_both("emptyReason", "entry"),
    "lst-2": lambda n: (
        n.get("mode") == "changes" or not any("deleted" in e for e in n.get("entry", ()))
    ),
    "lst-3": lambda n: (
        n.get("mode") == "working" or not any("date" in e for e in n.get("entry", ()))
    ),
    "mad-1": _any("dose", "rate[x]"),
    "mdd-1": _dispensed_in_order,
    "mrp-1": _when("type", "data-collection", "group"),
    "msq-3": lambda n: n.get("coordinateSystem") in (0, 1),
    "msq-5": lambda n: _has(n, "chromosome") is _has(n, "genomeBuild"),
    "msq-6": _exactly_one(
        "genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString"
    ),
    "obs-3": _any("low", "high", "text"),
    "obs-6": _not_both("dataAbsentReason", "value[x]"),
    "obs-7": _components_differ,
    "org-1": _any("identifier", "name"),
    "org-2": _no_home,
    "org-3": _no_home,
    "pat-1": _any("name", "telecom", "address", "organization"),
    "per-1": _ordered,
    "ppc-1": _any("policy", "policyRule"),
    "prr-1": _with("orderDetail", "code"),
    "qrs-1": _not_both("answer", "item"),
    "qty-3": _with("code", "system"),
    "que-1": lambda n: (
        not (
            (n.get("type") == "group" and "item" not in n)
            or (n.get("type") == "display" and "item" in n)
        )
    ),
    "que-2": _link_ids_differ,
    "que-3": _when("type", "display", "code"),
    "que-4": _not_both("answerOption", "answerValueSet"),
    "que-5": _unless(
        "type",
        "choice open-choice decimal integer date dateTime time string quantity",
        "answerValueSet",
        "answerOption",
    ),
    "que-6": _when("type", "display", "required", "repeats"),
    "que-7": lambda n: n.get("operator") != "exists" or "answerBoolean" in n,
    "que-8": _when("type", "group display", "initial"),
    "que-9": _when("type", "display", "readOnly"),
    "que-10": _unless("type", "boolean decimal integer string text url open-choice", "maxLength"),
    "que-11": _not_both("answerOption", "initial"),
    "que-12": lambda n: len(n.get("enableWhen", ())) <= 2 or "enableBehavior" in n,
    "que-13": lambda n: n.get("repeats") is True or len(n.get("initial", ())) <= 1,
    "ras-1": _percent,
    "ras-2": lambda n: n.get("probabilityDecimal", 0) <= 100,
    "rat-1": lambda n: (
        _has(n, "numerator") is _has(n, "denominator")
        and (_has(n, "numerator") or _has(n, "extension"))
    ),
    "rng-2": _comparable,
    "rqg-1": _exactly_one("resource", "action"),
    "sev-1": _not_both("name", "query"),
    "spd-1": _with("xpath", "xpathUsage"),
    "spd-2": lambda n: "chain" not in n or n.get("type") == "reference",
    "tim-1": _with("duration", "durationUnit"),
    "tim-2": _with("period", "periodUnit"),
    "tim-4": _not_negative("duration"),
    "tim-5": _not_negative("period"),
    "tim-6": _with("periodMax", "period"),
    "tim-7": _with("durationMax", "duration"),
    "tim-8": _with("countMax", "count"),
    "tim-9": lambda n: (
        "offset" not in n or ("when" in n and not {"C", "CM", "CD", "CV"} & set(n["when"]))
    ),
    "tim-10": _not_both("timeOfDay", "when"),
    "trd-1": _not_both("data", "timing[x]"),
    "trd-2": _with("condition", "data"),
    "vsd-1": _any("valueSet", "system"),
    "vsd-2": lambda n: not (("concept" in n or "filter" in n) and "system" not in n),
    "vsd-3": _not_both("concept", "filter"),
    "vsd-6": _any("code", "display"),
    "vsd-9": lambda n: "code" in n or n.get("abstract") is True,
    "vsd-10": _with("code", "system"),
}
"""Whether a node keeps a rule, by the rule's key."""

NOT_ENFORCED = frozenset(
    {
        "cmd-1",
        "cpb-1",
        "cpb-12",
        "cpb-14",
        "cpb-15",
        "cpb-16",
        "cpb-2",
        "cpb-3",
        "cpb-7",
        "cpb-9",
        "ctm-1",
        "eld-1",
        "eld-11",
        "eld-12",
        "eld-13",
        "eld-14",
        "eld-15",
        "eld-16",
        "eld-17",
        "eld-18",
        "eld-19",
        "eld-2",
        "eld-22",
        "eld-3",
        "eld-4",
        "eld-5",
        "eld-6",
        "eld-7",
        "eld-8",
        "ig-1",
        "ig-2",
        "inv-1",
        "inv-2",
        "md-1",
        "mea-1",
        "mrp-2",
        "nsd-1",
        "nsd-2",
        "opd-1",
        "opd-2",
        "opd-3",
        "ppc-2",
        "ppc-3",
        "ppc-4",
        "ppc-5",
        "sdf-1",
        "sdf-10",
        "sdf-11",
        "sdf-14",
        "sdf-15",
        "sdf-15a",
        "sdf-16",
        "sdf-17",
        "sdf-18",
        "sdf-19",
        "sdf-2",
        "sdf-20",
        "sdf-21",
        "sdf-22",
        "sdf-23",
        "sdf-3",
        "sdf-4",
        "sdf-5",
        "sdf-6",
        "sdf-8",
        "sdf-8a",
        "sdf-8b",
        "sdf-9",
        "smp-1",
        "smp-2",
        "tcp-1",
        "tcp-2",
        "tcp-3",
        "tcp-4",
        "tcp-5",
        "trd-3",
        "tst-1",
        "tst-10",
        "tst-11",
        "tst-12",
        "tst-13",
        "tst-2",
        "tst-3",
        "tst-4",
        "tst-5",
        "tst-6",
        "tst-7",
        "tst-8",
        "tst-9",
    }
)
"""Rules that are not checked; ``ref-1``, ``txt-1`` and ``txt-2`` are checked with the elements."""
