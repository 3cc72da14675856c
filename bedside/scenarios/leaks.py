"""The leak check: whether a text the doctor sees, or the patient says, gives the diagnosis away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bedside.scenarios.case import Case, Truth
from bedside.scenarios.names import forms, short_forms

__all__ = ["NOT_SPECIFIC", "STEM", "Hit", "case_report", "hints", "leaks", "mask", "stems"]

STEM = 6
"""Letters two words share at their beginning to count as the same word in another form."""

_GENERAL = """
abnormal abnormality abscess active acute adult advanced agent allergic allergies allergy anterior
associated attack bacterial benign bilateral bleed bleeding borderline cause caused childhood
chronic classical classified complete complicated complication complications condition congenital
deficiency degree developmental diffuse disease diseases disorder disorders disseminated distal due
early elevated elsewhere episode episodes essential event exacerbation external factor factors
failure fifth first flare flares functional general generalised generalized hereditary high history
idiopathic increased infant infantile infants infection infections infectious infective inferior
inflammation inflammatory inherited injury insertion insufficiency internal isolated late lateral
left lesion lesions level local localised localized loss lower malignancies malignancy malignant
medial mention mild mixed moderate multiple neonatal newborn nodular nonspecific normal obstruction
onset organism other part partial patient persistent personality point position positive posterior
presence present primary process progress progression progressive proximal pure rapid reaction
reactions reactive reactivity recurrent related response right second secondary severe severity
significant simple single site situation situations sixth specified spontaneous stage state status
subacute subtype superior symptom symptoms syndrome syndromes system systems therapy total toxic
transient type types unilateral unspecified upper viral virus with without
"""
_ANATOMY = """
abdomen abdominal anal ankle aorta aortic arm arterial artery atrial back bladder blood bone bowel
brain breast bronchial cardiac cell cells cerebral cervical chest colon corneal cranial dental
duodenal ear elbow esophageal esophagus eye eyelid eyelids face facial femoral femur finger fingers
flexor foot gastric genital genitourinary gum gums hand head heart hepatic hip intestinal intestine
joint kidney knee large leg limb limbs lip liver lumbar lung lungs lymph lymphatic lymphocyte
lymphocytes mesenteric mitral mouth muscle muscles musculoskeletal nasal nail nails toenail toenails
fingernail fingernails neck nerve nerves nervous neurologic neurological nose optic oral ovarian
ovary pancreas pelvic pelvis penile penis platelet platelets pulmonary rectal rectum renal
respiration respirations respiratory retinal scalp scrotal septal shoulder skin small spinal spine
stomach tendon tendons testicular testis thoracic throat thyroid tibia tibial toe tongue tonsil
teeth tooth trachea tubular urethral urinary uterine uterus vagina vaginal valve vascular vein veins
venous ventricular vessel vision visual wrist
"""
_COMPLAINTS = """
ache breath breathing cough cramp cramps diarrhea diarrhoea discomfort distress dizziness fatigue
fever headache headaches itch itching loss nausea pain painful rash sensitive sensitivity sore sores
swelling swollen tender tenderness vomiting weak weakness
"""
_COMPLAINT_WORDS = frozenset(_COMPLAINTS.split())
NOT_SPECIFIC: frozenset[str] = _COMPLAINT_WORDS.union(_GENERAL.split(), _ANATOMY.split())
"""Words that do not give a diagnosis away by themselves: general medical words, anatomy, and
complaints patients bring, all lowercase. A name made of nothing else leaks only as a whole."""

_TWO_SLIPS = 8
"""Letters of a word from which on two slips are looked through."""
_ROMAN = frozenset({"II", "III", "IV", "VI", "VII", "VIII", "IX", "XI", "XII"})
_ORGANS = {
    name: group
    for group in (("hepatic", "liver"), ("renal", "kidney"), ("cardiac", "heart"))
    for name in group
}
_ARTICLE = re.compile(r"\b(?:the|an?)\s+$", re.I)
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")


@dataclass(frozen=True)
class Hit:
    """A word that gives the diagnosis away.

    Attributes:
        where: the field, for example ``findings[2].text``.
        word: the word or words as they stand there.
        allowed: True in the result of a test, which the doctor has to order first.
    """

    where: str
    word: str
    allowed: bool


def stems(truth: Truth) -> frozenset[str]:
    """What gives a diagnosis away: beginnings of 6 letters, short words and whole phrases in
    lowercase, abbreviations in capitals."""
    return _stems(truth.diagnosis, truth.synonyms)


def leaks(text: str, truth: Truth) -> list[str]:
    """The words of a text that give the diagnosis away, as they stand there, in order."""
    return [match.group() for match in _hits(text, truth.diagnosis, truth.synonyms)]


def mask(text: str, truth: Truth, neutral: str = "the condition") -> str:
    """The text with every word that gives the diagnosis away replaced by a neutral one."""
    parts: list[str] = []
    end = 0
    for match in _hits(text, truth.diagnosis, truth.synonyms):
        between = text[end : match.start()]
        if not parts or between.strip(" -(),/'\u2019s"):
            parts += [_ARTICLE.sub("", between) if neutral else between, neutral]
        end = match.end()
    return "".join(parts) + text[end:]


def case_report(case: Case) -> list[Hit]:
    """Every place of a case where the diagnosis can be read, except the truth and the checks."""
    return [
        Hit(where, word, allowed=re.fullmatch(r"tests\[\d+\]\.text", where) is not None)
        for where, text in _visible(case)
        for word in leaks(text, case.truth)
    ]


def _visible(case: Case) -> Iterator[tuple[str, str]]:
    yield from (("id", case.id), ("patient_id", case.patient_id), ("task", case.task))
    yield from (("person.name", case.person.name), ("person.occupation", case.person.occupation))
    for name in ("facts", "findings", "tests", "photos"):
        for number, item in enumerate(getattr(case, name)):
            for field in ("id", "name", "text", "path"):
                if hasattr(item, field):
                    yield f"{name}[{number}].{field}", getattr(item, field)
    for number, resource in enumerate(case.chart):
        yield from _strings(f"chart[{number}]", resource)


def _strings(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(f"{where}.{key}", item)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _strings(f"{where}[{number}]", item)


def _hits(text: str, diagnosis: str, synonyms: tuple[str, ...]) -> Iterator[re.Match[str]]:
    for match in _pattern(diagnosis, synonyms).finditer(text):
        if match.lastgroup != "stem" or match.group().lower() not in NOT_SPECIFIC:
            yield match


@lru_cache(maxsize=4_096)
def _stems(diagnosis: str, synonyms: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for name in (diagnosis, *synonyms):
        shorts = short_forms(name)
        found.update(short.upper() for short in shorts)
        for form in forms(name):
            if form not in shorts:
                found |= _stems_of(_WORD.findall(form))
    return frozenset(found - {""})


def _stems_of(words: list[str]) -> set[str]:
    found: set[str] = set()
    if not all(word.isupper() for word in words):
        found |= {w for w in words if len(w) > 1 and w.isupper() and w not in _ROMAN}
    lower = [word.lower() for word in words]
    specific = [word for word in lower if len(word) > 3 and word not in NOT_SPECIFIC]
    found |= {word[:STEM] for word in specific}
    if not specific:
        found.add(" ".join(lower))
    return found | _ending(lower)


def _ending(words: list[str]) -> set[str]:
    """The general words a name ends with, as "hepatic failure", unless they are a complaint."""
    first = len(words)
    while first and words[first - 1] in NOT_SPECIFIC:
        first -= 1
    ending = words[first:]
    if len(ending) < 2 or not _COMPLAINT_WORDS.isdisjoint(ending):
        return set()
    return {" ".join(ending)}


@lru_cache(maxsize=4_096)
def _pattern(diagnosis: str, synonyms: tuple[str, ...]) -> re.Pattern[str]:
    begun, whole, capitals = [], [], []
    for stem in sorted(_stems(diagnosis, synonyms)):
        if stem.isupper():
            capitals.append(re.escape(stem))
        elif " " not in stem and len(stem) == STEM:
            begun.append(_either_spelling(stem))
        else:
            whole.append(r"[\s-]+".join(map(_either_name, stem.split())) + "s?")
    groups = [
        rf"(?P<whole>\b(?i:{'|'.join(whole)})\b)" if whole else "",
        rf"(?P<stem>\b(?i:{'|'.join(begun)})\w*)" if begun else "",
        rf"(?P<short>\b(?:{'|'.join(capitals)})s?\b)" if capitals else "",
    ]
    return re.compile("|".join(filter(None, groups)) or r"(?!)")


def _either_name(word: str) -> str:
    """A word of a phrase, or the other name of the organ."""
    names = _ORGANS.get(word, (word,))
    return f"(?:{'|'.join(map(_either_spelling, names))})"


def _either_spelling(word: str) -> str:
    """British and American spelling of a word: "hemorr" also finds "haemorrhage"."""
    return re.sub(r"[ao]?e", "[ao]?e", re.escape(word))


def hints(text: str, truth: Truth) -> list[str]:
    """As :func:`leaks`, and longer words that are one or two slips from a word of a name."""
    from rapidfuzz.distance import OSA

    found = leaks(text, truth)
    names = _long_words((truth.diagnosis, *truth.synonyms))
    for word in _WORD.findall(text):
        low = word.lower()
        if low not in NOT_SPECIFIC and low not in found:
            slips = 1 if len(low) < _TWO_SLIPS else 2
            if any(0 < OSA.distance(low, name, score_cutoff=slips) <= slips for name in names):
                found.append(word)
    return found


@lru_cache(maxsize=4_096)
def _long_words(names: tuple[str, ...]) -> frozenset[str]:
    words = (word.lower() for name in names for word in _WORD.findall(name))
    return frozenset(w for w in words if len(w) >= STEM and w not in NOT_SPECIFIC)
