"""Codes in value sets and hierarchies: what R4 requires, and what is stored on the chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
        _add_set(store, url, codes, ())

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


def _add_set(store: Store, url: str, codes: Codes, within: tuple[str, ...]) -> None:
    if url in within:
        return
    resource = _stored(store, "ValueSet", url)
    if resource is None:
        try:
            required = definitions.codes(url.partition("|")[0])
        except KeyError:
            raise Refusal(400, "not-found", f"The value set '{url}' is not known here; store the "
                          "ValueSet first.") from None  # fmt: skip
        for system, listed in required.items():
            _add(codes, system, listed)
        return
    if "expansion" in resource:
        for item in _contained(resource["expansion"].get("contains", ())):
            if "system" in item and "code" in item:
                _add(codes, item["system"], [item["code"]])
        return
    compose = resource.get("compose", {})
    if "exclude" in compose or any("filter" in part for part in compose.get("include", ())):
        raise Refusal(400, "not-supported", f"The value set '{url}' has filters or exclusions; "
                      "store it with its expansion.")  # fmt: skip
    for part in compose.get("include", ()):
        for other in part.get("valueSet", ()):
            _add_set(store, other, codes, (*within, url))
        if "system" in part:
            concepts = [concept["code"] for concept in part.get("concept", ())]
            _add(codes, part["system"], concepts or None)


def _add(codes: Codes, system: str, listed: Iterable[str] | None) -> None:
    known = codes.setdefault(system, set())
    if listed is None or known is None:
        codes[system] = None
    else:
        known.update(listed)


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
