"""Transactions: every entry or none, in the order of R4 and with links between the entries.

The rules: https://hl7.org/fhir/R4/http.html#trules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import msgspec

from bedside.fhir_server import search
from bedside.fhir_server.integrity import (
    lost_urns,
    refuse_broken_references,
    refuse_if_referred_to,
)
from bedside.fhir_server.links import Kind, change_links, narrative_links
from bedside.fhir_server.outcome import Issue, Refusal
from bedside.fhir_server.overlay import Overlay
from bedside.fhir_server.requests import Request, Response

__all__ = ["ORDER", "Answer", "Entry", "located", "transact"]

Answer = Callable[[Overlay, Request], Response]

ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""By method, when an entry is carried out."""
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)")
_MAY_BE_CONDITIONAL = re.compile(rb'"reference"\s*:\s*"[A-Z][A-Za-z]+\?')


class Entry(NamedTuple):
    """One entry: its place in the Bundle, its address there, and what it asks."""

    at: int
    full_url: str
    request: Request


class _Planned(NamedTuple):
    """An entry and the resource it will write; the id is empty where that is not known before."""

    entry: Entry
    type: str = ""
    id: str = ""


class _OwnId(msgspec.Struct):
    id: str = ""


def transact(chart: Overlay, entries: list[Entry], answer: Answer) -> list[Response]:
    """Carry out every entry, or none.

    Args:
        chart: what they are carried out on.
        entries: in the order of the Bundle.
        answer: carries out one; raises Refusal.

    Returns:
        The responses in the order of the entries.

    Raises:
        Refusal: what the first failing entry says; the chart is as before then.
    """
    _refuse_equal_addresses(entries)
    work = chart.fork()
    work.policy = replace(chart.policy, integrity=False)
    deletions = [entry for entry in entries if entry.request.method == "DELETE"]
    deleted = [_planned_deletion(work, entry) for entry in deletions]
    responses = {each.entry.at: _carried_out(work, each, {}, answer) for each in deleted}
    plan = _Plan(work, deleted)
    planned = [plan.add(entry) for entry in entries if entry.request.method != "DELETE"]
    planned.sort(key=lambda each: ORDER[each.entry.request.method])
    writes = [each for each in planned if each.entry.request.method not in ("GET", "HEAD")]
    goals = plan.places | _conditional_goals(work, writes, plan.places, answer)
    for each in planned:
        responses[each.entry.at] = _carried_out(work, each, goals, answer)
    if chart.policy.integrity:
        _refuse_broken(work, [*deleted, *writes])
    work.policy = chart.policy
    chart.adopt(work)
    return [responses[entry.at] for entry in entries]


def located(refusal: Refusal, at: int) -> Refusal:
    """The refusal with the entry's place before each element."""
    where = f"Bundle.entry[{at}]"
    issues = [
        Issue(
            issue.code,
            f"{where}: {issue.diagnostics}",
            tuple(_within(f"{where}.resource", path) for path in issue.expression) or (where,),
        )
        for issue in refusal.issues
    ]
    return Refusal.of(refusal.status, issues)


def _within(where: str, path: str) -> str:
    """The FHIRPath of an element of the resource at a place; `path` starts with its type."""
    _, dot, rest = path.partition(".")
    return f"{where}{dot}{rest}"


def _refuse_equal_addresses(entries: Iterable[Entry]) -> None:
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.full_url and entry.full_url in seen:
            raise Refusal(400, "invalid", f"Bundle.entry[{entry.at}].fullUrl is that of entry "
                          f"{seen[entry.full_url]}; each entry has its own (bdl-7).",
                          f"Bundle.entry[{entry.at}].fullUrl")  # fmt: skip
        seen[entry.full_url] = entry.at


def _planned_deletion(work: Overlay, entry: Entry) -> _Planned:
    request = entry.request
    if not request.path:
        return _Planned(entry)
    type, *rest = request.path
    if rest or not request.query:
        return _Planned(entry, type, rest[0] if len(rest) == 1 else "")
    try:
        match = search.only_match(work, type, request.query)
    except Refusal as refusal:
        raise located(refusal, entry.at) from None
    return _Planned(entry, type, match.id if match else "")


class _Plan:
    """Which resource each entry will write, so that links can lead there before it is written.

    Attributes:
        places: where a link to an entry's address will lead.
    """

    def __init__(self, work: Overlay, deleted: Iterable[_Planned]) -> None:
        self.places: dict[str, str] = {}
        self._work = work
        self._changed = {(each.type, each.id) for each in deleted if each.id}
        self._conditions: dict[tuple[str, str], str] = {}

    def add(self, entry: Entry) -> _Planned:
        """The entry with the id of what it will write.

        Raises:
            Refusal: 400, two entries change one resource; as the search of a condition.
        """
        request = entry.request
        try:
            if request.method == "POST" and len(request.path) == 1:
                planned = self._creation(entry, request.path[0])
            elif request.method in ("PUT", "PATCH") and request.path:
                planned = self._change(entry, request.path[0])
            else:
                return _Planned(entry)
        except Refusal as refusal:
            raise located(refusal, entry.at) from None
        self._note_place(planned)
        return planned

    def _creation(self, entry: Entry, type: str) -> _Planned:
        condition = entry.request.headers.get("if-none-exist")
        if condition is None:
            return self._new(entry, type)
        existing = search.only_match(self._work, type, condition)
        if existing is not None:
            return _Planned(entry, type, existing.id)
        if (type, condition) in self._conditions:
            return _Planned(entry, type, self._conditions[type, condition])
        planned = self._new(entry, type)
        self._conditions[type, condition] = planned.id
        return planned

    def _new(self, entry: Entry, type: str) -> _Planned:
        id = self._work.new_id(type)
        return _Planned(entry._replace(request=entry.request._replace(new_id=id)), type, id)

    def _change(self, entry: Entry, type: str) -> _Planned:
        request = entry.request
        planned = _Planned(entry, type, request.path[1] if len(request.path) == 2 else "")
        if not planned.id and request.query:
            match = search.only_match(self._work, type, request.query)
            if match is not None:
                planned = planned._replace(id=match.id)
            elif request.method == "PUT":
                own = _own_id(request)
                planned = planned._replace(id=own) if own else self._new(entry, type)
                self._refuse_twice(f"?{request.query}", type)
        if planned.id:
            self._refuse_twice(planned.id, type)
        return planned

    def _refuse_twice(self, id: str, type: str) -> None:
        if (type, id) in self._changed:
            raise Refusal(400, "invalid", f"{type}{'' if id[0] == '?' else '/'}{id} is changed "
                          "twice in one transaction.")  # fmt: skip
        self._changed.add((type, id))

    def _note_place(self, planned: _Planned) -> None:
        full_url, place = planned.entry.full_url, f"{planned.type}/{planned.id}"
        if not planned.id or not full_url or full_url == place:
            return
        self.places[full_url] = place
        temporary = "/".join(full_url.split("/")[-2:])
        if "://" in full_url and temporary.startswith(f"{planned.type}/") and temporary != place:
            self.places[temporary] = place


def _own_id(request: Request) -> str:
    try:
        return msgspec.json.decode(request.body or b"{}", type=_OwnId).id  # type: ignore[arg-type]
    except msgspec.MsgspecError:
        return ""


def _carried_out(
    work: Overlay, planned: _Planned, goals: Mapping[str, str], answer: Answer
) -> Response:
    entry = planned.entry
    try:
        body = _linked(entry.request.body, goals)
        response = answer(work, entry.request._replace(body=body))
        place = f"{planned.type}/{planned.id}"
        if planned.id and f"/{place}/" not in response.headers.get("Location", f"/{place}/"):
            raise Refusal(412, "conflict", "What its condition finds depends on what other entries "
                          "of the transaction write; send them in two.")  # fmt: skip
        _refuse_lost_urns(work, planned, response)
        return response
    except Refusal as refusal:
        raise located(refusal, entry.at) from None


def _refuse_lost_urns(work: Overlay, planned: _Planned, response: Response) -> None:
    """Raise a 422 :class:`Refusal` if what was written refers to the address of no entry."""
    method = planned.entry.request.method
    if not planned.id or not (method == "PUT" or (method == "POST" and response.status == 201)):
        return
    record = work.get(planned.type, planned.id)
    issues = lost_urns(record.resource) if record is not None and b'"urn:' in record.data else []
    if issues:
        raise Refusal.of(422, issues)


def _linked(body: object, goals: Mapping[str, str]) -> bytes | None:
    """The JSON text with every link that has a goal leading there."""
    if not isinstance(body, bytes) or not goals:
        return body  # type: ignore[return-value]

    def change(kind: Kind, text: str) -> str:
        if kind == "narrative":
            return narrative_links(text, lambda link: goals.get(link, link))
        return goals.get(text, text)

    return change_links(body, change)


def _conditional_goals(
    work: Overlay, writes: list[_Planned], places: Mapping[str, str], answer: Answer
) -> dict[str, str]:
    """Where each conditional reference leads once everything is written, found by a trial."""
    wanted: dict[str, int] = {}
    for each in writes:
        for text in _conditional_references(each.entry.request.body):
            wanted.setdefault(text, each.entry.at)
    if not wanted:
        return {}
    trial = work.fork()
    trial.policy = work.policy
    stand_ins = {text: _stand_in(trial, text) for text in wanted}
    for each in writes:
        _carried_out(trial, each, {**places, **stand_ins}, answer)
    return {text: _met(trial, text, at) for text, at in wanted.items()}


def _stand_in(trial: Overlay, text: str) -> str:
    """Where a conditional reference leads until it is found out: nowhere, but of its type."""
    type = text.partition("?")[0]
    return f"{type}/{trial.new_id(type)}"


def _conditional_references(body: object) -> list[str]:
    if not isinstance(body, bytes) or not _MAY_BE_CONDITIONAL.search(body):
        return []
    found: list[str] = []

    def note(kind: Kind, text: str) -> str:
        if kind == "reference" and _CONDITIONAL.fullmatch(text):
            found.append(text)
        return text

    change_links(body, note)
    return found


def _met(trial: Overlay, text: str, at: int) -> str:
    type, _, query = text.partition("?")
    try:
        match = search.only_match(trial, type, query)
        if match is None:
            raise Refusal(412, "not-found",
                          f"No resource matches the conditional reference '{text}'.")  # fmt: skip
    except Refusal as refusal:
        raise located(refusal, at) from None
    return f"{type}/{match.id}"


def _refuse_broken(work: Overlay, changes: Iterable[_Planned]) -> None:
    for each in changes:
        record = work.get(each.type, each.id) if each.id else None
        try:
            if record is not None:
                refuse_broken_references(work, record.resource)
            elif each.id and each.entry.request.method == "DELETE":
                refuse_if_referred_to(work, each.type, each.id)
        except Refusal as refusal:
            raise located(refusal, each.entry.at) from None
