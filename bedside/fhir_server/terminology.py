"""Codes in value sets and hierarchies: what R4 requires, and what is stored on the chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

from bedside.fhir_server import definitions
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.values import Key

if TYPE_CHECKING:
    from bedside.fhir_server.clauses import Store

__all__ = ["members", "related"]

Codes = dict[str, set[str] | None]
"""The codes of each system; None for all of a system."""


def members(store: Store, urls: Iterable[str]) -> Callable[[Key], bool]:
    """A test of whether a token's key is in any of the value sets.

    Args:
        store: where value sets may be stored.
        urls: canonical addresses, or ids of ValueSets there.

    Raises:
        Refusal: 400, a set is not known, or is no list of codes.
    """
    codes: Codes = {}
    for url in urls:
        _add(codes, _codes_of(store, url, ()))

    def test(key: Key) -> bool:
        system, code = key
        if system is None or code is None:
            return False
        listed = codes.get(system, ())
        return listed is None or code in listed

    return test


def related(store: Store, modifier: str, keys: Iterable[Key]) -> tuple[Key, ...]:
    """The keys and those of the codes below or above them in their code systems.

    Raises:
        Refusal: 400, a key has no system, whose hierarchy could be followed.
    """
    found: dict[Key, None] = {}
    for system, code in keys:
        if not system or code is None:
            raise Refusal(400, "invalid", f"':{modifier}' needs SYSTEM|CODE.")
        parents = {**definitions.parents(system), **dict(_stored_parents(store, system))}
        found[system, code] = None
        if modifier == "above":
            at = code
            while at in parents and (system, parents[at]) not in found:
                at = parents[at]
                found[system, at] = None
        else:
            for other in parents:
                if _is_under(other, code, parents):
                    found[system, other] = None
    return tuple(found)


def _is_under(code: str, ancestor: str, parents: dict[str, str]) -> bool:
    seen = set()
    while code in parents and code not in seen:
        seen.add(code)
        code = parents[code]
        if code == ancestor:
            return True
    return False


def _codes_of(store: Store, url: str, within: tuple[str, ...]) -> Codes:
    """The codes of a value set; `within` are the sets that it is part of."""
    if url in within:
        return {}
    resource = _stored(store, "ValueSet", url)
    if resource is None:
        try:
            required = definitions.codes(url.partition("|")[0])
        except KeyError:
            raise Refusal(400, "not-found", f"The value set '{url}' is not known here; store the "
                          "ValueSet first.") from None  # fmt: skip
        return {system: set(listed) for system, listed in required.items()}
    if "expansion" in resource:
        return _expanded(resource["expansion"])
    compose = resource.get("compose", {})
    if "exclude" in compose or any("filter" in part for part in compose.get("include", ())):
        raise Refusal(400, "not-supported", f"The value set '{url}' has filters or exclusions; "
                      "store it with its expansion.")  # fmt: skip
    codes: Codes = {}
    for part in compose.get("include", ()):
        _add(codes, _included(store, part, (*within, url)))
    return codes


def _expanded(expansion: Any) -> Codes:
    codes: Codes = {}
    for item in _contained(expansion.get("contains", ())):
        if "system" in item and "code" in item:
            _add(codes, {item["system"]: {item["code"]}})
    return codes


def _included(store: Store, part: Any, within: tuple[str, ...]) -> Codes:
    """The codes of one include: those that are in its system and in each of its value sets."""
    conditions = [_codes_of(store, url, within) for url in part.get("valueSet", ())]
    if "system" in part:
        listed = {concept["code"] for concept in part.get("concept", ())}
        conditions.append({part["system"]: listed or None})
    return reduce(_common, conditions) if conditions else {}


def _add(codes: Codes, more: Codes) -> None:
    for system, listed in more.items():
        known = codes.get(system, set())
        codes[system] = None if known is None or listed is None else known | listed


def _common(one: Codes, other: Codes) -> Codes:
    return {system: _both(one[system], other[system]) for system in one if system in other}


def _both(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _contained(items: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield item
        yield from _contained(item.get("contains", ()))


def _stored_parents(store: Store, system: str) -> Iterator[tuple[str, str]]:
    resource = _stored(store, "CodeSystem", system)
    if resource is not None:
        yield from _concept_parents(resource.get("concept", ()), "")


def _concept_parents(concepts: Iterable[Any], parent: str) -> Iterator[tuple[str, str]]:
    for concept in concepts:
        if parent:
            yield concept["code"], parent
        yield from _concept_parents(concept.get("concept", ()), concept["code"])


def _stored(store: Store, type: str, url: str) -> dict[str, Any] | None:
    """The resource with a canonical address, or of that id."""
    address, _, version = url.partition("|")
    for record in store.find(type, ()):
        resource = record.resource
        if record.id == address.removeprefix(f"{type}/") or (
            resource.get("url") == address and version in ("", resource.get("version"))
        ):
            return resource
    return None
