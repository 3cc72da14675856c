"""A doctor for agents that only speak MedAgentBench's text protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from bedside.agents.base import Briefing
from bedside.agents.registry import load_module
from bedside.agents.script import Script, ScriptedDoctor
from bedside.agents.text_protocol import (
    BASE,
    ROUNDS,
    ROUNDS_EXTENDED,
    NoAction,
    action_of,
    first_message,
    reply_of,
)
from bedside.core.actions import Wait
from bedside.core.errors import ActionError, DoctorError
from bedside.core.observation import Observation
from bedside.scenarios.medagentbench import functions as read_functions

__all__ = ["Agent", "TextDoctor"]

_GIVE_UP = Wait(minutes=1440)
"""There is no answer; the time runs out, as an empty answer would be one."""


class Agent(Protocol):
    """What is asked of an agent, as in MedAgentBench."""

    def inference(self, history: list[dict[str, str]]) -> str:
        """The next message, after those so far: ``{"role": "user" or "agent", "content": ...}``."""


class TextDoctor(ScriptedDoctor):
    """Any agent of MedAgentBench, by its text protocol.

    It may send so many messages; after the last one, or one that is no action, it gives up: the
    task ends without an answer, as it does in MedAgentBench.

    Args:
        agent: its class, as ``path/to/file.py:Class`` or ``pkg.mod:Class``, made without arguments;
            or an agent that is already made.
        rounds: messages it may send; by default 8, and 16 with the extension.
        extension: tell it of transactions, which tasks need that change what is charted.
        functions: MedAgentBench's ``functions.json``, or the folder it is in, to tell it of.
        base: what the URLs in its messages begin with; nothing is asked over the network.
    """

    def __init__(
        self,
        agent: str | Agent,
        rounds: int | None = None,
        extension: bool = False,
        functions: str = "",
        base: str = BASE,
    ) -> None:
        super().__init__()
        self._agent = _made(agent) if isinstance(agent, str) else agent
        self._rounds = (ROUNDS_EXTENDED if extension else ROUNDS) if rounds is None else rounds
        self._extension = extension
        self._functions = read_functions(Path(functions)) if functions else None
        self._base = base
        if self._rounds < 1:
            raise DoctorError(f"doctor 'text': 'rounds' must be at least 1, not {rounds}")

    def begin(self, briefing: Briefing) -> None:
        if briefing.station != "chart":
            raise DoctorError(
                "doctor 'text' works in the chart alone and cannot talk to a patient; "
                "choose a suite of chart tasks"
            )
        super().begin(briefing)

    def consult(self, observation: Observation) -> Script:
        told = first_message(observation.text, self._base, self._functions, self._extension)
        history = [_message("user", told)]
        for _ in range(self._rounds):
            said = self._ask(history)
            history.append(_message("agent", said))
            try:
                action = action_of(said, self._base)
            except NoAction:
                break
            except ActionError as error:
                history.append(_message("user", str(error)))
                continue
            if action["type"] == "answer":
                return action
            observation = yield action
            history.append(_message("user", reply_of(observation)))
        return _GIVE_UP

    def _ask(self, history: list[dict[str, str]]) -> str:
        said: Any = self._agent.inference([dict(message) for message in history])
        if not isinstance(said, str):
            raise DoctorError(
                f"agent {type(self._agent).__name__}: inference returned "
                f"{type(said).__name__}; it must return the message as text"
            )
        return said


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _made(name: str) -> Agent:
    module, colon, cls = name.rpartition(":")
    if not colon:
        raise DoctorError(
            f"doctor 'text': 'agent' is '{name}'; give 'path/to/file.py:Class' or 'pkg.mod:Class'"
        )
    found = getattr(load_module(module), cls, None)
    if not isinstance(found, type) or not hasattr(found, "inference"):
        raise DoctorError(
            f"doctor 'text': agent '{name}' must be a class with a method inference(self, history)"
        )
    agent: Agent = found()
    return agent
