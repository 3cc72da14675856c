"""Flows: the no-I/O core and its two drivers."""

from __future__ import annotations

import asyncio

import pytest

from bedside.core.errors import ProviderError
from bedside.core.flow import (
    Flow,
    ModelReply,
    ModelRequest,
    Reply,
    Request,
    drive,
    drive_async,
    noted,
)

ASK = ModelRequest("doctor", ())


def echo_twice() -> Flow[list[str]]:
    first = yield ASK
    second = yield ASK
    assert isinstance(first, ModelReply) and isinstance(second, ModelReply)
    return [first.text, second.text]


def nothing_to_ask() -> Flow[str]:
    return "done"
    yield ASK


class Numbered:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Request) -> Reply:
        self.count += 1
        return ModelReply(text=str(self.count))

    async def later(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        return self(request)


def test_both_drivers_give_the_same() -> None:
    assert drive(echo_twice(), Numbered()) == ["1", "2"]
    assert asyncio.run(drive_async(echo_twice(), Numbered().later)) == ["1", "2"]


def test_a_flow_may_need_nothing() -> None:
    assert drive(nothing_to_ask(), Numbered()) == "done"


def test_every_exchange_is_noted() -> None:
    notes: list[str] = []

    def note(request: Request, reply: Reply) -> None:
        assert isinstance(reply, ModelReply)
        notes.append(reply.text)

    assert drive(noted(echo_twice(), note), Numbered()) == notes == ["1", "2"]


def test_a_providers_fault_reaches_the_caller() -> None:
    def fails(request: Request) -> Reply:
        raise ProviderError("overloaded", status=529)

    with pytest.raises(ProviderError) as caught:
        drive(echo_twice(), fails)
    assert caught.value.status == 529
