"""Narrative: the limited XHTML that https://hl7.org/fhir/R4/narrative.html allows."""

from __future__ import annotations

from functools import lru_cache
from xml.parsers import expat

__all__ = ["narrative_fault"]

_NAMES = """
a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5
h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_ELEMENTS = frozenset(_NAMES.split())
_XHTML = "http://www.w3.org/1999/xhtml"
_SHOWS = ("img",)


@lru_cache(maxsize=256)
def narrative_fault(text: str) -> str:
    """What is wrong with a narrative's XHTML, as a sentence's end; "" when nothing is."""
    if "<!" in text.replace("<!--", ""):
        return "may not declare a document type or entities"
    fault = ""
    depth, content = 0, False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal fault, depth, content
        space, _, plain = name.rpartition(" ")
        if depth == 0 and plain != "div":
            fault = fault or f"must be a <div>, not a <{plain}>"
        if space != _XHTML:
            fault = fault or f'must be in the namespace xmlns="{_XHTML}"'
        elif plain not in _ELEMENTS:
            fault = fault or f"may not hold a <{plain}>"
        if any(key.lower().startswith("on") for key in attributes):
            fault = fault or "may not hold event attributes such as onclick"
        if attributes.get("href", "").strip().lower().startswith("javascript:"):
            fault = fault or "may not hold scripts in links"
        content = content or plain in _SHOWS
        depth += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def characters(data: str) -> None:
        nonlocal content
        content = content or not data.isspace()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(text.encode(errors="surrogatepass"), True)
    except (expat.ExpatError, ValueError) as error:
        return f"is no XHTML: {error}"
    return fault or ("" if content else "has no text or image in it")
