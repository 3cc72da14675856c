"""Free text about a patient, taken apart into clauses: one thing each, told or denied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bedside.core.errors import CaseError

__all__ = ["MAX_CLAUSE", "Clause", "clauses"]

MAX_CLAUSE = 120
"""Longest clause in characters."""

Speaker = Literal["female", "male", "unknown"]


@dataclass(frozen=True)
class Clause:
    """One statement; `present` is False when the patient denies it."""

    text: str
    present: bool


_KIN = (
    "mother|father|parents?|wife|husband|partner|roommates?|caregivers?|family|brother|sister"
    "|son|daughter|friends?|guardian"
)
_WHO = (
    rf"(?:(?:(?:the|this|an?|his|her|their|my)\s+)?(?:patient|infant|child|baby|newborn|boy|girl|man"
    rf"|woman|{_KIN})(?:['\u2019]s\s+(?:{_KIN}))?|he|she|they)"
)
_ADVERB = r"(?:(?:also|further|furthermore|additionally|currently|initially|otherwise|only)\s+)*"
_TELLS = (
    r"(?:has\s+|have\s+|had\s+)?(?:(?:reports?|reported|states?|stated|mentions?|mentioned|notes?"
    r"|noted|recalls?|adds?|reveals?|endorses?|endorsed|describes?(?!.*\bas\b)|described(?!.*\bas\b))"
    r"|complain(?:s|ed|ing)?\s+of|presents?\s+with|presented\s+with|complaints?\s+of)"
)
_TOLD = re.compile(
    rf"^(?:{_WHO}\s+)?{_ADVERB}{_TELLS}\s+(?:that\s+)?"
    r"(?:(?:experiencing|having|noticing)\s+|(?:a\s+)?(?:chief\s+)?complaints?\s+of\s+)?",
    re.I,
)
_DENIES = re.compile(
    rf"^(?:{_WHO}\s+)?{_ADVERB}(?:denie[sd]|denying|"
    r"(?:does|did|do)\s+not\s+(?:report|recall|have|endorse|note|present\s+with)"
    r"|(?:has|have|had)\s+not\s+(?:noticed|experienced|had|reported)"
    r"|(?:has|have|had)\s+no|there(?:\s+(?:is|are|was|were|has\s+been|have\s+been)|['\u2019]s)\s+no"
    r"|reports?\s+no|no|without|negative\s+for)\s+"
    r"(?:(?:an?|any|experiencing|having|reported|known)\s+)*",
    re.I,
)
_TURNS = re.compile(
    rf",?\s+(?:(?:but|and|although|though|while|however),?\s+)?(?:{_WHO}\s+)?{_ADVERB}"
    r"(?=(?:denie[sd]|denying)\b)"
    r"|,?\s+but\s+(?=no\b)|,\s+(?=(?:there(?:['\u2019]s|\s+(?:is|are|was|were))\s+)?no\s)"
    r"|\s+and\s+(?=(?:drinks|smokes|works|lives|does\s+not|takes|mentions|reports|states)\b)"
    rf"|,?\s+but\s+(?={_WHO}\s+(?:has|does|did)\s+not?\b)",
    re.I,
)
_ONLY_WHO = re.compile(rf"{_WHO}", re.I)
_BACK = re.compile(rf",?\s+(?:but|and)\s+(?={_WHO}\s+(?!denie))", re.I)
_NEGATIVE = re.compile(
    rf"^(?:(?:{_WHO}|i)\s+)?(?:no|not|never|non-?smoker|non-?drinker|denies|without|none"
    r"|(?:do|does|did|has|have|had|is|are|was|were|am)\s+(?:not|never)|(?:is|am)\s+a\s+non)\b",
    re.I,
)
_TRAILING = re.compile(
    r"\s+(?:(?:is|are|was|were|has been|have been)\s+)?"
    r"(?:reported|noted|mentioned|provided|identified)(?:\s+by\s+\w+(?:\s+\w+)?)?$",
    re.I,
)
_NOTHING = re.compile(
    r"^(?:none|nil|n/?a|nothing|unknown|unremarkable|non-?contributory|not applicable)\b.{0,24}$"
    r"|^(?:(?:any|no|further|additional|specific|social|family|medical|past|other|detailed"
    r"|relevant|pertinent|significant)\s+)*(?:information|details?|history|data|symptoms?"
    r"|complaints?)\s+(?:is |are |was |were |has been |have been )?(?:not |un)"
    r"(?:provided|specified|available|documented|given|mentioned|known|reported|disclosed)\b"
    r"|^no\s+(?:(?:other|additional|further|specific|pertinent|relevant|systemic)\s+)+"
    r"(?:\w+\s+){0,2}(?:information|details?|history|data|symptoms?|complaints?)\b"
    r"|^not\s+(?:provided|specified|available|documented|given|mentioned|known|reported)\b"
    r"|^(?:and\s+|or\s+)?(?:any\s+)?other\b.*(?:symptoms?|complaints?|issues|problems)$",
    re.I,
)
_BESIDES = re.compile(r"^(?:other|apart|except|aside|besides)\b", re.I)
_LASTING = re.compile(
    r"^an?\s+(\w+)[-\s](hour|day|week|month|year)s?\s+history\s+of\s+(?:experiencing\s+|having\s+)?",
    re.I,
)
_ASIDE = re.compile(r"^(?:on (?:further )?(?:review|questioning|inquiry)|overall),\s+", re.I)
_PRONOUN = re.compile(r"\b(?:he|she)\b", re.I)
_SENTENCE = re.compile(r"(?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!\b[DM]r)(?<!\bvs)[.!?]+(?:\s+|$)")
_LINE = re.compile(r"[\r\n;\u2022\u2028\u2029]+")
_COMMA = re.compile(r",\s+(?![^()]*\))")
_JOINT = re.compile(r"^(?:and|or|nor|as well as)\s+", re.I)
_RUNS_ON = re.compile(
    r"\b(?:which|who|that|where|when|during|after|before|while|because|since|is|are|was|were|has"
    r"|have|had|does|did|he|she|they|followed|lives?|especially|including|if|but)\b",
    re.I,
)
_PLACE = re.compile(r"\b(?:in|of|over|on|around|to)\b", re.I)
_BREAKS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r",\s+(?:and|but|which|with|who|where|or|while|after|especially|including)\s+",
        r"\s+(?:and|but|(?:(?:for|in|of|during|at|with)\s+)?which|while|because|although)\s+",
        r",\s+|:\s+|\s+[-\u2013\u2014]\s+",
        r"\s+(?:with|after|before|during|when|that|or|for|in|on|of|to)\s+",
    )
)


def clauses(text: str, speaker: Speaker = "unknown", *, first_person: bool = True) -> list[Clause]:
    """The statements of a text in their order, each at most 120 characters.

    Lists of symptoms become one clause an item; "denies A, B" becomes "No A." and "No B.";
    remarks that nothing is known become nothing.

    Args:
        text: prose or a list of phrases.
        speaker: sex of the person who will say it, to tell whom "he" and "her" mean.
        first_person: put statements about the patient into the patient's mouth.

    Raises:
        CaseError: a single word is longer than a clause may be.
    """
    found: list[Clause] = []
    for line in _LINE.split(text):
        for sentence in _SENTENCE.split(line):
            for part in _parts(_ASIDE.sub("", sentence.strip())):
                for clause in _statements(part):
                    found.extend(_said(clause, speaker, first_person))
    return list(dict.fromkeys(found))


def _parts(sentence: str) -> Iterator[str]:
    for piece in _TURNS.split(sentence):
        if _DENIES.match(piece):
            yield from _BACK.split(piece)
        elif not _ONLY_WHO.fullmatch(piece):
            yield piece


def _statements(part: str) -> Iterator[Clause]:
    part = _JOINT.sub("", " ".join(part.split()).strip(" ,.:-\u2013\u2014"))
    if not part or _NOTHING.match(part):
        return
    denied = _DENIES.match(part)
    if denied and part[denied.end() :]:
        for item in _denied_items(part[denied.end() :]):
            if re.match(r"and\s.*\s(?:is|are|was|were|has|have|had|did|does)\s", item, re.I):
                yield from _statements(item)
            elif not _NOTHING.match(item) and not _BESIDES.match(item):
                yield Clause(f"{_no(item)} {_JOINT.sub('', item)}", False)
        return
    told = _TOLD.match(part)
    if told and re.search(rf"\b(?:{_KIN})\b", told.group(), re.I) and _PRONOUN.search(part):
        told = None
    body = part[told.end() :] if told and part[told.end() :] else part
    if body is not part and (_DENIES.match(body) or _NEGATIVE.match(body)):
        yield from _statements(body)
        return
    lasting = _LASTING.match(body)
    for number, item in enumerate(_listed(body[lasting.end() :] if lasting else body)):
        since = f"for {_duration(*lasting.groups())}, " if lasting and number == 0 else ""
        yield Clause(f"{since}{item}", not _NEGATIVE.match(item))


def _no(item: str) -> str:
    return "not" if re.match(r"(?:being|taking|using|drinking|smoking)\s", item, re.I) else "no"


def _duration(amount: str, unit: str) -> str:
    return f"{amount} {unit}" + ("" if amount in ("1", "one") else "s")


def _denied_items(text: str) -> list[str]:
    items = [_TRAILING.sub("", item.strip()) for item in _COMMA.split(text)]
    items = [re.sub(r"^(?:or|nor)\s+", "", item, flags=re.I) for item in items]
    if len(items) == 1:
        pair = re.fullmatch(r"([\w-]+) (?:or|and|nor) ([\w-]+)", items[0])
        items = list(pair.groups()) if pair else items
    return [re.sub(r"^(?:any|no)\s+", "", item, flags=re.I) for item in items if item]


_QUALIFIER = re.compile(
    r"\b(?:recurrent|intermittent|constant|severe|mild|moderate|sharp|dull|sudden|acute|chronic|persistent"
    r"|progressive|deep|intense|small|large|irregular|regular|recently|previously|infrequently|then)$",
    re.I,
)


def _listed(text: str) -> list[str]:
    """The items of a plain enumeration, or the text itself."""
    items = [item.strip() for item in _COMMA.split(text)]
    last = re.match(r"^(?:and|or)\s+", items[-1], re.I)
    plain = all(len(item.split()) <= 10 for item in items) and not any(
        _RUNS_ON.search(item) for item in items[:-1]
    )
    bare = all(len(item.split()) <= 4 for item in items)
    if any(_QUALIFIER.search(item) for item in items[:-1]):
        return [text]
    spread = _PLACE.search(items[0]) and all(len(item.split()) <= 3 for item in items[1:])
    if len(items) > 1 and plain and not spread and (bare or (last and len(items) > 2)):
        return [_JOINT.sub("", item) for item in items if item]
    return [text]


def _said(clause: Clause, speaker: Speaker, first_person: bool) -> Iterator[Clause]:
    text = _in_first_person(clause.text, speaker) if first_person else clause.text
    for piece in _shortened(text):
        if re.search(r"[^\W\d_]", piece):
            yield Clause(_sentence(piece), clause.present)


def _sentence(text: str) -> str:
    text = text.strip(" ,;:")
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _shortened(text: str) -> Iterator[str]:
    room = MAX_CLAUSE - 1
    while len(text) > room:
        cut = _cut(text, room)
        yield text[: cut[0]]
        text = _JOINT.sub("", re.sub(r"^but\s+", "", text[cut[1] :], flags=re.I))
    yield text


def _cut(text: str, room: int) -> tuple[int, int]:
    """Where a text that is too long is divided: end of the first piece, start of the rest."""
    for pattern in _BREAKS:
        spots = [m for m in pattern.finditer(text) if room // 5 < m.start() <= room]
        if spots:
            at = spots[-1].start()
            return at, at + len(re.match(r"[,:\s\-\u2013\u2014]*", text[at:]).group())  # type: ignore[union-attr]
    space = text.rfind(" ", 1, room + 1)
    if space < 1:
        raise CaseError(
            f"a word of more than {MAX_CLAUSE} characters ('{text[:20]}...'); break it up"
        )
    return space, space + 1


_SUBJECT = re.compile(r"(?:\b(?:the|this)\s+|^)patient\b(?!['\u2019])", re.I)
_OWNER = re.compile(r"\b(?:the|this)\s+patient['\u2019]s\b", re.I)
_SAME_SEX = {
    "female": r"mother|wife|sister|daughter|aunt|grandmother|girlfriend|niece|woman|girl",
    "male": r"father|husband|brother|son|uncle|grandfather|boyfriend|nephew|man|boy",
}
_VERBS = {"has": "have", "is": "am", "was": "was", "does": "do", "goes": "go", "'s": "'m"}
_FREQUENCY = r"(?:also|currently|often|sometimes|usually|occasionally|recently|regularly|now|never)"
_BARE_VERB = re.compile(
    r"^(takes|smokes|drinks|works|lives|uses|experiences|plays|enjoys|consumes|has|had been|is"
    r"|was|does)\b(?!['\u2019])",
    re.I,
)


_SAME_SUBJECT = re.compile(
    r"(\band|,) (?=(?:has|does|is|takes|drinks|smokes|works|lives|consumes|recalls|reports"
    r"|notes)\b)"
)


def _in_first_person(text: str, speaker: Speaker) -> str:
    """The statement as the patient says it, where it is plain whom its pronouns mean."""
    subject = {"female": "she", "male": "he"}.get(speaker, "he|she")
    others = _SAME_SEX.get(speaker, "|".join(_SAME_SEX.values()))
    text = re.sub(r"\b(?:his|her|their)\s+(?=(?:" + _KIN + r")\b)", "my ", text, flags=re.I)
    text = _OWNER.sub("my", text)
    other = re.search(rf"\b(?:{others})\b", text, re.I)
    if other and re.search(rf"\b(?:{subject})\b", text[other.end() :], re.I):
        return text
    text = _SUBJECT.sub("I", text)
    text = re.sub(rf"\b(?:{subject})\b", "I", text, flags=re.I)
    if _BARE_VERB.match(text):
        text = f"I {text[0].lower()}{text[1:]}"
    if speaker != "male":
        text = re.sub(r"\bhers\b", "mine", text)
        text = re.sub(r"\bher(?=\s+(?:to|in|on|at|with|and|as|was|is|from|for)\b|$)", "me", text)
        text = re.sub(r"\b[Hh]er\b", "my", text)
        text = re.sub(r"\bherself\b", "myself", text)
    if speaker != "female":
        text = re.sub(r"\b[Hh]is\b", "my", text)
        text = re.sub(r"\bhim\b", "me", text)
        text = re.sub(r"\bhimself\b", "myself", text)
    if text.startswith("I "):
        text = _SAME_SUBJECT.sub(r"\1 I ", text)
    return re.sub(rf"\bI ((?:{_FREQUENCY} )*)([a-z]+)\b", _agree, text)


def _agree(match: re.Match[str]) -> str:
    adverbs, verb = match.groups()
    if verb in _VERBS:
        verb = _VERBS[verb]
    elif verb.endswith("ies") and len(verb) > 4:
        verb = f"{verb[:-3]}y"
    elif verb.endswith(("ches", "shes", "sses", "xes", "zzes")):
        verb = verb[:-2]
    elif verb.endswith("s") and not verb.endswith(("ss", "us", "is")):
        verb = verb[:-1]
    return f"I {adverbs}{verb}"
