"""Options given as text: read by the annotations of the function or class that takes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from bedside.core.errors import UserError

__all__ = ["read_options"]

_KINDS: Mapping[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
_SCALAR = re.compile(rf"\b({'|'.join(_KINDS)})\b")
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


class _Option(NamedTuple):
    kind: type
    required: bool


def read_options(
    args: Mapping[str, str],
    builder: Callable[..., Any],
    *,
    who: str,
    flag: str,
    given: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The keyword arguments of a builder, from text.

    Args:
        args: name -> text, as the user gave them.
        builder: its parameters say which options there are, and of which kind.
        who: whose options they are, for errors: "doctor 'llm'".
        flag: how an option is given on the command line, for errors.
        given: parameters that the caller passes itself.

    Raises:
        UserError: an option is missing, unknown, or not of its kind.
    """
    known, open_ended = _parameters(builder)
    known = {name: option for name, option in known.items() if name not in given}
    missing = [n for n, option in known.items() if option.required and n not in args]
    if missing:
        raise UserError(
            f"{who} needs the argument '{missing[0]}'; give it with {flag} {missing[0]}=..."
        )
    for name in args:
        if name not in known and not open_ended:
            raise UserError(
                f"{who} takes no argument '{name}'; it takes: {', '.join(known) or 'none'}"
            )
    return {
        name: _convert(who, name, text, known[name].kind) if name in known else text
        for name, text in args.items()
    }


@cache
def _parameters(builder: Callable[..., Any]) -> tuple[dict[str, _Option], bool]:
    """The options a builder takes, and whether it takes any others."""
    parameters = inspect.signature(builder).parameters
    known = {
        name: _Option(_kind(parameter.annotation), parameter.default is parameter.empty)
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    return known, any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _kind(annotation: Any) -> type:
    """The one type of number or truth value an annotation names, otherwise text."""
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    named = set(_SCALAR.findall(written))
    return _KINDS[named.pop()] if len(named) == 1 else str


def _convert(who: str, name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in _TRUE or text.lower() in _FALSE:
            return text.lower() in _TRUE
        raise UserError(f"{who}: '{name}' must be true or false, not '{text}'")
    if kind is int or kind is float:
        try:
            return kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise UserError(f"{who}: '{name}' must be {wanted}, not '{text}'") from None
    return text
