"""The chart: one encounter's view of the EHR. Its writes lie over the start layer and population.

The writes are kept apart from what is beneath, so that they are the difference graders read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bedside.core.seeds import opaque_id
from bedside.fhir_server.bundle import searchset
from bedside.fhir_server.capability import capability_statement
from bedside.fhir_server.jsontext import Json, decode, encode, refuse_repeated_names, with_members
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.population import BASE, Population, Record, StartLayer
from bedside.fhir_server.search import Query, parse_query, parse_search
from bedside.fhir_server.urls import Target, parse_url
from bedside.fhir_server.validation import validate

__all__ = ["Change", "Chart", "Response"]

_JSON = "application/fhir+json; charset=utf-8"
_METHODS = "GET, POST, PUT"
_OWN_META = ("versionId", "lastUpdated")


class Response(NamedTuple):
    """The answer to a request; `body` is always a FHIR resource as JSON."""

    status: int
    headers: dict[str, str]
    body: bytes


class Change(NamedTuple):
    """What an encounter's writes did to one resource; `before` is None for a new one."""

    type: str
    id: str
    before: bytes | None
    after: bytes


class Chart:
    """One encounter's chart.

    Args:
        population: what all charts share.
        start: what this case's chart holds at the start; hides equal ids of the population.
        seed: ids of new resources follow from it and from the order of creation.
        now: the time as a FHIR instant; set :attr:`now` as the encounter's clock moves.
    """

    __slots__ = ("_created", "_writes", "now", "population", "seed", "start")

    def __init__(self, population: Population, start: StartLayer, *, seed: int, now: str) -> None:
        self.population = population
        self.start = start
        self.seed = seed
        self.now = now
        self._writes: dict[tuple[str, str], Record] = {}
        self._created = 0

    def fork(self) -> Chart:
        """A chart that is now equal and from now on separate."""
        fork = Chart(self.population, self.start, seed=self.seed, now=self.now)
        fork._writes = self._writes.copy()
        fork._created = self._created
        return fork

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, Any] | None = None,
    ) -> Response:
        """Answer one FHIR R4 request.

        Args:
            method: GET, POST or PUT.
            url: ``Type/id``, ``Type?query``, ``Type`` or ``metadata``, alone or after any base.
            headers: ``If-Match`` and ``If-None-Exist`` are honoured.
            body: the resource, for POST and PUT.

        Returns:
            The response; what cannot be done comes as an OperationOutcome and changes nothing.
        """
        try:
            return self._answer(method.upper(), parse_url(url), headers or {}, body)
        except Refusal as refusal:
            return Response(
                refusal.status, {"Content-Type": _JSON, **refusal.headers}, refusal.body()
            )

    def changes(self) -> tuple[Change, ...]:
        """What the writes changed, in the order each resource was first written.

        A resource whose content is again what it was at the start is not among them.
        """
        return tuple(
            Change(record.type, record.id, before.data if before else None, record.data)
            for record, before in self._changed()
        )

    def changed_matching(self, search: str) -> tuple[tuple[str, str], ...]:
        """(type, id) of the changed resources that match a search.

        Args:
            search: for example ``MedicationRequest?patient=ID&code:text=hydrocortisone``.

        Raises:
            Refusal: the search is not valid.
        """
        query = parse_search(search)
        return tuple(
            (record.type, record.id) for record, _ in self._changed() if query.matches(record)
        )

    def _changed(self) -> list[tuple[Record, Record | None]]:
        pairs = [(record, self._beneath(*key)) for key, record in self._writes.items()]
        return [(new, old) for new, old in pairs if old is None or not _same_content(new, old)]

    def _answer(
        self, method: str, target: Target, headers: Mapping[str, str], body: Any
    ) -> Response:
        if method not in ("GET", "POST", "PUT"):
            raise _not_allowed(f"{method} is not served; use {_METHODS}.", _METHODS)
        if not target.type:
            if method != "GET":
                raise _not_allowed("The metadata can only be read, by GET.", "GET")
            return Response(200, {"Content-Type": _JSON}, capability_statement())
        if method == "GET" and not target.id:
            return self._search(target)
        if target.query not in ("", "_format=json"):
            raise Refusal(
                400, "not-supported", f"Only a search has parameters; drop '?{target.query}'."
            )
        if method == "GET":
            return self._read(target)
        if method == "POST":
            return self._create(target, headers, body)
        return self._update(target, headers, body)

    def _beneath(self, type: str, id: str) -> Record | None:
        return self.start.get(type, id) or self.population.get(type, id)

    def _get(self, type: str, id: str) -> Record | None:
        return self._writes.get((type, id)) or self._beneath(type, id)

    def _read(self, target: Target) -> Response:
        record = self._get(target.type, target.id)
        if record is None:
            raise Refusal(
                404,
                "not-found",
                f"There is no {target.type} with id '{target.id}'. "
                f"Search for it, e.g. {target.type}?patient=ID.",
            )
        return Response(200, _record_headers(record), record.data)

    def _find(self, query: Query) -> list[Record]:
        writes, start = self._writes, self.start
        hidden = {id for type, id in writes if type == query.type}
        found = [
            record
            for record in query.find(self.population)
            if record.id not in hidden and start.get(record.type, record.id) is None
        ]
        found += [record for record in query.find(start) if record.id not in hidden]
        if hidden:
            found += [record for record in writes.values() if query.matches(record)]
        return query.sort(found)

    def _search(self, target: Target) -> Response:
        query = parse_query(target.type, target.query)
        found = self._find(query)
        return Response(200, {"Content-Type": _JSON}, searchset(query, found))

    def _create(self, target: Target, headers: Mapping[str, str], body: Any) -> Response:
        text, resource = _parse(body, target.type)
        condition = _header(headers, "if-none-exist")
        if condition is not None:
            existing = self._find(parse_query(target.type, condition.removeprefix("?")))
            if len(existing) > 1:
                raise Refusal(412, "multiple-matches", f"{len(existing)} resources match "
                              f"If-None-Exist '{condition}'; make it narrower.")  # fmt: skip
            if existing:
                return Response(200, _record_headers(existing[0]), existing[0].data)
        id = self._new_id(target.type)
        return self._store(target.type, id, text, resource, None)

    def _update(self, target: Target, headers: Mapping[str, str], body: Any) -> Response:
        if not target.id:
            raise _not_allowed(f"PUT needs an id: {target.type}/ID. To create, use POST.", "POST")
        text, resource = _parse(body, target.type)
        if resource.get("id") != target.id:
            raise Refusal(
                400,
                "value",
                f"The id in the body is {resource.get('id')!r}, in the URL '{target.id}'; "
                "they must be equal.",
                f"{target.type}.id",
            )
        current = self._get(target.type, target.id)
        version = current.version if current else 0
        wanted = _header(headers, "if-match")
        if wanted is not None and wanted.removeprefix("W/").strip('"') != str(version):
            raise Refusal(412, "conflict", f"If-Match is {wanted}, but the current version is "
                          f"{version}; read the resource again.")  # fmt: skip
        return self._store(target.type, target.id, text, resource, current)

    def _new_id(self, type: str) -> str:
        while True:
            id = opaque_id(self.seed, "chart", self._created)
            if self._get(type, id) is None:
                return id
            self._created += 1

    def _store(
        self, type: str, id: str, text: bytes, resource: Json, current: Record | None
    ) -> Response:
        issues = validate(resource)
        if issues:
            raise Refusal.of(422, issues)
        version = current.version + 1 if current else 1
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": self.now}
        data = with_members(text, {"id": id, "meta": meta})
        record = Record({**resource, "id": id, "meta": meta}, data)
        self._created += current is None
        self._writes[type, id] = record
        headers = _record_headers(record)
        headers["Location"] = f"{BASE}/{type}/{id}/_history/{version}"
        return Response(200 if current else 201, headers, data)


def _parse(body: Any, type: str) -> tuple[bytes, Json]:
    """The body's JSON and its resource; raises a 400 Refusal if it is none of the type."""
    if body is None or body in (b"", ""):
        raise Refusal(400, "required", f"There is no body; send the {type} as JSON.")
    if isinstance(body, Mapping):
        try:
            text = encode(body)
        except (TypeError, ValueError, RecursionError) as error:
            raise Refusal(400, "structure", f"The body is not JSON: {error}.") from None
        resource = decode(text)
    else:
        text = body.encode(errors="surrogatepass") if isinstance(body, str) else bytes(body)
        resource = decode(text)
        refuse_repeated_names(text)
    found = resource.get("resourceType")
    if found != type:
        raise Refusal(
            400,
            "value" if found else "required",
            f"resourceType is {found!r}, but the URL says {type}; they must be equal.",
            f"{type}.resourceType",
        )
    return text, resource


def _not_allowed(message: str, allow: str) -> Refusal:
    refusal = Refusal(405, "not-supported", message)
    refusal.headers["Allow"] = allow
    return refusal


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _record_headers(record: Record) -> dict[str, str]:
    return {"Content-Type": _JSON, "ETag": f'W/"{record.version}"'}


def _same_content(one: Record, other: Record) -> bool:
    """Whether two versions say the same, apart from their version and time."""
    return _content(one) == _content(other)


def _content(record: Record) -> Json:
    meta = {k: v for k, v in record.resource.get("meta", {}).items() if k not in _OWN_META}
    content = {**record.resource, "meta": meta}
    if not meta:
        del content["meta"]
    return content
