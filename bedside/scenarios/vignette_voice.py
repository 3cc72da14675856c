"""Findings of a record, put into the patient's mouth where that can be done by rule."""

from __future__ import annotations

import re

from bedside.scenarios.synonyms import concepts, is_quality

__all__ = ["in_words_of_patient", "parts_of_statement"]

_PARTICIPLE = re.compile(r"\b(?:used|increased|decreased|associated|located)\b", re.I)
_AND = re.compile(r"\s*,\s*(?:and\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?|\s+as well as\s+", re.I)
_VERB = re.compile(
    r"\b(?:is|are|was|were|am|be|been|has|have|had|having|do|does|did|can|could|may|might|will"
    r"|would|feels?|felt|started|began|begins|notes|noticed|reports?|says|said|states?|stated"
    r"|denies|complains?|presents?|presented|developed|increased|decreased|worsened|worsens"
    r"|improved|lasts?|lasted|occurs?|occurred|radiates|takes?|took|smokes|drinks|lives|works"
    r"|came|comes|went|goes|got|gets|became|becomes|lost|gained|fell|died|diagnosed|describes?"
    r"|experiences?|experienced|appeared|stopped|tried|uses|missed|seems?|makes?|made"
    r"|accompanied|associated|preceded|followed|relieved|aggravated|triggered|progressed|located"
    r"|sees|saw|finds|found|needs|wants|eats|ate|sleeps|wakes|woke|cannot|can't|mentions?"
    r"|thinks?|believes?|recalls?|remembers?|happened|vomited|coughed|traveled|travelled)\b",
    re.I,
)
_BARE_VERB = re.compile(
    r"^((?:\w+ly |also |now )?)(has|had|comes|feels|gets|takes|notices|experiences|complains"
    r"|lost|gained|felt|noticed|experienced|developed|develops|started|found|took|tried|vomited|complained"
    r"|presented|presents|became|visits|wakes|sees|used to)\b(?=\s)",
    re.I,
)
_NO_NOUN = re.compile(
    r"(?:\w+\s+)?(?:i|my|since|for|after|when|now|then|not|very|too|on|in|at|it|this)\b"
    r"|(?:the|they|he|she|his|her|to|of|from|over|under|upon|despite|during|even|although|though"
    r"|which|who|that|but|until|while|as|because|with|without|severity|no|all|there|these|those"
    r"|\w+(?:ing|ly))\b|(?:\w+ed|brought|given|seen)\s+(?:by|as|to|with|in|on|from|after|for)\b"
    r"|productive\s+of\b",
    re.I,
)
_STATE = re.compile(
    r"(?:(?:always|very|so|also|generally|easily|often)\s+)?(?:weak|tired|fatigued|exhausted|dizzy|nauseous"
    r"|nauseated|thirsty|hungry|obese|overweight|pregnant|unable|irritable|anxious|depressed|confused"
    r"|sleepy|drowsy|constipated|sexually active|healthy|homosexual|bedridden|diabetic|hypertensive"
    r"|married|single|unwell|pale|jaundiced|allergic|breathless|lethargic|known to)"
    r"(?=$|,|\s+(?:in|with|all|for|since|after|about|to|of|and|or|during|at|on|when|by|most|but)\b)",
    re.I,
)
_HABITS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"^(?:{pattern})$", re.I), said)
    for pattern, said in (
        (r"smoking|tobacco(?: use)?|smoking history|history of smoking", "I do not smoke."),
        (r"alcohol(?: \w+)?", "I do not drink alcohol."),
        (r"(?:illicit |illegal )?drug (?:use|abuse)|illicit drugs", "I do not use drugs."),
        (r"(?:known )?(?:history of )?(?:allergy|allergies)", "I have no known allergies."),
    )
)
_AM_NOT = re.compile(
    r"^not\s+(?=pregnant|(?:an?\s)?(?:smoker|drinker|alcoholic)|alcoholic|overweight|obese|diabetic"
    r"|hypertensive|sexually|breast-?feeding|taking|on\s|using|drinking|smoking|married|allergic"
    r"|vaccinated|immuni[sz]ed)",
    re.I,
)
_ABOUT_THE_PAST = re.compile(
    r"^(?:recent|previous|prior|past|new|introduction|similar|contact|exposure)\b", re.I
)


def in_words_of_patient(text: str, *, present: bool, history: bool = False) -> str:
    """A bare finding as the patient says it; a sentence with a verb stays as it is.

    Args:
        text: "Shortness of breath", "No cough", "Hypertension".
        present: whether the patient has it.
        history: it is an illness the patient has had.
    """
    plain = text.strip().rstrip(".")
    if not present:
        return _denied(plain)
    bare = _BARE_VERB.match(plain)
    if bare:
        return _sentence(f"I {_small(bare[1])}{_first_person(bare[2])}{plain[bare.end() :]}")
    if _VERB.search(plain) or _NO_NOUN.match(plain) or not concepts(plain):
        return _sentence(plain)
    plain = _small(plain)
    if _STATE.match(plain):
        return f"I am {plain}."
    if history and not re.search(r"history", plain, re.I):
        return f"I have a history of {plain}."
    plain = re.sub(r"^(?:a\s+)?(?:past |medical )*history", "a history", plain, flags=re.I)
    return f"I have {plain}."


def parts_of_statement(text: str) -> list[str]:
    """A statement with several findings as one statement each, where each stands by itself.

    "I have fever and developed a cough" is two; "pain and swelling of the knee" stays one, as
    the place belongs to both.
    """
    plain = text.strip().rstrip(".")
    pieces = [one.strip() for one in _AND.split(plain) if one.strip()]
    if len(pieces) < 2 or not all(_stands_alone(piece) for piece in pieces):
        return [text]
    mine = bool(re.match(r"(?:\w+ ){0,4}I\b", pieces[0]) or _BARE_VERB.match(pieces[0]))
    if not mine and any(_VERB.match(re.sub(r"^\w+ly\s+", "", one)) for one in pieces[1:]):
        return [text]
    return [_continued(piece) for piece in pieces]


def _stands_alone(piece: str) -> bool:
    named = concepts(piece)
    return bool(named) and not any(is_quality(one) and "-" not in one for one in named)


def _continued(piece: str) -> str:
    if re.match(r"(?:i|my|the|this|it|he|she)\b", piece, re.I):
        return _sentence(piece)
    if _BARE_VERB.match(piece):
        return in_words_of_patient(piece, present=True)
    if _VERB.match(re.sub(r"^\w+ly\s+", "", piece)):
        return f"I {_small(piece)}."
    return in_words_of_patient(piece, present=True)


def _first_person(verb: str) -> str:
    if verb.lower() in ("has", "have"):
        return "have"
    return verb.removesuffix("s").lower()


def _denied(plain: str) -> str:
    no = re.match(r"no\s+", plain, re.I)
    if not no:
        return _sentence(_AM_NOT.sub("I am not ", plain))
    rest = plain[no.end() :]
    if _VERB.search(_PARTICIPLE.sub("", rest)):
        return _sentence(plain)
    for pattern, said in _HABITS:
        if pattern.match(rest):
            return said
    have = "I have had no" if _ABOUT_THE_PAST.match(rest) else "I have no"
    return f"{have} {_small(rest)}."


def _small(text: str) -> str:
    """Without a capital letter at the beginning, unless it is an abbreviation's."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
