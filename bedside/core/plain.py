"""Plain JSON values: what a trace can store and give back unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

__all__ = ["parsed", "plain"]

_MAX_DEPTH = 100
_DEEP = f"it is nested more than {_MAX_DEPTH} deep"


def plain(value: Any) -> Any:
    """A model, mapping, list, text or number as plain JSON.

    Raises:
        ValueError: it cannot be written as JSON; the message says why.
    """
    try:
        if isinstance(value, BaseModel):
            text = value.model_dump_json(exclude_none=True, warnings=False)
        else:
            text = _TO_JSON(value)
        value = _DECODE(text)
    except RecursionError:
        raise ValueError(_DEEP) from None
    except Exception as error:  # a stranger's classes may raise anything when they are read
        raise ValueError(str(error)) from None
    return _shallow(value, text)


def parsed(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is no JSON; the message says why.
    """
    try:
        value = _FROM_JSON(text)
        _ENCODE(value)
    except RecursionError:
        raise ValueError(_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(error.msg) from None
    except UnicodeEncodeError:
        raise ValueError(r"a \u escape is half of a surrogate pair") from None
    return _shallow(value, text)


def _shallow(value: Any, text: str) -> Any:
    if text.count("{") + text.count("[") > _MAX_DEPTH and _too_deep(value):
        raise ValueError(_DEEP)
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(f"a number has {len(digits)} digits") from None


_TO_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_mapping).encode
_FROM_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer).decode
_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
