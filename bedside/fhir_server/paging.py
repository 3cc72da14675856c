"""Page tokens: where a page starts, and what the chart was when the first was read.

A token says nothing to the client and holds for its own search alone. Pages of one search show one
state of the chart, whatever is written between them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from bedside.fhir_server.outcome import Refusal

__all__ = ["following", "starting"]

_FORM = struct.Struct(">II7s")


def following(search: str, written: int, offset: int) -> str:
    """The token of the page that starts at an offset.

    Args:
        search: path and query, without a page.
        written: how many versions the chart's log held at the first page.
        offset: matches before the page.
    """
    packed = _FORM.pack(written, offset, _mark(search, written, offset))
    return base64.urlsafe_b64encode(packed).decode()


def starting(token: str, search: str, written: int) -> tuple[int, int]:
    """(versions, offset) of a token.

    Raises:
        Refusal: 400, it is of another search, or of a chart that has since been reset.
    """
    try:
        packed = base64.b64decode(token.encode(), b"-_", validate=True)
        then, offset, mark = _FORM.unpack(packed)
    except (binascii.Error, struct.error, UnicodeEncodeError):
        then, offset, mark = 0, 0, b""
    if mark != _mark(search, then, offset) or then > written:
        raise Refusal(400, "invalid", "_page is no page of this search; follow the next link, or "
                      "search again without _page.")  # fmt: skip
    return then, offset


def _mark(search: str, written: int, offset: int) -> bytes:
    return hashlib.sha256(f"{search}\n{written}\n{offset}".encode()).digest()[:7]
