"""Names of diagnoses: when two of them mean the same, and what ICD-10-CM calls them."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from bedside.scenarios.case import Truth

__all__ = [
    "ICD_10_CM",
    "Verdict",
    "concept_is",
    "forms",
    "icd_terms",
    "judge",
    "normalise",
    "short_forms",
]

Verdict = Literal["right", "wrong", "needs_judge"]

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
"""The code system of diagnoses."""

_APOSTROPHES = {ord(mark): "'" for mark in "\u2019\u2018\u02bc\u0060\u00b4\u2032\uff07"}
_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_POSSESSIVE = re.compile(r"'s\b|'")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_HEDGE = re.compile(r"^(?:likely|probable|probably|suspected|presumed|presumptive)\s+", re.I)
_SHORT_FORM = re.compile(r"^(?=(?:.*[A-Z]){2})[A-Za-z][A-Za-z0-9-]{1,9}$")
_OTHER_NAME = re.compile(r"(?:disease|syndrome|disorder|itis|oma|osis|emia|pathy|algia|plasia)s?$")
_FILLER = frozenset({"a", "an", "the", "of", "nos", "unspecified"})
_NUMBERED = frozenset({"type", "stage", "grade", "class"})
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_SPELLINGS = (
    (re.compile(r"[ao]e"), "e"),
    (re.compile(r"our$"), "or"),
    (re.compile(r"([^aeiou])re$"), r"\1er"),
    (re.compile(r"sulph"), "sulf"),
    (re.compile(r"^leuc"), "leuk"),
    (re.compile(r"is(e[sd]?|ing|ation)$"), r"iz\1"),
)
_PLURALS = (
    (re.compile(r"(?<=[a-z]{2})ies$"), "y"),
    (re.compile(r"(ss|x|ch|sh|us)es$"), r"\1"),
    (re.compile(r"(?<=[a-z]{3})(?<!e)([aeoy])ses$"), r"\1sis"),
    (re.compile(r"(?<=[a-z]{3})(?<![siu])s$"), ""),
)
_OTHER = re.compile(r"\b(?:other|elsewhere)\b", re.I)
_LUMPED = re.compile(r"\b(?:and|or|unspecified)\b", re.I)
_EXTERNAL = frozenset("STVWXY")


@lru_cache(maxsize=65_536)
def normalise(text: str) -> str:
    """The name reduced to what carries its meaning; equal results mean equal names.

    Case, accents, punctuation, bracketed remarks, possessives, plurals and British spellings are
    levelled, and words such as "the" or "unspecified" are left out; the order of words stays.
    """
    plain = _BRACKETS.sub(" ", text.translate(_APOSTROPHES))
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.replace("æ", "ae").replace("œ", "oe"))
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = _NOT_WORD.sub(" ", _POSSESSIVE.sub("", plain.lower())).split()
    kept: list[str] = []
    for word in words:
        if word in _FILLER and not (word == "a" and len(words) < 3):
            continue
        if kept and kept[-1] in _NUMBERED and word in _ROMAN:
            kept.append(_ROMAN[word])
        else:
            kept.append(_level(word))
    return " ".join(kept)


@lru_cache(maxsize=65_536)
def _level(word: str) -> str:
    if len(word) < 4:
        return word
    for pattern, replacement in _PLURALS:
        word, changed = pattern.subn(replacement, word)
        if changed:
            break
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)
    return word


def short_forms(name: str) -> tuple[str, ...]:
    """Abbreviations in a name: "Progressive multifocal encephalopathy (PML)" gives "PML"."""
    parts = [_BRACKETS.sub(" ", name), *_BRACKETS.findall(name)]
    return tuple(part.strip() for part in parts if _SHORT_FORM.match(part.strip()))


def forms(name: str) -> tuple[str, ...]:
    """The names a name is made of, as written: the name without brackets, then each bracket that
    is an abbreviation of it or a name of its own. Never empty for a name that has a word."""
    main = " ".join(_BRACKETS.sub(" ", name).split())
    inner = [part.strip() for part in _BRACKETS.findall(name)]
    spelled_out = bool(_SHORT_FORM.match(main))
    named = [
        part
        for part in inner
        if _SHORT_FORM.match(part) or _OTHER_NAME.search(part.lower()) or (spelled_out and part)
    ]
    return tuple(dict.fromkeys(part for part in (main, *named) if normalise(part)))


def judge(name: str, code: str | None, truth: Truth, labels: tuple[str, ...] = ()) -> Verdict:
    """Whether a diagnosis given by a doctor is the true one.

    The name decides wherever it is understood, so that a name and a code that contradict each
    other are one answer, not two: the code speaks only when the name is in no list. A name is
    understood when it is a name of the truth, another label of the suite, a misspelling of the
    truth, or a term of ICD-10-CM, which is looked up last and then takes a few seconds once.

    Args:
        name: free text.
        code: ICD-10-CM code with or without its dot, or None.
        truth: what is right.
        labels: the suite's closed list of diagnoses; empty when the answer is open.

    Returns:
        ``"needs_judge"`` only in open suites, when rules cannot tell.
    """
    accepted = tuple(filter(None, (truth.code, *truth.accepted_codes)))
    return _judge(name, code, truth.diagnosis, truth.synonyms, accepted, labels)


def concept_is(concept: Any, truth: Truth) -> bool:
    """Whether a FHIR CodeableConcept means the true diagnosis, by the rules of :func:`judge`.

    Its text is the name; where it has none, the displays of its codings are. Codes of other
    systems than ICD-10-CM are not looked at.
    """
    if not isinstance(concept, dict):
        return False
    codings = concept.get("coding", [])
    displays = [coding["display"] for coding in codings if "display" in coding]
    names = [concept["text"]] if "text" in concept else displays
    codes = [coding.get("code") for coding in codings if coding.get("system") == ICD_10_CM]
    return any(
        judge(name, code, truth) == "right" for name in names or [""] for code in codes or [None]
    )


@lru_cache(maxsize=65_536)
def _judge(
    name: str,
    code: str | None,
    diagnosis: str,
    synonyms: tuple[str, ...],
    accepted: tuple[str, ...],
    labels: tuple[str, ...],
) -> Verdict:
    unknown: Verdict = "wrong" if labels else "needs_judge"
    right = _true_names(diagnosis, synonyms)
    given = normalise(_HEDGE.sub("", name.strip()))
    if given in right or _own_short_form(name, right):
        return "right"
    if given in _label_names(labels):
        return "wrong"
    if any(_misspelt(given, true) for true in right) and not _icd().knows(given, right):
        return "right"
    code_is_right = code is not None and _within(code, accepted)
    if not code_is_right and (labels or not accepted):
        return unknown
    entry = _icd().entries.get(given)
    if entry is None:
        return "right" if code_is_right else unknown
    return "right" if _within(entry.code, accepted) and not entry.lumps else unknown


@lru_cache(maxsize=4_096)
def _true_names(diagnosis: str, synonyms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(normalise(form) for name in (diagnosis, *synonyms) for form in forms(name))


@lru_cache(maxsize=64)
def _label_names(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(normalise(form) for label in labels for form in forms(label))


def _own_short_form(name: str, right: frozenset[str]) -> bool:
    """A bracketed abbreviation counts when it is made of the initials of the name before it."""
    if "(" not in name:
        return False
    initials = "".join(word[0] for word in normalise(name).split())
    return any(
        short.lower() == initials and normalise(short) in right for short in short_forms(name)
    )


def _within(code: str, accepted: tuple[str, ...]) -> bool:
    plain = _plain_code(code)
    return any(plain.startswith(_plain_code(category)) for category in accepted)


def _plain_code(code: str) -> str:
    return code.strip().upper().replace(".", "")


def _misspelt(given: str, true: str) -> bool:
    """Every word is the true one or close to it: 1 edit from 5 letters, 2 from 9, same initial."""
    given_words, true_words = given.split(), true.split()
    if len(given_words) != len(true_words) or abs(len(given) - len(true)) > 4:
        return False
    return all(
        word == other or _close(word, other)
        for word, other in zip(given_words, true_words, strict=True)
    )


def _close(word: str, other: str) -> bool:
    if len(other) < 5 or word[0] != other[0] or word.isdigit():
        return False
    from rapidfuzz.distance import OSA

    allowed = 2 if len(other) >= 9 else 1
    return OSA.distance(word, other, score_cutoff=allowed) <= allowed


class _Entry(NamedTuple):
    code: str
    term: str
    lumps: bool
    """True where the code gathers different diseases, so that sharing it means nothing."""


@dataclass(frozen=True)
class _Icd:
    entries: dict[str, _Entry]
    words: frozenset[str]

    def knows(self, given: str, right: frozenset[str]) -> bool:
        """The name, or a word that no true name has, is one of ICD-10-CM and so no misspelling."""
        ours = {word for name in right for word in name.split()}
        return given in self.entries or any(
            word in self.words for word in given.split() if word not in ours
        )


@cache
def _icd() -> _Icd:
    icd = _tabular_list()
    entries: dict[str, _Entry] = {}
    ranks: dict[str, tuple[bool, int]] = {}
    for code in _codes(icd.get_all_codes(True)):
        description = icd.get_description(code)
        other = _OTHER.search(description) is not None
        lumped = other or _LUMPED.search(description) is not None
        for number, term in enumerate((description, *icd.get_inclusion_term(code))):
            included = number > 0
            rank = included, len(code)
            for key in map(normalise, forms(term) if "[" in term else (term,)):
                if key and (key not in ranks or rank < ranks[key]):
                    ranks[key] = rank
                    entries[key] = _Entry(code, term, lumped if included else other)
    return _Icd(entries, frozenset(word for key in entries for word in key.split()))


def _codes(every: Iterable[str]) -> Iterator[str]:
    """Categories and subcategories; for injuries and their causes only down to 4 characters,
    since the rest says which side and which visit."""
    for code in every:
        longest = 5 if code[0] in _EXTERNAL else 6
        if "-" not in code and 3 <= len(code) <= longest:
            yield code


@cache
def _tabular_list() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import simple_icd_10_cm
    return simple_icd_10_cm


def icd_terms(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The ICD-10-CM code of a diagnosis and the terms that mean the same, or None.

    A description is preferred to an inclusion term, a broader code to a narrower one. Where the
    code gathers several diseases, only the matching term is given; a code for "other" diseases of
    a group is no code of this one. The first call in a process reads the tabular list, which
    takes about three seconds.
    """
    entry = next(filter(None, (_icd().entries.get(normalise(form)) for form in forms(name))), None)
    if entry is None:
        return None
    icd = _tabular_list()
    description = icd.get_description(entry.code)
    if _OTHER.search(description):
        return None
    if _LUMPED.search(description):
        return entry.code, (entry.term,)
    return entry.code, (description, *icd.get_inclusion_term(entry.code))
