"""A person at a terminal as the patient: reads the doctor's words, types the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core.flow import Flow, Message, ModelReply, ModelRequest
from bedside.patients.base import Utterance
from bedside.patients.understanding import understand
from bedside.scenarios.case import Case, Topic

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["LEAVE", "PersonAtTerminal", "PersonPatient"]

LEAVE = "/leave"
"""What a person types to end the encounter."""


class PersonPatient:
    """Someone who plays the patient. What they type is recorded as a reply from outside, so that
    the encounter can be replayed and scored without them."""

    kind = "person-1"

    def open(self) -> Flow[Utterance]:
        """The person's first words."""
        return (yield from self._ask("", ()))

    def hear(self, text: str) -> Flow[Utterance]:
        """The person's answer; the topics are those the scripted patient would have understood."""
        asked = (topic for part in understand(text) for topic in part.topics)
        return (yield from self._ask(text, tuple(dict.fromkeys(asked))))

    def _ask(self, text: str, topics: tuple[Topic, ...]) -> Flow[Utterance]:
        reply = yield ModelRequest("patient", (Message("user", text),))
        assert isinstance(reply, ModelReply)
        if reply.text == LEAVE:
            return Utterance("Goodbye.", (), topics, 0.0, leaves=True)
        return Utterance(reply.text, (), topics)


class PersonAtTerminal:
    """Shows the doctor's words and reads the person's answer from the terminal.

    Args:
        case: its person and facts are shown; its truth is not.
    """

    def __init__(self, case: Case) -> None:
        from rich.console import Console

        self._console: Console = Console()
        self._case = case

    def complete(self, request: ModelRequest) -> ModelReply:
        """One answer. The end of the input leaves the encounter."""
        text = request.messages[-1].content
        if text:
            self._console.print(f"[bold cyan]doctor>[/] {_plain(text)}")
        else:
            self._brief()
        while True:
            try:
                line = self._console.input("[bold green]you> [/]").strip()
            except (EOFError, KeyboardInterrupt):
                line = LEAVE
            if line:
                return ModelReply(text=line, model="person")

    def _brief(self) -> None:
        from rich.table import Table

        person = self._case.person
        who = f"{person.name}, {person.age:g} years, {person.sex}, {person.temperament}"
        table = Table(title=f"You are {_plain(who)}. {LEAVE} ends it. Begin with your complaint.")
        for column in ("topic", "what you know", "told"):
            table.add_column(column)
        for fact in self._case.facts:
            table.add_row(fact.topic, _plain(fact.text), fact.disclosure)
        self._console.print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    from bedside.core.visible import visible

    return escape(visible(text))
