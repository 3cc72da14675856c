"""What a clause is about, and the words that carry its meaning."""

from __future__ import annotations

import re

from bedside.scenarios.case import Topic
from bedside.scenarios.clauses import Clause
from bedside.scenarios.names import normalise

__all__ = ["STOP_WORDS", "content_words", "topic_of"]

_PATTERNS: tuple[tuple[Topic, str], ...] = (
    ("allergy", r"allerg|anaphyla"),
    (
        "family",
        r"family history|in the family|my family|hereditary|runs in|(?:mother|father"
        r"|brother|sister|parents?|uncle|aunt|grand\w+|sibling)s?\b.{0,20}\b(?:has|have|had|died"
        r"|diagnosed|suffers?)",
    ),
    (
        "pregnancy",
        r"pregnan|gravid|primigravid|gestation|postpartum|trimester|menstru|menses"
        r"|menarche|last period|prenatal|breast-?feed|childbirth|contraception|miscarriage",
    ),
    (
        "surgery",
        r"surg|operation|operated|\w+ectomy\b|appendix removed|cesarean|caesarean"
        r"|transplant|bypass",
    ),
    (
        "tried",
        r"tried|attempts? to|without (?:relief|improvement|success)|(?:no|minimal|little)"
        r" (?:relief|improvement)|did not help|unsuccessful|over-the-counter",
    ),
    (
        "medication",
        r"medicat|medicine|tablet|pill|takes?\b|taking|(?:was|am|been) on\b|insulin"
        r"|antibiotic|aspirin|ibuprofen|supplement|prescri|contraceptive",
    ),
    ("relief", r"relie[vf]|better (?:with|after|when)|improv|alleviat|eases|resolves? with"),
    (
        "trigger",
        r"worse (?:with|after|when|at|in)|worsen\w* (?:with|after|when|by|at|on)"
        r"|exacerbat|aggravat|triggered|brought on|provoked|exertion",
    ),
    ("travel", r"travel|abroad|immigra|camping|hik(?:e|ing)|returned from|trip\b|vacation"),
    (
        "contact",
        r"(?:sick|ill) (?:contact|people|person)|contacts\b|exposed to|exposure|contact with"
        r"|similar (?:illness|symptoms)"
        r"|ill recently|bite\b|bitten|pets?\b|\bdogs?\b|\bcats?\b|day-?care",
    ),
    (
        "work",
        r"works?\b|worked|employed|occupation|retired|job\b|teacher|engineer|nurse\b"
        r"|student|farmer",
    ),
    (
        "social",
        r"smok|tobacco|cigaret|alcohol|drinks?\b|beers?\b|wine\b|drugs?\b|cocaine|heroin"
        r"|marijuana|lives? (?:with|alone|in)|sexual|partners?\b|condom|married|diet\b|exercise",
    ),
    ("onset", r"(?:hour|day|week|month|year)s? history of"),
    (
        "past",
        r"history of|past medical|diagnosed with|known (?:case|hypertension|diabetes)"
        r"|immuni[sz]|vaccin|hospitali[sz]|previous(?:ly)?\b|medical history|childhood",
    ),
    ("severity", r"sever(?:e|ity)\b.{0,12}(?:pain|10)|\d+\s*/\s*10\b|out of 10|unbearable"),
    (
        "onset",
        r"began|started|sudden|onset|(?:for|over|during) the (?:past|last)|ago\b|since"
        r"|first noticed|for (?:about |approximately |the )?(?:\d+|one|two|three|four|five|six"
        r"|seven|several|a few|many) (?:minute|hour|day|week|month|year)",
    ),
    (
        "course",
        r"worsening|progressiv|gradual|intermittent|constant|comes and goes|increas"
        r"|getting (?:worse|better)|recurr|episodes?\b|persist",
    ),
    ("site", r"radiat|located|localized|both sides|spread"),
)
_TOPICS = tuple((topic, re.compile(rf"\b(?:{pattern})", re.I)) for topic, pattern in _PATTERNS)
_OF_SYMPTOMS = frozenset({"onset", "course", "severity", "site", "trigger", "relief"})


def topic_of(clause: Clause, default: Topic) -> Topic:
    """What a clause is about, by its words; `default` where they say nothing."""
    found = next((topic for topic, pattern in _TOPICS if pattern.search(clause.text)), default)
    return default if not clause.present and found in _OF_SYMPTOMS else found


_STOP_WORDS = """
a about after all also although am an and any are as at be been being both but by can could did
do does for from had has have he her him his i if in into is it its me my no not of off on or
our out over she so some such than that the their them then there these they this those to up
was we were what when where which while who will with without would you your reported noted some
very patient history
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that carry no meaning of their own."""


def content_words(text: str) -> frozenset[str]:
    """The words that carry a clause's meaning, levelled for comparison."""
    return frozenset(word for word in normalise(text).split() if word not in STOP_WORDS)
