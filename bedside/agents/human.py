"""A person at the terminal as the doctor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bedside.agents.base import Briefing, Doctor
from bedside.agents.baselines import undetermined
from bedside.agents.charting import prescribe, record_condition
from bedside.core.actions import (
    Answer,
    Calculate,
    Diagnosis,
    Examine,
    FhirRequest,
    Finish,
    Order,
    RequestPhoto,
    Say,
    Station,
    Wait,
)
from bedside.core.observation import Observation

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["HumanDoctor"]

_COMMANDS = (
    ("any words", "say them to the patient"),
    ("/examine skin", "examine, and see what you find"),
    ("/order blood count", "order a test; its result takes time"),
    ("/wait 30", "let 30 minutes pass"),
    ("/photo", "ask for a photo"),
    ("/get AllergyIntolerance?patient={patient}", "look into the chart"),
    ("/record DIAGNOSIS", "write the diagnosis into the chart"),
    ("/prescribe MEDICINE", "order a medicine in the chart"),
    ("/calc 70 * 15 / 1000", "calculate"),
    ("/done DIAGNOSIS; PLAN; BECAUSE", "end with your diagnosis, plan and the findings behind it"),
    ("/answer 7.2; 2026-01-14", "end a task in the chart with these values; /answer none"),
    ("/json {{...}}", "any action as JSON"),
    ("/help", "show this again"),
)
_OF_CHART = frozenset(("/get", "/calc", "/answer", "/json", "/help"))
_PURPOSE: dict[Station, str] = {
    "consult": "You are the doctor. Talk to the patient, find out what is wrong, and act on it.",
    "chart": "You are the doctor at a desk with the chart. Do the task, then answer.",
}
_TITLES = {
    "briefing": "Your next encounter",
    "patient": "Patient",
    "result": "Result",
    "chart": "Chart",
    "error": "Not possible",
    "end": "End",
}


class _Unclear(Exception):
    """The line is no command; the message says what to type."""


class HumanDoctor(Doctor):
    """You, at the terminal: plain text is said to the patient, commands begin with a slash."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console()
        self._patient_id = ""
        self._station: Station = "consult"

    def begin(self, briefing: Briefing) -> None:
        self._patient_id = briefing.patient_id

    def act(self, observation: Observation) -> Any:
        """Show the observation and read lines until one is an action."""
        if observation.kind == "briefing":
            self._station = observation.station
            self._console.print(self._help())
        self._show(observation)
        while True:
            try:
                line = self._console.input("[bold]you> [/bold]").strip()
            except (EOFError, KeyboardInterrupt):
                self._console.print("\nYou left without an end.")
                return Answer(values=()) if observation.station == "chart" else undetermined()
            if line == "/help":
                self._console.print(self._help())
            elif line:
                try:
                    return self._to_action(line)
                except _Unclear as hint:
                    self._console.print(str(hint), style="yellow", markup=False)

    def _to_action(self, line: str) -> Any:
        if not line.startswith("/"):
            return Say(text=line)
        command, _, rest = line[1:].partition(" ")
        rest = rest.strip()
        if command == "photo":
            return RequestPhoto(of=rest)
        make = self._makers().get(command)
        if make is None:
            names = ", ".join(f"/{name}" for name in ("photo", *self._makers()))
            raise _Unclear(f"There is no command '/{command}'. Commands: {names}, /help.")
        if not rest:
            raise _Unclear(f"Add something after '/{command}'; '/help' shows an example.")
        return make(rest)

    def _makers(self) -> dict[str, Callable[[str], Any]]:
        return {
            "examine": lambda what: Examine(what=what),
            "order": lambda test: Order(test=test),
            "wait": _wait,
            "get": lambda path: FhirRequest(method="GET", path=path),
            "record": lambda name: record_condition(self._patient_id, name),
            "prescribe": lambda name: prescribe(self._patient_id, name),
            "calc": lambda expression: Calculate(expression=expression[:200]),
            "done": _done,
            "answer": _answer,
            "json": _json,
        }

    def _show(self, observation: Observation) -> None:
        from rich.panel import Panel
        from rich.text import Text

        self._console.print(
            Panel(
                Text(_readable(observation)),
                title=_TITLES[observation.kind],
                subtitle=f"{observation.turns_left} turns, {observation.minutes_left} minutes left",
                title_align="left",
                subtitle_align="right",
                border_style="red" if observation.kind == "error" else "cyan",
            )
        )

    def _help(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=_PURPOSE[self._station],
            show_header=False,
            title_justify="left",
        )
        for command, meaning in _COMMANDS:
            if self._station == "chart" and command.split()[0] not in _OF_CHART:
                continue
            table.add_row(Text(command.format(patient=self._patient_id)), meaning)
        return table


def _wait(text: str) -> Wait:
    if not text.isdecimal() or not 1 <= int(text) <= 1440:
        raise _Unclear("Give the minutes as a whole number from 1 to 1440: /wait 30")
    return Wait(minutes=int(text))


def _done(text: str) -> Finish:
    name, plan, because = ([part.strip() for part in text.split(";", 2)] + ["", ""])[:3]
    if not name:
        raise _Unclear("Name the diagnosis first: /done DIAGNOSIS; PLAN; BECAUSE")
    return Finish(
        diagnoses=(Diagnosis(name=name[:200], primary=True),), plan=plan, explanation=because
    )


def _answer(text: str) -> Answer:
    """The values between semicolons: numbers where they are numbers, else text."""
    if text == "none":
        return Answer(values=())
    return Answer(values=tuple(_value(part.strip()) for part in text.split(";")))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _Unclear(f"That is not valid JSON: {error}") from None


def _readable(observation: Observation) -> str:
    """The text; a chart reply as indented JSON, a searchset by its resources."""
    if observation.kind != "chart" or not isinstance(observation.data, dict):
        return observation.text
    body = observation.data["body"]
    if not isinstance(body, dict) or body.get("type") != "searchset":
        return json.dumps(body, indent=2, ensure_ascii=False)
    found = [entry["resource"] for entry in body.get("entry", ())]
    shown = [json.dumps(resource, indent=2, ensure_ascii=False) for resource in found]
    return "\n\n".join(shown) or "Nothing is charted under that."
