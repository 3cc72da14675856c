"""JSON as FHIR needs it: decimals keep their digits, names are unique, nesting has a floor."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from bedside.fhir_server.outcome import Refusal

__all__ = ["Json", "decode", "decode_any", "encode", "refuse_repeated_names", "with_members"]

Json = dict[str, Any]

_MAX_DEPTH = 64
_SPACED = re.compile(rb'"\s+:')
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])

encode = _ENCODER.encode


def decode(text: bytes) -> Json:
    """The JSON object in `text`, its decimals as :class:`decimal.Decimal`.

    Raises:
        Refusal: 400, the text is no JSON object, or is nested too deeply.
    """
    value = decode_any(text)
    if not isinstance(value, dict):
        raise Refusal(400, "structure", "The body must be one JSON object: a FHIR resource.")
    return value


def decode_any(text: bytes) -> Any:
    """The JSON value in `text`, its decimals as :class:`decimal.Decimal`.

    Raises:
        Refusal: 400, the text is no JSON, or is nested too deeply.
    """
    try:
        value = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as error:
        raise Refusal(400, "structure", f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    opened = text.count(b"{") + text.count(b"[")
    if opened > _MAX_DEPTH and _deeper_than(value, _MAX_DEPTH):
        raise _too_deep()
    return value


def refuse_repeated_names(text: bytes, value: Json) -> None:
    """Raise a 400 :class:`Refusal` if an object in `text`, read as `value`, repeats a name.

    Each member that was kept is one quote and colon when `value` is written again; where the text
    has as many, and hides none by spaces or escapes, it repeats no name.
    """
    plain = b"\\u" not in text and _SPACED.search(text) is None
    if not plain or text.count(b'":') != encode(value).count(b'":'):
        json.loads(text, object_pairs_hook=_unique)


def with_members(text: bytes, members: Mapping[str, Any]) -> bytes:
    """The object in `text` with `members` set; every other member keeps its exact text."""
    raw: Json = dict(_MEMBERS.decode(text))
    raw.update(members)
    return _ENCODER.encode(raw)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(400, "structure", f"The body has the name '{twice}' twice in one object.")


def _too_deep() -> Refusal:
    return Refusal(400, "structure", f"The body is nested more than {_MAX_DEPTH} levels deep.")


def _deeper_than(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value)
    return False
