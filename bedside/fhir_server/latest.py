"""What ``$lastn`` does with Observations: groups them by code, and takes the latest of a group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.parameters import Param
from bedside.fhir_server.population import Record

__all__ = ["by_code", "latest"]


def by_code(observations: Iterable[Record]) -> list[list[Record]]:
    """Observations in groups, in their order: a group is all that codings in common connect.

    A code without a coding is known by its text.
    """
    listed = list(observations)
    leader: dict[str, str] = {}
    for record in listed:
        first, *more = _codes_of(record.resource)
        for code in more:
            leader[_led_by(leader, code)] = _led_by(leader, first)
    groups: dict[str, list[Record]] = {}
    for record in listed:
        code = _led_by(leader, _codes_of(record.resource)[0])
        groups.setdefault(code, []).append(record)
    return list(groups.values())


def latest(observations: Sequence[Record], most: int, date: Param) -> Sequence[Record]:
    """The first of some Observations, latest first, and those of the same time as the last."""
    taken = list(observations[:most])
    time = _time(taken[-1], date)
    if time is None:
        return taken
    for record in observations[most:]:
        if _time(record, date) != time:
            break
        taken.append(record)
    return taken


def _time(observation: Record, date: Param) -> int | None:
    """What a search sorts an Observation by, latest first."""
    return max((value.low for value in observation.values(date)), default=None)


def _led_by(leader: dict[str, str], code: str) -> str:
    while leader.get(code, code) != code:
        code = leader[code]
    return code


def _codes_of(observation: Json) -> list[str]:
    """The codings of an Observation's code, else its text."""
    code = observation.get("code", {})
    codings = [
        f"{coding.get('system', '')}|{coding['code']}"
        for coding in code.get("coding", ())
        if "code" in coding
    ]
    return codings or [f"text {code.get('text', '')}"]
