"""The overlay: what one encounter wrote, version by version, over layers that never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from bedside.core.seeds import opaque_id
from bedside.fhir_server.clauses import Clause
from bedside.fhir_server.joined import Joined
from bedside.fhir_server.jsontext import Json, with_members
from bedside.fhir_server.parameters import ParameterSet
from bedside.fhir_server.policy import STRICT, Policy
from bedside.fhir_server.population import BASE, Record, Resources, StartLayer
from bedside.fhir_server.postings import Postings

__all__ = ["Change", "Overlay", "Version"]

MANY = 64
"""Written resources of a type from which on a search looks them up by their keys."""
_OWN_META = ("versionId", "lastUpdated")


class Version(NamedTuple):
    """One version of a resource; `record` is None where it was deleted.

    Attributes:
        number: of the version, from 1.
        method: the HTTP method that made it: POST, PUT, PATCH or DELETE.
        time: a FHIR instant.
    """

    type: str
    id: str
    number: int
    method: str
    time: str
    record: Record | None


class Change(NamedTuple):
    """What the writes did to one resource: `before` is None if new, `after` if deleted."""

    type: str
    id: str
    before: bytes | None
    after: bytes | None


class Overlay:
    """The versions written over a start layer over a population.

    Args:
        population: what all charts share.
        start: what this case's chart holds at the start; hides equal ids of the population.
        seed: ids of new resources follow from it and from the order of creation.
        now: the time as a FHIR instant; set :attr:`now` as the clock moves.
        policy: what a write must be to be accepted.
        base: what ``fullUrl`` and links are relative to.
    """

    __slots__ = (
        "_changes",
        "_created",
        "_log",
        "_own_parameters",
        "_postings",
        "_written",
        "base",
        "now",
        "policy",
        "population",
        "seed",
        "start",
    )

    def __init__(
        self,
        population: Resources,
        start: StartLayer,
        *,
        seed: int,
        now: str,
        policy: Policy = STRICT,
        base: str = BASE,
    ) -> None:
        self.population = population
        self.start = start
        self.seed = seed
        self.now = now
        self.policy = policy
        self.base = base
        self._written: dict[str, dict[str, Version]] = {}
        self._log: list[Version] = []
        self._created = 0
        self._changes: list[tuple[Version, Record | None]] | None = None
        self._own_parameters: ParameterSet | None = None
        self._postings: Postings | None = None

    def fork(self) -> Self:
        """An overlay that is now equal and from now on separate."""
        fork = type(self)(
            self.population,
            self.start,
            seed=self.seed,
            now=self.now,
            policy=self.policy,
            base=self.base,
        )
        fork.adopt(self)
        return fork

    def adopt(self, other: Overlay) -> None:
        """Take over the writes of another overlay of the same layers."""
        self._written = {type: versions.copy() for type, versions in other._written.items()}
        self._log = other._log.copy()
        self._created = other._created
        self._changes = other._changes
        self._own_parameters = other._own_parameters
        self._postings = None

    @property
    def parameters(self) -> ParameterSet:
        """The search parameters, with those that SearchParameter resources here define."""
        if self._own_parameters is None:
            self._own_parameters = ParameterSet.defined_by(
                record.resource for record in self.find("SearchParameter", ())
            )
        return self._own_parameters

    @property
    def log(self) -> Sequence[Version]:
        """Every version written, oldest first."""
        return self._log

    def as_of(self, length: int) -> Self:
        """What it was when the log held `length` versions."""
        if length == len(self._log):
            return self
        earlier = self.fork()
        earlier.undo(length)
        return earlier

    def get(self, type: str, id: str) -> Record | None:
        """The resource as it is now, or None."""
        written = self._written.get(type)
        if written is not None:
            version = written.get(id)
            if version is not None:
                return version.record
        return self.beneath(type, id)

    def last(self, type: str, id: str) -> Version | None:
        """The last version written here; None when what is beneath still holds."""
        return self._written.get(type, {}).get(id)

    def beneath(self, type: str, id: str) -> Record | None:
        """The resource as it was before any write."""
        return self.start.get(type, id) or self.population.get(type, id)

    def find(self, type: str, clauses: Sequence[Clause]) -> Sequence[Record]:
        """The resources of a type, as they are now, that meet every clause."""
        start = self.start
        written = self._written.get(type, {})
        at_start = list(start.find(type, clauses))
        found = self.population.find(type, clauses)
        hidden = {record.id for record in start.of_type(type)} if start.has(type) else set()
        hidden = {id for id in hidden.union(written) if self.population.get(type, id)}
        if hidden:
            found = [record for record in found if record.id not in hidden]
        if not written:
            return Joined(found, at_start) if at_start else found
        kept = [record for record in at_start if record.id not in written]
        return Joined(found, kept, list(_meeting(self._candidates(type, clauses), clauses)))

    def _candidates(self, type: str, clauses: Sequence[Clause]) -> Iterable[Version]:
        """The written versions of a type, or of many those that have keys that are asked for."""
        written = self._written[type]
        if len(written) < MANY:
            return written.values()
        if self._postings is None:
            self._postings = Postings()
        ids = self._postings.candidates(type, clauses, self._log)
        return written.values() if ids is None else [written[id] for id in ids]

    def of_type(self, type: str) -> Sequence[Record]:
        """All resources of a type as they are now."""
        return self.find(type, ())

    def put(self, method: str, resource: Json, text: bytes, id: str) -> Version:
        """Write a new version of a resource, whose `text` is its JSON as the client sent it."""
        type = resource["resourceType"]
        number = self._next_number(type, id)
        meta = {**resource.get("meta", {}), "versionId": str(number), "lastUpdated": self.now}
        data = with_members(text, {"id": id, "meta": meta})
        record = Record({**resource, "id": id, "meta": meta}, data)
        return self._write(Version(type, id, number, method, self.now, record))

    def remove(self, type: str, id: str) -> Version:
        """Delete a resource that is there."""
        number = self._next_number(type, id)
        return self._write(Version(type, id, number, "DELETE", self.now, None))

    def restore(self, version: Version) -> None:
        """Write a version that was written before, as after a restart."""
        self._created += version.method == "POST"
        self._write(version)

    def undo(self, length: int) -> None:
        """Take back every version after the first `length` of the log."""
        last: dict[tuple[str, str], Version | None] = {
            (version.type, version.id): None for version in self._log[length:]
        }
        del self._log[length:]
        for version in self._log:
            if (version.type, version.id) in last:
                last[version.type, version.id] = version
        for (type, id), earlier in last.items():
            if earlier is None:
                del self._written[type][id]
            else:
                self._written[type][id] = earlier
        self._changes = None
        self._own_parameters = None
        self._postings = None

    def new_id(self, type: str) -> str:
        """An id that no resource of the type has had."""
        while True:
            id = opaque_id(self.seed, "chart", self._created)
            self._created += 1
            if self.beneath(type, id) is None and self.last(type, id) is None:
                return id

    def changes(self) -> tuple[Change, ...]:
        """What the writes changed, in the order each resource was first written.

        A resource whose content is again what it was at the start is not among them.
        """
        return tuple(
            Change(
                version.type,
                version.id,
                before.data if before else None,
                version.record.data if version.record else None,
            )
            for version, before in self._changed()
        )

    def changed(self) -> list[Record]:
        """The resources among the changes that are there now."""
        return [version.record for version, _ in self._changed() if version.record]

    def _changed(self) -> list[tuple[Version, Record | None]]:
        """The last version of each resource that was changed, and what was there before."""
        if self._changes is None:
            keys = dict.fromkeys((version.type, version.id) for version in self._log)
            pairs = [(self._written[type][id], self.beneath(type, id)) for type, id in keys]
            self._changes = [
                (version, before)
                for version, before in pairs
                if not _same_content(version.record, before)
            ]
        return self._changes

    def _next_number(self, type: str, id: str) -> int:
        last = self.last(type, id)
        if last is not None:
            return last.number + 1
        beneath = self.beneath(type, id)
        return beneath.version + 1 if beneath else 1

    def _write(self, version: Version) -> Version:
        self._written.setdefault(version.type, {})[version.id] = version
        self._log.append(version)
        self._changes = None
        if version.type == "SearchParameter":
            self._own_parameters = None
        return version


def _meeting(versions: Iterable[Version], clauses: Sequence[Clause]) -> Iterator[Record]:
    for version in versions:
        record = version.record
        if record is not None and all(clause.test(record) for clause in clauses):
            yield record


def _same_content(one: Record | None, other: Record | None) -> bool:
    """Whether two versions say the same, apart from their version and time."""
    if one is None or other is None:
        return one is other
    return _content(one) == _content(other)


def _content(record: Record) -> Json:
    meta = {k: v for k, v in record.resource.get("meta", {}).items() if k not in _OWN_META}
    content = {**record.resource, "meta": meta}
    if not meta:
        del content["meta"]
    return content
