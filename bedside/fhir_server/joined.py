"""Several sequences of resources as one, of which only what is asked for is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from bedside.fhir_server.population import Record

__all__ = ["Joined"]


class Joined(Sequence[Record]):
    """Some sequences, one after the other."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: Sequence[Record]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[Record]:
        for part in self._parts:
            yield from part

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, int):
            return self[place : place + 1 or None][0]
        low, high, step = place.indices(len(self))
        if step != 1:
            return list(self)[place]
        found: list[Record] = []
        for part in self._parts:
            found.extend(part[max(low, 0) : max(high, 0)])
            low, high = low - len(part), high - len(part)
        return found
