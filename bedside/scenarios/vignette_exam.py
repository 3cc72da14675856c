"""What examinations and tests of a vignette show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bedside.scenarios.case import Finding, Test, Truth
from bedside.scenarios.leaks import mask
from bedside.scenarios.vignette_text import paths, readable

__all__ = ["findings", "tests"]

Json = dict[str, Any]

_BODY = {
    "abdominal": "abdomen belly stomach", "cardiac": "heart", "cardiovascular": "heart pulses",
    "cardiopulmonary": "heart lungs chest", "respiratory": "lungs chest breathing",
    "pulmonary": "lungs chest", "lung": "lungs chest", "neurological": "neuro nerves reflexes",
    "neurologic": "neuro nerves reflexes", "vital": "vitals temperature pulse blood pressure",
    "ent": "ear nose throat", "oral": "mouth throat", "ophthalmic": "eye eyes",
    "ophthalmologic": "eye eyes", "eye": "eyes", "musculoskeletal": "joints limbs",
    "dermatological": "skin", "genitourinary": "genitals genital", "pelvic": "pelvis vaginal",
    "extremity": "extremities limbs legs arms", "extremities": "limbs legs arms",
    "general": "appearance", "mental": "psychiatric", "obstetric": "uterus fetus",
}  # fmt: skip


def findings(value: Any, truth: Truth) -> tuple[Finding, ...]:
    """One finding a section of the physical examination, without the diagnosis."""
    sections = value if isinstance(value, dict) else {"Physical_Examination": value}
    found = [(_title(key), readable(item), _key_words(key, item)) for key, item in sections.items()]
    return tuple(
        Finding(
            id=f"e{number:03d}",
            name=_masked_name(name, truth, "Examination"),
            text=mask(text, truth),
            terms=tuple(
                dict.fromkeys([*words, *(w for k in words for w in _BODY.get(k, "").split())])
            ),
        )
        for number, (name, text, words) in enumerate((f for f in found if f[1]), start=1)
    )


_GROUP = re.compile(
    r"^(?:(?:imaging|radiology|lab|labs|laboratory|other|additional|special"
    r"|diagnostic|and|tests?|testing|results?|studies|investigations?)[_\s-]*)+$",
    re.I,
)
_PART = re.compile(r"finding|comment|result|interpretation|impression|optional|description", re.I)
_TURNAROUND = (
    (re.compile(r"biops|histolog|patholog|cytolog|cultur|genetic|marrow|karyo|pcr\b", re.I), 1440),
    (re.compile(r"imag|x-?\s?ray|radiograph|\bct\b|\bmri\b|\bmra\b|ultraso|sonogra|tomogra|scan"
                r"|angiogra|enema|mammogra|scopy|echocardio|doppler|swallow", re.I), 60),
)  # fmt: skip


def tests(value: Any, truth: Truth) -> tuple[Test, ...]:
    """One test a named result; groups such as "Imaging" give one an entry."""
    groups = value if isinstance(value, dict) else {"Tests": value}
    named = [(name, item) for name, item in _ungrouped(groups) if readable(item)]
    return tuple(
        Test(
            id=f"t{number:03d}",
            name=_masked_name(_title(name), truth, "Test"),
            text=readable(item),
            minutes=next((m for kind, m in _TURNAROUND if kind.search(_title(name))), 45),
            terms=_key_words(name, item),
        )
        for number, (name, item) in enumerate(named, start=1)
    )


def _ungrouped(groups: Json) -> Iterator[tuple[str, Any]]:
    for name, item in groups.items():
        if _GROUP.match(name) and isinstance(item, dict) and not any(map(_PART.search, item)):
            yield from _ungrouped(item)
        else:
            yield name, item


def _title(key: str) -> str:
    text = " ".join(key.replace("_", " ").split())
    words = [w if w[1:] != w[1:].lower() else w.lower() for w in text.split()]
    return (text[:1].upper() + " ".join(words)[1:]) or "Examination"


def _masked_name(name: str, truth: Truth, instead: str) -> str:
    masked = " ".join(mask(name, truth, "").split()).strip(" -,")
    return masked if re.search(r"\w", masked) else instead


_EMPTY = "examination exam findings finding test tests results result of and the in for with"
_EMPTY_WORDS = frozenset(_EMPTY.split())


def _key_words(key: str, value: Any) -> tuple[str, ...]:
    keys = " ".join([key, *(k for path, _ in paths(value) for k in path)])
    words = re.findall(r"[a-z0-9][a-z0-9-]*", keys.replace("_", " ").lower())
    return tuple(dict.fromkeys(w for w in words if len(w) > 1 and w not in _EMPTY_WORDS))
