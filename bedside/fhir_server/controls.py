"""Parameters that shape the answer of a search rather than choose resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bedside.fhir_server import definitions
from bedside.fhir_server.formats import is_served
from bedside.fhir_server.outcome import Refusal, unknown_type
from bedside.fhir_server.parameters import Param, ParameterSet

__all__ = ["CONTROLS", "Controls", "Include", "param_named"]

CONTROLS = (
    "_count", "_elements", "_format", "_include", "_page", "_pretty", "_revinclude", "_sort",
    "_summary", "_total", "_totalMethod",
)  # fmt: skip
"""Their names; ``_totalMethod`` is fhirpy's."""

_REPEATED = ("_include", "_revinclude")
_CHOICES = {
    "_pretty": ("true", "false"),
    "_summary": ("true", "text", "data", "count", "false"),
    "_total": ("none", "estimate", "accurate"),
    "_totalMethod": ("count",),
}


@dataclass(frozen=True)
class Include:
    """One ``_include`` or ``_revinclude``.

    Attributes:
        type: whose parameter it is; "" for any.
        name: the reference parameter; "" for all.
        target: the type referred to; "" for any.
        iterate: also for what is included itself.
    """

    type: str
    name: str
    target: str
    iterate: bool


class Controls:
    """Those of one query, read one by one.

    Attributes:
        fields: of the :class:`query.Query` that they make.
    """

    def __init__(self, parameters: ParameterSet, type: str) -> None:
        self.fields: dict[str, Any] = {}
        self._parameters = parameters
        self._type = type
        self._given: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Take one parameter; one that is refused leaves no trace.

        Raises:
            Refusal: 400 for a value or modifier it does not take, 406 for a format not served.
        """
        plain, colon, modifier = name.partition(":")
        if colon and not (plain in _REPEATED and modifier in ("iterate", "recurse")):
            raise _invalid(f"'{plain}' does not take ':{modifier}'.")
        if not value.strip():
            raise _invalid(f"'{name}' has no value; write '{name}=VALUE'.")
        if plain in _REPEATED:
            field = f"{plain[1:]}d"
            include = _include(self._parameters, value, bool(modifier))
            self.fields[field] = (*self.fields.get(field, ()), include)
            return
        if self._given.get(plain, value) != value:
            raise _invalid(f"'{name}' may be given once only.")
        if plain in _CHOICES and value not in _CHOICES[plain]:
            raise _invalid(f"'{name}' is one of {', '.join(_CHOICES[plain])}, not '{value}'.")
        if plain == "_format" and not is_served(value):
            raise Refusal(406, "not-supported", "Only JSON is served: use _format=json.")
        if plain in _FIELDS:
            field, read = _FIELDS[plain]
            self.fields[field] = read(self._parameters, self._type, value)
        self._given[plain] = value


def param_named(parameters: ParameterSet, type: str, name: str) -> Param:
    """The search parameter of a type.

    Raises:
        Refusal: 400, it has none of that name.
    """
    of_type = parameters.of(type)
    if name not in of_type:
        known = ", ".join(sorted([*of_type, *CONTROLS]))
        raise _invalid(f"Unknown search parameter '{name}' for {type}. Valid are: {known}.")
    return of_type[name]


def _count(parameters: ParameterSet, type: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _invalid(f"'_count' is a whole number from 0, not '{text}'.")
    return int(text)


def _elements(parameters: ParameterSet, type: str, text: str) -> tuple[str, ...]:
    known = [name.removesuffix("[x]") for name in definitions.elements(type)]
    found = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        plain = name.removeprefix(f"{type}.")
        if plain not in known:
            raise _invalid(f"'_elements={text}': {type} has no element '{name}'. It has: "
                           f"{', '.join(known)}.")  # fmt: skip
        found.append(plain)
    return tuple(found)


def _sort(parameters: ParameterSet, type: str, text: str) -> tuple[tuple[Param, bool], ...]:
    return tuple(_order(parameters, type, text))


def _order(parameters: ParameterSet, type: str, text: str) -> Iterator[tuple[Param, bool]]:
    for name in filter(None, text.split(",")):
        param = param_named(parameters, type, name.removeprefix("-"))
        if param.kind in ("composite", "special"):
            raise _invalid(f"'{param.name}' is a {param.kind} parameter, which has no order.")
        yield param, name.startswith("-")


_FIELDS: dict[str, tuple[str, Callable[[ParameterSet, str, str], Any]]] = {
    "_count": ("count", _count),
    "_elements": ("elements", _elements),
    "_page": ("page", lambda parameters, type, text: text),
    "_sort": ("sort", _sort),
    "_summary": ("summary", lambda parameters, type, text: text.replace("false", "")),
    "_total": ("total", lambda parameters, type, text: text != "none"),
}
"""Field of a query, and how its value is read, by parameter."""


def _include(parameters: ParameterSet, text: str, iterate: bool) -> Include:
    type, _, rest = text.partition(":")
    name, _, target = rest.partition(":")
    if type == "*" and not rest:
        return Include("", "", "", iterate)
    if type not in definitions.resource_types():
        raise _invalid(f"'{text}': write TYPE:PARAMETER, such as Observation:subject, or *.")
    if target and target not in definitions.resource_types():
        raise _invalid(f"'{text}': {unknown_type(target, definitions.resource_types())}")
    if name in ("", "*"):
        return Include(type, "", target, iterate)
    if param_named(parameters, type, name).kind != "reference":
        references = (n for n, p in parameters.of(type).items() if p.kind == "reference")
        raise _invalid(f"'{name}' of {type} is no reference. References are: "
                       f"{', '.join(sorted(references))}.")  # fmt: skip
    return Include(type, name, target, iterate)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
