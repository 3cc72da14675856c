"""Lists of findings in a record: taken apart into single ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.scenarios.synonyms import concepts, is_part, is_quality

__all__ = ["complaints", "denials", "denies", "is_nothing"]

_END = re.compile(r"\s*(?:[,;\n]|\.(?=\s|$|[A-Z]))\s*")
_NEXT = re.compile(r"(?<=[a-z])\s*(?=(?:No|Not)\s+[a-z])")
_NO = re.compile(r"^(?:no|without|denies|denied|absence of)\s+(?:any\s+)?", re.I)
_NEGATIVE = re.compile(
    r"\b(?:no|not|never|non\w*|without|denie[sd]|negative|normal|absent|absence|none"
    r"|\w+n['\u2019]t)\b",
    re.I,
)
_OR = re.compile(r"\s+(?:or|nor)\s+|\s*/\s*", re.I)
_CARRIED = re.compile(
    r"^((?:\w+\s+){0,2}(?:exposure to|contact with|intake of|use of|family history of|history of"
    r"|loss of|changes? in(?: the)?|sense of|pain (?:on|during|with|in)))\s+",
    re.I,
)
_REPORTED = re.compile(r"\s+(?:reported|noted|mentioned|found|palpated)$", re.I)
_DOING = re.compile(r"(?:chang|ly|stand|walk|bend|sitt|mov|eat|lean|turn|breath|drink)ing\b", re.I)
_ALWAYS_CARRIED = re.compile(r"exposure|contact|intake|use of|history", re.I)
_NOTHING = re.compile(
    r"^(?:-+|none|no|nil|n/?a|not (?:known|reported|available|applicable)|unknown|nothing"
    r"|unremarkable|non-?contributory|not significant|no significant\b.*|negative)?$",
    re.I,
)
_LEANING = re.compile(r"(?:of|in|on|with|from|to|not|at|after|during|when|while|without)\b", re.I)
_HANGING = re.compile(r"\b(?:of|in|on|with|and|or|to|the|a)$", re.I)


def is_nothing(text: str) -> bool:
    """Whether an entry says that there is nothing to say."""
    return bool(_NOTHING.match(text.strip().rstrip(".").strip()))


def denies(text: str) -> bool:
    """Whether a text has a negative word."""
    return bool(_NEGATIVE.search(text))


def complaints(text: str) -> list[str]:
    """The entries of a list of complaints; what a comma has cut in two is put together again."""
    found: list[str] = []
    for piece in filter(None, (one.strip(" .") for one in _END.split(text))):
        if found and (_HANGING.search(found[-1]) or _LEANING.match(piece) or _halves(found, piece)):
            found[-1] = f"{found[-1]} {piece}"
        elif not is_nothing(piece):
            found.append(piece)
    return found


def _halves(found: list[str], piece: str) -> bool:
    """Whether an entry names nothing until the next one follows: "Leg", "pain"."""
    first = found[-1]
    lone = not concepts(first) or _only_place(first)
    return lone and len(first.split()) < 3 and bool(concepts(f"{first} {piece}"))


def denials(text: str) -> list[str]:
    """The findings that a list says are absent, one each, each with its own "No".

    Entries without a negative word of their own, as after "No soaps, lotions", share the last one.
    """
    found: list[str] = []
    for entry in _END.split(_NEXT.sub(", ", text)):
        piece = re.sub(r"^(?:and|or|nor)\s+", "", " ".join(entry.split()), flags=re.I).strip(" .-:")
        if piece.lower() == "none" or is_nothing(piece):
            continue
        if not denies(piece):
            piece = f"No {piece}"
        found.extend(_single(piece))
    return list(dict.fromkeys(found))


def _single(entry: str) -> Iterator[str]:
    no = _NO.match(entry)
    if not no:
        yield entry
        return
    rest = _REPORTED.sub("", entry[no.end() :])
    pieces = [one.strip() for one in _OR.split(rest) if one.strip()]
    if any(_DOING.match(piece) or _only_place(piece) for piece in pieces[1:]):
        pieces = [rest]
    for piece in _completed(pieces):
        yield f"No {piece}"


def _only_place(piece: str) -> bool:
    return all(is_part(word) for word in piece.split()) and not is_quality(piece)


def _completed(pieces: list[str]) -> list[str]:
    """The alternatives of an enumeration, each with the words that it shares with the others:
    "abdominal", "flank pain" and "ear pain", "discharge" are each two findings of a place."""
    if len(pieces) < 2:
        return pieces
    head = pieces[-1].split()[-1]
    carried = _CARRIED.match(pieces[0])
    places = " ".join(word for word in _places(pieces[0]))
    done: list[str] = []
    for number, piece in enumerate(pieces):
        last = piece.split()[-1]
        lone = (is_part(last) or not concepts(piece)) and not is_quality(last)
        if number < len(pieces) - 1 and lone and is_quality(head):
            piece = f"{piece} {head}"
        elif number and carried and (_ALWAYS_CARRIED.search(carried[1]) or not concepts(piece)):
            piece = f"{carried[1]} {piece}"
        elif number and places and is_quality(piece) and " " not in piece:
            piece = f"{places} {piece}"
        done.append(piece)
    return done


def _places(piece: str) -> Iterator[str]:
    """The words before the quality, if one of them is a part of the body."""
    words = piece.split()
    before = words[:-1]
    if is_quality(words[-1]) and any(is_part(word) for word in before):
        yield from before
