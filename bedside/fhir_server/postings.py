"""Postings over what a chart wrote: which resources have, or once had, a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bedside.fhir_server.parameters import Param
from bedside.fhir_server.values import Key

if TYPE_CHECKING:
    from bedside.fhir_server.clauses import Clause
    from bedside.fhir_server.overlay import Version

__all__ = ["Postings"]


class Postings:
    """For each token or reference parameter asked about, the ids under each of its keys.

    Postings only grow, as the log of versions does: a resource that has lost a key, or is deleted,
    is still found, and whoever asks tests it. After an undo they are of no use.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, Param], int] = {}
        self._ids: dict[tuple[str, Param], dict[Key, dict[str, int]]] = {}
        self._first: dict[tuple[str, str], int] = {}

    def candidates(
        self, type: str, clauses: Iterable[Clause], log: Sequence[Version]
    ) -> list[str] | None:
        """The ids of a type among which those are that meet every clause.

        Returns:
            The ids in the order in which each was first written; None where no key is asked for.
        """
        found = [self._having(type, each, log) for each in clauses if each.keys]
        if not found:
            return None
        fewest = min(found, key=len)
        return sorted(fewest, key=fewest.__getitem__)

    def _having(self, type: str, clause: Clause, log: Sequence[Version]) -> dict[str, int]:
        ids = self._of(type, clause.param, log)
        if len(clause.keys) == 1:
            return ids.get(clause.keys[0], {})
        return {id: place for key in clause.keys for id, place in ids.get(key, {}).items()}

    def _of(self, type: str, param: Param, log: Sequence[Version]) -> dict[Key, dict[str, int]]:
        """The postings of a parameter, after reading what was written since."""
        ids = self._ids.setdefault((type, param), {})
        for place in range(self._read.get((type, param), 0), len(log)):
            version = log[place]
            if version.type == type:
                first = self._first.setdefault((type, version.id), place)
                for key in version.record.values(param) if version.record else ():
                    ids.setdefault(key, {})[version.id] = first
        self._read[type, param] = len(log)
        return ids
