"""Search expressions, the FHIRPath that R4 uses in them, compiled to closures over JSON.

The 1,400 expressions use a dozen shapes: member paths, choices narrowed by ``as`` or ``ofType``,
``where`` on members or on the type of a reference, ``extension``, ``exists`` and an index. One that
ends in an extension means its value, as R4's own do. The definitions say which JSON member a choice
has and which members are arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from bedside.fhir_server import definitions
from bedside.fhir_server.jsontext import Json
from bedside.fhir_server.values import reference_key

__all__ = ["ExpressionError", "Path", "compile_paths"]

Step = Callable[[list[Any]], list[Any]]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<where>where\(resolve\(\)\ is\ (?P<target>\w+)\))
      | (?P<equal>where\((?P<pairs>\w+\s*=\s*'[^']*'(\s+and\s+\w+\s*=\s*'[^']*')*)\))
      | (?P<has>where\(hasExtension\('(?P<having>[^']*)'\)\))
      | (?P<extension>extension\('(?P<url>[^']*)'\))
      | (?P<as>(?:as|ofType)\((?P<type>\w+)\))
      | (?P<index>\[(?P<number>\d+)\]|first\(\))
      | (?P<name>[A-Za-z]\w*)
    )""",
    re.VERBOSE,
)
_PAIR = re.compile(r"(\w+)\s*=\s*'([^']*)'")
_CAST = re.compile(r"\(\s*(.+?)\s+as\s+(\w+)\s*\)(.*)")
_BARE_CAST = re.compile(r"([^\s(].*?)\s+as\s+(\w+)()")
_EXISTS = re.compile(r"(\S+)\.exists\(\) and \1 != false")


class ExpressionError(ValueError):
    """An expression that is not of the shapes search uses, or does not fit the type."""


class Path(NamedTuple):
    """One way an expression takes through a resource.

    Attributes:
        select: the elements at its end.
        type: name of their type; "" where it is not known, ``Resource`` where any may stand.
        codes: address of the value set their codes come from; "" for none.
        first: the member it begins with; "" where it needs none.
    """

    select: Callable[[Json], list[Any]]
    type: str
    codes: str
    first: str = ""


class _Here(NamedTuple):
    """A way as far as it is compiled; `choice` holds the member and types of an open choice."""

    steps: tuple[Step, ...]
    type: str
    codes: str = ""
    choice: tuple[str, ...] = ()
    name: str = ""
    first: str = ""


@cache
def compile_paths(expression: str, type: str) -> tuple[Path, ...]:
    """The paths of an expression over a type.

    Args:
        expression: such as ``Observation.value.as(Quantity) | Observation.code``.
        type: the resource type, or the type of the element a composite starts at.

    Raises:
        ExpressionError: it cannot be compiled.
    """
    paths = tuple(
        path for part in expression.split(" | ") for path in _alternative(part.strip(), type)
    )
    if not paths:
        raise ExpressionError(f"'{expression}' leads nowhere in a {type}")
    return paths


def _alternative(text: str, type: str) -> Iterator[Path]:
    exists = _EXISTS.fullmatch(text)
    if exists:
        yield _existence(exists[1], type)
        return
    while text.startswith("(") and text.endswith(")") and " as " not in text:
        text = text[1:-1]
    cast = _CAST.fullmatch(text) or _BARE_CAST.fullmatch(text)
    if cast:
        text = f"{cast[1]}.as({cast[2]}){cast[3]}"
    for here in _ways(text, type):
        for done in _closed(here):
            yield Path(_chained(done.steps), done.type, done.codes, done.first)


def _existence(text: str, type: str) -> Path:
    """Whether an element is there and is not false; ``deceased`` is asked for so."""
    selects = [path.select for path in compile_paths(text, type)]

    def select(resource: Json) -> list[Any]:
        found = [node for each in selects for node in each(resource)]
        return [bool(found) and found != [False]]

    return Path(select, "boolean", "")


def _ways(text: str, type: str) -> list[_Here]:
    ways = [_Here((), type)]
    first = True
    match = None
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"'{text}' is not understood at '{text[at:]}'")
        at = match.end()
        if at < len(text) and text[at] == ".":
            at += 1
        if first and match["name"] in (type, "Resource", "DomainResource"):
            first = False
            continue
        first = False
        ways = [following for here in ways for following in _follow(here, match, text)]
    if match and match["extension"]:
        return [here._replace(steps=(*here.steps, _extension_values), type="") for here in ways]
    return ways


def _follow(here: _Here, match: re.Match[str], text: str) -> list[_Here]:
    if match["as"]:
        return [_cast(here, match["type"], text)]
    return [
        step
        for closed in _closed(here)
        for step in [_next(closed, match, text)]
        if step is not None
    ]


def _next(here: _Here, match: re.Match[str], text: str) -> _Here | None:
    if match["name"]:
        return _member(here, match["name"], text)
    if match["where"]:
        return here._replace(steps=(*here.steps, _referring_to(match["target"])))
    if match["equal"]:
        tests = [_with(member, value) for member, value in _PAIR.findall(match["pairs"])]
        return here._replace(steps=(*here.steps, *tests))
    if match["has"]:
        return here._replace(steps=(*here.steps, _with_extension(match["having"])))
    if match["extension"]:
        first = here.first or ("" if here.steps else "extension")
        return _Here((*here.steps, _extensions_of(match["url"])), "Extension", first=first)
    return here._replace(steps=(*here.steps, _nth(int(match["number"] or 0))))


def _member(here: _Here, name: str, text: str) -> _Here | None:
    if here.type in ("", "Resource"):
        return _Here((*here.steps, _all_of(name)), "", first=here.first)
    elements = definitions.elements(here.type)
    element = elements.get(name)
    if element is not None:
        step = _each(name) if element.many else _one(name)
        steps = (*here.steps, step)
        type = element.types[0]
        first = here.first or ("" if here.steps else name)
        return _Here(steps, type, element.codes, first=first)
    choice = elements.get(f"{name}[x]")
    if choice is not None:
        return _Here(here.steps, here.type, choice.codes, choice.types, name, here.first)
    if definitions.type_of(here.type).kind in ("primitive", "complex"):
        return None
    raise ExpressionError(f"'{text}': {here.type} has no element '{name}'")


def _closed(here: _Here) -> Iterator[_Here]:
    """The way with an open choice taken in each of its types."""
    if not here.choice:
        yield here
    for type in here.choice:
        yield _chosen(here, type)


def _cast(here: _Here, type: str, text: str) -> _Here:
    if not here.choice:
        return here
    for candidate in here.choice:
        if candidate.lower() == type.lower():
            return _chosen(here, candidate)
    raise ExpressionError(f"'{text}': '{here.name}' is never a {type}")


def _chosen(here: _Here, type: str) -> _Here:
    member = f"{here.name}{type[0].upper()}{type[1:]}"
    first = here.first or ("" if here.steps else member)
    return _Here((*here.steps, _one(member)), type, here.codes, first=first)


def _chained(steps: Sequence[Step]) -> Callable[[Json], list[Any]]:
    if len(steps) == 1:
        (only,) = steps
        return lambda resource: only([resource])

    def select(resource: Json) -> list[Any]:
        nodes: list[Any] = [resource]
        for step in steps:
            nodes = step(nodes)
            if not nodes:
                break
        return nodes

    return select


def _one(name: str) -> Step:
    return lambda nodes: [node[name] for node in nodes if type(node) is dict and name in node]


def _each(name: str) -> Step:
    def step(nodes: list[Any]) -> list[Any]:
        if len(nodes) == 1 and type(nodes[0]) is dict:
            found = nodes[0].get(name)
            return found if type(found) is list else [] if found is None else [found]
        return [item for node in nodes for item in step([node])]

    return step


def _all_of(name: str) -> Step:
    """A member of an element whose type is not known, an array or not."""

    def step(nodes: list[Any]) -> list[Any]:
        found = [node[name] for node in nodes if type(node) is dict and name in node]
        return [item for value in found for item in (value if type(value) is list else [value])]

    return step


def _nth(number: int) -> Step:
    return lambda nodes: nodes[number : number + 1]


def _with(member: str, value: str) -> Step:
    return lambda nodes: [n for n in nodes if type(n) is dict and n.get(member) == value]


def _with_extension(url: str) -> Step:
    return lambda nodes: [node for node in nodes if _extensions(node, url)]


def _extensions_of(url: str) -> Step:
    return lambda nodes: [found for node in nodes for found in _extensions(node, url)]


def _extension_values(nodes: list[Any]) -> list[Any]:
    return [value for node in nodes for name, value in node.items() if name.startswith("value")]


def _extensions(node: Any, url: str) -> list[Json]:
    listed = node.get("extension", ()) if type(node) is dict else ()
    return [item for item in listed if type(item) is dict and item.get("url") == url]


def _referring_to(target: str) -> Step:
    def step(nodes: list[Any]) -> list[Any]:
        return [node for node in nodes if type(node) is dict and _target(node) == target]

    return step


def _target(reference: Json) -> Any:
    text = reference.get("reference")
    found = reference_key(text)[0] if isinstance(text, str) else None
    return found or reference.get("type")
