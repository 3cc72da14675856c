"""The bipartite graph of diagnoses and concepts, compiled to arrays for a fast interview."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from bedside.scenarios.knowledge import Concept, Knowledge

__all__ = ["SymptomGraph", "graph_of"]

Floats = NDArray[np.float64]

_LAPSE = 0.03
"""Chance that a patient's answer says nothing about the concept; no answer is ever certain."""
_WORD = re.compile(r"[a-z0-9']+")


class SymptomGraph:
    """What a set of diagnoses says about a set of concepts.

    Attributes:
        knowledge: the table this was compiled from.
        concepts: the concepts, in column order.
        start: log-probabilities of the diagnoses before anything is known, shape (D,).
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.concepts: tuple[Concept, ...] = knowledge.concepts
        probability = _LAPSE + (1 - 2 * _LAPSE) * _matrix(_bipartite(knowledge))
        self._present = np.ascontiguousarray(np.log(probability).T)
        self._absent = np.ascontiguousarray(np.log1p(-probability).T)
        self._stacked = np.hstack([probability, _entropy(probability)])
        self.start: Floats = np.full(len(knowledge.diagnoses), -np.log(len(knowledge.diagnoses)))
        self._phrases = _phrase_index(knowledge.concepts)

    def listen(self, text: str) -> dict[int, bool]:
        """The concepts named in a text, by column: True where it says that they are there.

        A phrase inside a longer one that was also said does not count on its own.
        """
        words = _WORD.findall(text.lower())
        line = f" {' '.join(words)} "
        said = [
            entry
            for word in dict.fromkeys(words)
            for entry in self._phrases.get(word, ())
            if entry[0] in line
        ]
        said.sort(key=lambda entry: (-len(entry[0]), entry[1]))
        heard: dict[int, bool] = {}
        accepted: list[str] = []
        for phrase, column, present in said:
            if column not in heard and not any(phrase in longer for longer in accepted):
                heard[column] = present
                accepted.append(phrase)
        return heard

    def update(self, belief: Floats, heard: dict[int, bool]) -> Floats:
        """Log-beliefs after what was heard, shape (D,); they need not be normalised."""
        for column, present in heard.items():
            belief = belief + (self._present if present else self._absent)[column]
        return belief

    def gains(self, belief: Floats) -> Floats:
        """Expected information of each concept about the diagnosis in nats, shape (C,)."""
        both = posterior(belief) @ self._stacked
        count = len(self.concepts)
        gains: Floats = _entropy(both[:count]) - both[count:]
        return gains


def posterior(belief: Floats) -> Floats:
    """Probabilities from log-beliefs, shape (D,)."""
    weights = np.exp(belief - belief.max())
    normalised: Floats = weights / weights.sum()
    return normalised


_GRAPHS: dict[int, tuple[weakref.ref[Knowledge], SymptomGraph]] = {}


def graph_of(knowledge: Knowledge) -> SymptomGraph:
    """The compiled graph, built once for as long as the knowledge is in use."""
    key = id(knowledge)
    found = _GRAPHS.get(key)
    if found is None or found[0]() is not knowledge:
        found = _GRAPHS[key] = (weakref.ref(knowledge), SymptomGraph(knowledge))
    return found[1]


def _bipartite(knowledge: Knowledge) -> nx.Graph:
    graph = nx.Graph()
    for row, diagnosis in enumerate(knowledge.diagnoses):
        graph.add_node(("diagnosis", row), bipartite=0, name=diagnosis.name)
        for column, concept in enumerate(knowledge.concepts):
            graph.add_node(("concept", column), bipartite=1, name=concept.id)
            probability = knowledge.probability(diagnosis, concept.id)
            graph.add_edge(("diagnosis", row), ("concept", column), probability=probability)
    return graph


def _matrix(graph: nx.Graph) -> Floats:
    """Probability of each concept (column) under each diagnosis (row)."""
    rows = sorted(node for node, side in graph.nodes(data="bipartite") if side == 0)
    columns = sorted(node for node, side in graph.nodes(data="bipartite") if side == 1)
    whole: Floats = nx.to_numpy_array(graph, nodelist=[*rows, *columns], weight="probability")
    return whole[: len(rows), len(rows) :]


def _entropy(probability: Floats) -> Floats:
    other = 1 - probability
    nats: Floats = -(probability * np.log(probability) + other * np.log(other))
    return nats


def _phrase_index(concepts: Iterable[Concept]) -> dict[str, list[tuple[str, int, bool]]]:
    """Every phrase under its rarest word, as (phrase between spaces, column, present)."""
    entries = [
        (_WORD.findall(phrase.lower()), column, present)
        for column, concept in enumerate(concepts)
        for present, phrases in ((True, concept.present), (False, concept.absent))
        for phrase in phrases
    ]
    frequency: dict[str, int] = {}
    for words, _, _ in entries:
        for word in words:
            frequency[word] = frequency.get(word, 0) + 1
    index: dict[str, list[tuple[str, int, bool]]] = {}
    for words, column, present in entries:
        if words:
            rarest = min(words, key=lambda word: frequency[word])
            index.setdefault(rarest, []).append((f" {' '.join(words)} ", column, present))
    return index
