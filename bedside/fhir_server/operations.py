"""The operations that read: $everything and $lastn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from bedside.fhir_server import definitions, search
from bedside.fhir_server.clauses import Store
from bedside.fhir_server.integrity import references
from bedside.fhir_server.latest import by_code, latest
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.population import Record
from bedside.fhir_server.query import Query
from bedside.fhir_server.requests import JSON, Request, Response, given_in
from bedside.fhir_server.values import FOREVER, Range, parse_date, reference_key

__all__ = ["everything", "last_n"]

_SHAPING = ("_since", "_type", "_count", "_page", "_format")
_PARAMETERS = {"Patient": ("start", "end", *_SHAPING), "Encounter": _SHAPING}
_NO_CARE = ("birthdate", "death-date", "value-date", "target-date", "payment-date")
"""Search parameters for dates that do not say when care was given."""

Found = dict[tuple[str, str], Record]


class _Scope(NamedTuple):
    """What of a compartment is asked for.

    Attributes:
        care: when care was given; None for any time.
        since: when a resource was last changed; None for any time.
        types: of resources; empty for all.
    """

    care: Range | None
    since: datetime | None
    types: frozenset[str]

    def shows(self, record: Record) -> bool:
        """Whether a resource of the compartment, or one referred to, is part of the answer."""
        if self.types and record.type not in self.types:
            return False
        return self.since is None or _changed_at(record) >= self.since


def everything(chart: Overlay, request: Request, type: str, id: str) -> Response:
    """A patient or encounter, all that is in its compartment, and what those refer to.

    Takes ``_type`` (types), ``_since`` (an instant), ``_count`` (a page's length), and for a
    patient ``start`` and ``end`` (dates of care).
    """
    if chart.get(type, id) is None:
        raise Refusal(404, "not-found", f"There is no {type} with id '{id}'.")
    pairs = given_in(request)
    given = _given(pairs, _PARAMETERS[type])
    scope = _Scope(_care(given), _since(given), _types(given))

    def run(store: Store, query: Query) -> Sequence[Record]:
        found = _compartment(store, type, id)
        if scope.care is not None:
            found = {
                key: record
                for key, record in found.items()
                if key == (type, id) or _cared_within(store, record, scope.care)
            }
        for record in list(found.values()):
            found |= _referred_to(store, record, without=type)
        return [record for record in found.values() if scope.shows(record)]

    query = Query(
        type,
        urlencode([pair for pair in pairs if pair[0] != "_page"]),
        count=_count(given),
        page=given.get("_page", ""),
    )
    path = f"{chart.base}/{type}/{id}/$everything"
    return Response(200, {"Content-Type": JSON}, search.page_of(chart, query, path, run))


def last_n(chart: Overlay, request: Request) -> Response:
    """The last ``max`` (1 if not said) Observations of each code that match the search.

    Those of the same time as the last of them come too.
    """
    given = given_in(request)
    most = dict(given).get("max", "1")
    if not (most.isascii() and most.isdigit() and int(most[:9])):
        raise Refusal(400, "invalid", f"max is a whole number from 1, not '{most}'.")
    names = {name.partition(":")[0].partition(".")[0] for name, _ in given}
    if not names & {"patient", "subject"} or not any(map(_asks_for_codes, names)):
        raise Refusal(400, "required", "$lastn needs a patient or subject, and a code or category "
                      "(or another parameter with a code, such as combo-code), e.g. "
                      "Observation/$lastn?patient=ID&category=laboratory&max=3.")  # fmt: skip
    kept = [(name, value) for name, value in given if name not in ("max", "_sort")]
    wanted = urlencode([*kept, ("_sort", "-date")])

    def run(store: Store, query: Query) -> Sequence[Record]:
        date = store.parameters.of("Observation")["date"]
        found = search.matching(store, "Observation", wanted)
        return [record for group in by_code(found) for record in latest(group, int(most[:9]), date)]

    query = Query("Observation", urlencode(given))
    path = f"{chart.base}/Observation/$lastn"
    return Response(200, {"Content-Type": JSON}, search.page_of(chart, query, path, run))


def _compartment(store: Store, type: str, id: str) -> Found:
    own = store.get(type, id)
    found = {} if own is None else {(type, id): own}
    for each, names in definitions.compartments()[type].items():
        for name in names:
            if name != "{def}":
                for record in search.matching(store, each, f"{name}={type}/{id}"):
                    found[each, record.id] = record
    return found


def _cared_within(store: Store, record: Record, care: Range) -> bool:
    """Whether one of a record's dates of care is in a stretch of time; so is what has no date."""
    dates = [
        date
        for name, param in store.parameters.of(record.type).items()
        if param.kind == "date" and name not in _NO_CARE and name[0] != "_"
        for date in record.values(param)
    ]
    return not dates or any(date.low < care.high and care.low < date.high for date in dates)


def _referred_to(store: Store, record: Record, without: str) -> Found:
    found = {}
    for _, text in references(record.resource, record.type):
        type, id = reference_key(text)
        if type is not None and id is not None and type != without:
            target = store.get(type, id)
            if target is not None:
                found[type, id] = target
    return found


def _asks_for_codes(name: str) -> bool:
    return name == "category" or "code" in name.split("-")


def _given(pairs: Iterable[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """The parameters by name; several values of one are put into a list."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            raise _invalid(f"$everything takes {', '.join(names)}, not '{name}'.")
        given[name] = f"{given[name]},{value}" if name in given else value
    return given


def _types(given: Mapping[str, str]) -> frozenset[str]:
    named = frozenset(given["_type"].split(",")) if "_type" in given else frozenset[str]()
    for name in sorted(named.difference(definitions.resource_types())):
        raise _invalid(f"_type names types of R4, such as Observation, not '{name}'.")
    return named


def _care(given: Mapping[str, str]) -> Range | None:
    if "start" not in given and "end" not in given:
        return None
    start, end = (_date(name, given[name]) if name in given else None for name in ("start", "end"))
    return Range(start.low if start else -FOREVER, end.high if end else FOREVER)


def _date(name: str, text: str) -> Range:
    date = parse_date(text)
    if date is None:
        raise _invalid(f"{name} is a date, YYYY, YYYY-MM or YYYY-MM-DD, not '{text}'.")
    return date


def _count(given: Mapping[str, str]) -> int | None:
    text = given.get("_count")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _invalid(f"_count is a whole number from 0, not '{text}'.")
    return int(text)


def _since(given: Mapping[str, str]) -> datetime | None:
    text = given.get("_since")
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise _invalid(f"_since is an instant, YYYY-MM-DDThh:mm:ss+zz:zz, not '{text}'.")
    return since


def _changed_at(record: Record) -> datetime:
    time = record.resource.get("meta", {}).get("lastUpdated", "0001-01-01T00:00:00+00:00")
    return datetime.fromisoformat(time)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
