"""Requests that cross the edge of the no-I/O core, and the two small drivers that answer them.

A flow is a generator that yields a request and is resumed with its reply; it returns its result.
Flows that need nothing from outside never yield.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Literal, TypeVar

import msgspec

__all__ = [
    "ChartReply",
    "ChartRequest",
    "Flow",
    "Message",
    "ModelReply",
    "ModelRequest",
    "Reply",
    "Request",
    "ToolCall",
    "drive",
    "drive_async",
    "noted",
]

Role = Literal["doctor", "patient", "judge"]


class ToolCall(msgspec.Struct, frozen=True):
    """A call of a tool by a model; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One chat message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class ModelRequest(msgspec.Struct, frozen=True, tag="model", omit_defaults=True):
    """Ask a model for one message. `role` says for whom."""

    role: Role
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()


class ModelReply(msgspec.Struct, frozen=True, tag="model", omit_defaults=True):
    """One message of a model. `cost` is in US dollars, None when unknown."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None


class ChartRequest(msgspec.Struct, frozen=True, tag="chart", omit_defaults=True):
    """A request to a chart outside this process."""

    method: str
    url: str
    body: bytes = b""


class ChartReply(msgspec.Struct, frozen=True, tag="chart", omit_defaults=True):
    """Its reply."""

    status: int
    body: bytes = b""


Request = ModelRequest | ChartRequest
Reply = ModelReply | ChartReply
T = TypeVar("T")
Flow = Generator[Request, Reply, T]


def noted(flow: Flow[T], note: Callable[[Request, Reply], None]) -> Flow[T]:
    """The same flow, with every exchange noted as it is answered."""
    try:
        request = next(flow)
        while True:
            reply = yield request
            note(request, reply)
            request = flow.send(reply)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def drive(flow: Flow[T], answer: Callable[[Request], Reply]) -> T:
    """Run a flow to its result, answering each request at once."""
    try:
        request = next(flow)
        while True:
            request = flow.send(answer(request))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def drive_async(flow: Flow[T], answer: Callable[[Request], Awaitable[Reply]]) -> T:
    """Run a flow to its result, awaiting each answer."""
    try:
        request = next(flow)
        while True:
            request = flow.send(await answer(request))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
