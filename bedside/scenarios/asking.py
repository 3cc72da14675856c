"""The words that ask for each fact of a case, worked out together so that the facts do not compete
for questions that one of them answers better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bedside.scenarios.clauses import Clause
from bedside.scenarios.synonyms import (
    concepts,
    is_alone,
    is_detail,
    kind_of,
    narrower,
    own_words,
    part_of,
    terms,
)

__all__ = ["Asked", "asked_for"]

_LONG = 3
"""Letters a word of the clause needs to ask for it alone."""


@dataclass(frozen=True)
class Asked:
    """How a fact is asked for.

    Attributes:
        code: the concept it is about; empty if it names none that is known.
        terms: words in a question that ask for it, lowercase.
    """

    code: str
    terms: tuple[str, ...]


def asked_for(clauses: Sequence[Clause]) -> list[Asked]:
    """How each clause of a case is asked for, in their order.

    A clause is asked for by all ways to name its concepts, and by the general names of wider ones
    ("urinary symptoms" for pain on passing water); one that denies something is also asked for by
    the narrower ones. Each only unless another clause is about that very thing. "The pain is
    sharp" is not asked for by "pain" where another clause says what hurts.
    """
    named = [concepts(clause.text) for clause in clauses]
    owned = {concept for group in named for concept in group}
    placed = {concept.partition("-")[0] for concept in owned if "-" in concept}
    return [
        _asked(clause, tuple(one for one in group if not (is_alone(one) and one in placed)), owned)
        for clause, group in zip(clauses, named, strict=True)
    ]


def _asked(clause: Clause, named: tuple[str, ...], owned: set[str]) -> Asked:
    code = next((one for one in named if not is_detail(one)), "")
    if not named:
        return Asked(code, tuple(w for w in own_words(clause.text) if len(w) >= _LONG))
    found = [term for concept in named for term in terms(concept)]
    above = [other for one in named for other in part_of(one) if other not in owned]
    found += [term for concept in above for term in terms(concept, brief=True)]
    kinds = [other for one in named for other in kind_of(one) if other not in owned]
    found += [term for concept in kinds for term in terms(concept)]
    if not clause.present:
        below = [other for one in named for other in narrower(one) if other not in owned]
        found += [term for concept in below for term in _ways_below(concept)]
    return Asked(code, tuple(dict.fromkeys(found)))


def _ways_below(concept: str) -> tuple[str, ...]:
    """All ways to name an idiom, the most usual ones to name a quality of a part of the body."""
    return terms(concept, brief="-" in concept)
