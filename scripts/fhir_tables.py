"""Turn the official FHIR R4 definitions into the tables that `bedside.fhir_server` runs on.

    npm pack hl7.fhir.r4.examples@4.0.1
    python scripts/fhir_tables.py hl7.fhir.r4.examples-4.0.1.tgz

The package is HL7's own and CC0. The tables keep what validation and search need and nothing else,
one name per line, so that a change of them can be read.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

OUT = Path(__file__).parent.parent / "bedside" / "fhir_server" / "definitions"
KINDS = (
    "StructureDefinition",
    "SearchParameter",
    "ValueSet",
    "CodeSystem",
    "CompartmentDefinition",
)
EVERY_TYPE = ("Resource", "DomainResource")
ANY_TYPE = 100
"""So many target types mean any."""
SWAPPED = ("DocumentReference-relationship",)
"""Composites whose two expressions R4 has the wrong way round: each names the other's element."""
US_CORE = {
    "CareTeam": ("role", "token", "CareTeam.participant.role"),
    "Condition": (
        "asserted-date",
        "date",
        "Condition.extension('http://hl7.org/fhir/StructureDefinition/condition-assertedDate')",
    ),
    "Encounter": (
        "discharge-disposition",
        "token",
        "Encounter.hospitalization.dischargeDisposition",
    ),
    "Goal": ("description", "token", "Goal.description"),
}
"""The search parameters that US Core 6.1.0 defines beside those of R4, by type."""
SEARCH = "http://hl7.org/fhir/SearchParameter/"
SIMPLE_QUANTITY = "http://hl7.org/fhir/StructureDefinition/SimpleQuantity"
NO_COMPARATOR = ["sqty-1", "The comparator is not used on a SimpleQuantity"]
TYPE_NAME = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


def main(package: Path) -> None:
    """Write every table."""
    definitions = list(read(package))
    of = {kind: [d for d in definitions if d["resourceType"] == kind] for kind in KINDS}
    structures = [
        structure
        for structure in of["StructureDefinition"]
        if structure["kind"] != "logical" and structure.get("derivation") != "constraint"
    ]
    types: dict[str, Json] = {}
    for structure in structures:
        types |= structure_types(structure)
    sets = value_sets(of["ValueSet"], of["CodeSystem"], bound_sets(types))
    forget_open_bindings(types, sets)
    write("types", types)
    write("valuesets", sets)
    write("hierarchies", hierarchies(of["CodeSystem"], sets))
    write("search", search_parameters(of["SearchParameter"], set(types)))
    write("compartments", compartments(of["CompartmentDefinition"]))


def read(package: Path) -> Iterator[Json]:
    """The definitions in the package."""
    with tarfile.open(package) as archive:
        for member in archive:
            if member.name.rpartition("/")[2].startswith(KINDS):
                file = archive.extractfile(member)
                if file is not None:
                    yield json.load(file)


def structure_types(structure: Json) -> dict[str, Json]:
    """The type a structure defines and those nested in it, each with the elements it adds."""
    name = structure["type"]
    base = structure.get("baseDefinition", "").rpartition("/")[2]
    types: dict[str, Json] = {}
    for element in structure["snapshot"]["element"]:
        path = element["path"]
        if path == name:
            types[path] = {"kind": structure["kind"].removesuffix("-type"), "base": base}
            if structure["kind"] == "primitive-type":
                return types
            types[path]["elements"] = {}
            add_rules(types[path], element, path)
            continue
        if element["base"]["path"] != path:
            continue
        parent, _, own = path.rpartition(".")
        nested = is_nested(element)
        if nested:
            base = element["type"][0]["code"]
            types[path] = {"kind": "nested", "base": base, "elements": {}}
            add_rules(types[path], element, path)
        types[parent]["elements"][own] = element_row(element, path if nested else "")
    return types


def is_nested(element: Json) -> bool:
    """Whether the element's type is written out below it."""
    codes = [type["code"] for type in element.get("type", ())]
    return codes in (["BackboneElement"], ["Element"])


def element_row(element: Json, nested: str) -> Json:
    """What the tables keep of an element; what is usual is left out."""
    row: Json = {"types": [nested] if nested else type_names(element)}
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["many"] = True
    targets = target_types(element)
    if targets:
        row["targets"] = targets
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        row["codes"] = binding["valueSet"].partition("|")[0]
    if element.get("isSummary"):
        row["summary"] = True
    if not nested:
        add_rules(row, element, element["path"])
    if any(SIMPLE_QUANTITY in type.get("profile", ()) for type in element.get("type", ())):
        row.setdefault("rules", []).append(NO_COMPARATOR)
    return row


def type_names(element: Json) -> list[str]:
    """The names of an element's types; one that repeats another's content is named by its path."""
    if "contentReference" in element:
        return [element["contentReference"].removeprefix("#")]
    if element["path"] == "Resource.id" or element["base"]["path"] == "Resource.id":
        return ["id"]
    return [
        next((e["valueUrl"] for e in type.get("extension", ()) if e["url"] == TYPE_NAME), None)
        or type["code"]
        for type in element["type"]
    ]


def target_types(element: Json) -> list[str]:
    """The resource types an element may refer to; empty for any."""
    profiles = [
        profile
        for type in element.get("type", ())
        if type["code"] == "Reference"
        for profile in type.get("targetProfile", ())
    ]
    names = [profile.rpartition("/")[2] for profile in profiles]
    return [] if "Resource" in names else names


def add_rules(row: Json, element: Json, path: str) -> None:
    """Add [key, sentence] of the invariants that are errors and that the element does not inherit.

    That no element is empty (ele-1) is true everywhere and not repeated.
    """
    owner = path.partition(".")[0]
    found = [
        [rule["key"], rule["human"]]
        for rule in element.get("constraint", ())
        if rule["severity"] == "error"
        and "expression" in rule
        and rule["key"] != "ele-1"
        and rule.get("source", owner).rpartition("/")[2] == owner
    ]
    if found:
        row["rules"] = found


def bound_sets(types: dict[str, Json]) -> set[str]:
    """The addresses of the value sets that an element requires."""
    return {
        row["codes"]
        for type in types.values()
        for row in type.get("elements", {}).values()
        if "codes" in row
    }


def forget_open_bindings(types: dict[str, Json], sets: Json) -> None:
    """Drop bindings to value sets that no list of codes can stand for, such as MIME types."""
    for type in types.values():
        for row in type.get("elements", {}).values():
            if row.get("codes") not in sets:
                row.pop("codes", None)


def value_sets(sets: list[Json], systems: list[Json], wanted: Iterable[str]) -> Json:
    """{address: {system: [codes]}} of the sets that are lists of codes."""
    by_url = {item["url"]: item for item in sets}
    codes = {item["url"]: all_codes(item.get("concept", ())) for item in systems}
    found = {url: expanded(url, by_url, codes) for url in sorted(wanted)}
    return {url: content for url, content in found.items() if content}


def expanded(url: str, sets: Json, systems: dict[str, list[str]]) -> Json | None:
    """The codes of a set by system, or None when it is not a plain list."""
    if url not in sets:
        return None
    result: dict[str, list[str]] = {}
    compose = sets[url].get("compose", {})
    if "exclude" in compose:
        return None
    for part in compose.get("include", ()):
        if "filter" in part:
            return None
        for other in part.get("valueSet", ()):
            inner = expanded(other, sets, systems)
            if inner is None:
                return None
            for system, codes in inner.items():
                result.setdefault(system, []).extend(codes)
        if "system" not in part:
            continue
        listed = [concept["code"] for concept in part.get("concept", ())]
        listed = listed or systems.get(part["system"], [])
        if not listed:
            return None
        result.setdefault(part["system"], []).extend(listed)
    return result


def all_codes(concepts: Iterable[Json]) -> list[str]:
    """The codes of concepts and of all below them, in order."""
    return [
        code
        for concept in concepts
        for code in [concept["code"], *all_codes(concept.get("concept", ()))]
    ]


def hierarchies(systems: list[Json], sets: Json) -> Json:
    """{system: {code: parent}} of the nested code systems that a required set draws on."""
    used = {system for content in sets.values() for system in content}
    found = {
        system["url"]: dict(parents(system.get("concept", ()), ""))
        for system in systems
        if system["url"] in used
    }
    return {url: content for url, content in sorted(found.items()) if content}


def parents(concepts: Iterable[Json], parent: str) -> Iterator[tuple[str, str]]:
    """(code, parent) of every concept that has a parent."""
    for concept in concepts:
        if parent:
            yield concept["code"], parent
        yield from parents(concept.get("concept", ()), concept["code"])


def search_parameters(parameters: list[Json], types: set[str]) -> Json:
    """{type: {name: row}}; what all types share stands under Resource and DomainResource."""
    table: dict[str, Json] = {}
    by_url = {parameter["url"]: parameter for parameter in parameters}
    for parameter in sorted(parameters, key=lambda item: str(item["url"])):
        id = parameter["url"].removeprefix(SEARCH)
        if id == parameter["url"] or id.startswith("example") or not parameter.get("expression"):
            continue
        for base in parameter.get("base", ()):
            row = {
                "kind": parameter["type"],
                "expression": expression_for(parameter["expression"], base, types),
                "id": id,
            }
            if 0 < len(parameter.get("target", ())) < ANY_TYPE:
                row["targets"] = parameter["target"]
            if parameter.get("component"):
                names = [by_url[part["definition"]]["code"] for part in parameter["component"]]
                expressions = [part["expression"] for part in parameter["component"]]
                if id in SWAPPED:
                    expressions.reverse()
                row["components"] = list(zip(names, expressions, strict=True))
            table.setdefault(base, {})[parameter["code"]] = row
    for base, (name, kind, expression) in US_CORE.items():
        id = f"us-core-{base.lower()}-{name}"
        table[base][name] = {"kind": kind, "expression": expression, "id": id}
    return {base: dict(sorted(rows.items())) for base, rows in sorted(table.items())}


def expression_for(expression: str, base: str, types: set[str]) -> str:
    """The alternatives of an expression that concern one type."""
    parts = [part.strip() for part in expression.split(" | ")]
    heads = [part.lstrip("(").partition(".")[0] for part in parts]
    kept = [
        part
        for part, head in zip(parts, heads, strict=True)
        if head in (base, *EVERY_TYPE) or head not in types
    ]
    return " | ".join(kept)


def compartments(definitions: list[Json]) -> Json:
    """{compartment type: {type: [parameters]}}; "{def}" is the resource itself."""
    return {
        definition["code"]: {
            row["code"]: row["param"] for row in definition["resource"] if row.get("param")
        }
        for definition in sorted(definitions, key=lambda item: str(item["code"]))
        if definition["url"].startswith("http://hl7.org/fhir/CompartmentDefinition/")
        and definition["id"] != "example"
    }


def write(name: str, table: Json) -> None:
    """One line per name, sorted."""
    lines = [
        f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for key, value in sorted(table.items())
    ]
    path = OUT / f"{name}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {len(table)} names, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
