"""The bipartite graph of diagnoses and concepts, compiled to arrays for a fast interview."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Mapping
from functools import lru_cache

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from bedside.scenarios.knowledge import Concept, Knowledge

__all__ = ["SymptomGraph", "graph_of"]

Floats = NDArray[np.float64]

_LAPSE = 0.03
"""Chance that a patient's answer says nothing about the concept; no answer is ever certain."""
_WORD = re.compile(r"[a-z0-9']+")
_SENTENCES_KEPT = 16_384


class SymptomGraph:
    """What a set of diagnoses says about a set of concepts.

    Attributes:
        knowledge: the table this was compiled from.
        concepts: the concepts, in column order.
        regions: what can be examined, each with the columns of the signs it shows.
        probability: of each concept under each diagnosis, lapses included, shape (D, C).
        start: log-probabilities of the diagnoses before anything is known, shape (D,).
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.concepts: tuple[Concept, ...] = knowledge.concepts
        probability = _LAPSE + (1 - 2 * _LAPSE) * _matrix(_bipartite(knowledge))
        self.probability: Floats = probability
        self._present = list(np.ascontiguousarray(np.log(probability).T))
        self._absent = list(np.ascontiguousarray(np.log1p(-probability).T))
        self._stacked = np.hstack([probability, _entropy(probability)])
        self.start: Floats = np.full(len(knowledge.diagnoses), -np.log(len(knowledge.diagnoses)))
        self.regions: Mapping[str, tuple[int, ...]] = _regions(knowledge.concepts)
        self._region_names = tuple(self.regions)
        self._signs = np.zeros((len(self.regions), len(self.concepts)))
        for row, signs in enumerate(self.regions.values()):
            self._signs[row, signs] = 1
        self._symptoms = np.flatnonzero([concept.topic is not None for concept in self.concepts])
        self._phrases = _phrase_index(knowledge.concepts)
        self._hear = lru_cache(maxsize=_SENTENCES_KEPT)(self._concepts_in)

    def listen(self, text: str) -> dict[int, str | None]:
        """The concepts named in a text, by column: the sentence that affirms it, None for a denial.

        A phrase inside a longer one of the same sentence does not count on its own.
        """
        heard: dict[int, str | None] = {}
        for sentence in _sentences(text):
            if found := self._hear(sentence):
                heard.update(found)
        return heard

    def _concepts_in(self, sentence: str) -> dict[int, str | None]:
        words = _WORD.findall(sentence.lower())
        line = f" {' '.join(words)} "
        said = [
            entry
            for word in dict.fromkeys(words)
            for entry in self._phrases.get(word, ())
            if entry[0] in line
        ]
        said.sort(key=lambda entry: (-len(entry[0]), entry[1]))
        heard: dict[int, str | None] = {}
        accepted: list[str] = []
        for phrase, column, present in said:
            if column not in heard and not any(phrase in longer for longer in accepted):
                heard[column] = sentence if present else None
                accepted.append(phrase)
        return heard

    def update(self, belief: Floats, heard: Mapping[int, str | None]) -> Floats:
        """Log-beliefs after what :meth:`listen` heard, shape (D,); they need not be normalised."""
        belief = belief.copy()
        for column, sentence in heard.items():
            belief += (self._absent if sentence is None else self._present)[column]
        return belief

    def gains(self, weights: Floats) -> Floats:
        """Expected information of each concept about the diagnosis in nats, shape (C,).

        Args:
            weights: probabilities of the diagnoses, shape (D,).
        """
        both = weights @ self._stacked
        count = len(self.concepts)
        gains: Floats = _entropy(both[:count]) - both[count:]
        return gains

    def most_telling_region(self, gains: Floats) -> tuple[str, float]:
        """The region whose signs tell most together, and how much; empty if there is none."""
        if not self.regions:
            return "", 0.0
        worth = self._signs @ gains
        best = int(worth.argmax())
        return self._region_names[best], float(worth[best])

    def most_telling_symptoms(self, gains: Floats, count: int) -> tuple[list[int], float]:
        """The columns of that many symptoms that tell most, and how much they tell together."""
        best = self._symptoms[gains[self._symptoms].argsort()[::-1][:count]]
        return best.tolist(), float(gains[best].sum())


def posterior(belief: Floats) -> Floats:
    """Probabilities from log-beliefs, shape (D,)."""
    weights: Floats = np.exp(belief - np.logaddexp.reduce(belief))
    return weights


_GRAPHS: weakref.WeakKeyDictionary[Knowledge, SymptomGraph] = weakref.WeakKeyDictionary()


def graph_of(knowledge: Knowledge) -> SymptomGraph:
    """The compiled graph, built once for as long as the knowledge is in use."""
    found = _GRAPHS.get(knowledge)
    if found is None:
        found = _GRAPHS[knowledge] = SymptomGraph(knowledge)
    return found


def _sentences(text: str) -> list[str]:
    return text.replace("! ", ". ").replace("? ", ". ").replace("\n", ". ").split(". ")


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


def _regions(concepts: Iterable[Concept]) -> dict[str, tuple[int, ...]]:
    regions: dict[str, tuple[int, ...]] = {}
    for column, concept in enumerate(concepts):
        if concept.topic is None:
            regions[concept.question] = (*regions.get(concept.question, ()), column)
    return regions


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
