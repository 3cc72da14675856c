"""Values of any depth in a vignette, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["leaves", "paths", "readable"]


def leaves(value: Any) -> list[str]:
    """The texts in a value of any depth, in order."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in leaves(item)]
    if isinstance(value, list):
        return [text for item in value for text in leaves(item)]
    return [] if value is None or not str(value).strip() else [str(value).strip()]


def paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values that are no objects, each with the keys that lead to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, str(key)))
    elif path:
        yield path, value


def readable(value: Any) -> str:
    """A value of any depth as text: "Key: text; Other key: text"."""
    if isinstance(value, dict):
        parts = [(str(key).replace("_", " "), readable(item)) for key, item in value.items()]
        return "; ".join(f"{key}: {text.rstrip('.')}" for key, text in parts if text)
    if isinstance(value, list):
        return ", ".join(text for text in map(readable, value) if text)
    return "" if value is None else " ".join(str(value).split())
