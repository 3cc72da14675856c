"""MedAgentBench's text protocol: a message of the agent is one action, and a text answers it.

``GET url?params`` asks the chart; ``POST url``, a new line and JSON writes to it; ``FINISH([...])``
ends the task with the answer. Writes are really carried out here. What needs other methods is a
declared extension: a POST of a transaction Bundle to the base itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bedside.core.errors import ActionError
from bedside.core.observation import Observation
from bedside.fhir_server.jsontext import encode
from bedside.scenarios.chart_case import ChartCase, GoldRequest

__all__ = [
    "BASE",
    "ROUNDS",
    "ROUNDS_EXTENDED",
    "NoAction",
    "action_of",
    "first_message",
    "oracle_messages",
    "reply_of",
]

Json = dict[str, Any]

BASE = "http://localhost:8080/fhir/"
"""What the URLs of messages begin with, as in MedAgentBench; nothing is asked over the network."""

ROUNDS = 8
"""Messages that an agent has for a task."""
ROUNDS_EXTENDED = 16
"""The same where the extension is needed."""

_RULES = """\
You are an expert at working in patients' charts through FHIR R4. You will be given a task and \
answer with one message after another; each message is exactly one of these three, and nothing else.

1. To look something up:
GET URL?name=value&name=value

2. To write to the chart, the URL on the first line and JSON on the following ones:
POST URL
{"resourceType": ...}

3. When the task is done, to end it with your answers as a JSON list:
FINISH([answer, answer, ...])

Every URL begins with {base}"""

_EXTENSION = """\
To change, patch or delete what is in the chart, POST a Bundle of type transaction to {base} \
itself, each of whose entries has a request with method (POST, PUT, PATCH or DELETE) and url."""

_FUNCTIONS = "The functions you may use, in JSON; {api_base} stands for the URL above without its \
last slash:"

_GO_ON = "Send FINISH when every question is answered and everything asked for is done."


class NoAction(ActionError):
    """A message is none of the protocol's actions, which ends the task."""


def first_message(
    task: str, base: str, functions: list[Json] | None = None, extension: bool = False
) -> str:
    """What an agent is told first.

    Args:
        task: the task.
        base: what every URL begins with.
        functions: what the chart offers, as MedAgentBench lists it; None leaves it open.
        extension: tell of transactions too.
    """
    base = _slashed(base)
    parts = [_RULES.replace("{base}", base)]
    if extension:
        parts.append(_EXTENSION.replace("{base}", base))
    if functions is not None:
        parts.append(f"{_FUNCTIONS}\n{json.dumps(functions)}")
    return "\n\n".join([*parts, f"The task: {task.strip()}"])


def action_of(text: str, base: str) -> Json:
    """The action that an agent's message is. Code fences around it are dropped.

    A FINISH that holds no JSON list is an answer all the same, whose one value is the message.

    Raises:
        NoAction: it is neither GET, POST nor FINISH.
        ActionError: it is a GET or POST that cannot be sent; the message is for the agent.
    """
    text = text.replace("```tool_code", "").replace("```json", "").replace("```", "").strip()
    if text.startswith("GET"):
        return {"type": "fhir_request", "method": "GET", "path": _path("GET", text[3:], base)}
    if text.startswith("POST"):
        url, _, payload = text[4:].partition("\n")
        path = _path("POST", url, base)
        return {"type": "fhir_request", "method": "POST", "path": path, "body": _body(payload)}
    if text.startswith("FINISH("):
        return {"type": "answer", "values": _answers(text)}
    raise NoAction(
        "Invalid action: a message begins with GET, POST or FINISH( and holds nothing else."
    )


def reply_of(observation: Observation) -> str:
    """What an agent is told of what its action brought."""
    if observation.kind != "chart":
        return observation.text
    status, body = observation.data["status"], observation.data["body"]
    shown = json.dumps(body)
    if status >= 400:
        return f"Error {status} in sending the request: {shown}"
    if status == 201 or (isinstance(body, dict) and body.get("type") == "transaction-response"):
        return f"POST request accepted and carried out ({status}): {shown}\n{_GO_ON}"
    return f"The chart answered:\n{shown}\n{_GO_ON}"


def oracle_messages(case: ChartCase, base: str) -> list[str]:
    """The messages of a perfect doctor.

    Requests that are no POST become transactions, as many as follow on one another in one.
    """
    messages: list[str] = []
    for single, group in groupby(case.gold, lambda request: request.method == "POST"):
        requests = list(group)
        messages.extend(_posts(requests, base) if single else [_transaction(requests, base)])
    return [*messages, f"FINISH({encode(case.gold_answer).decode()})"]


def _slashed(base: str) -> str:
    return f"{base.rstrip('/')}/"


def _path(method: str, url: str, base: str) -> str:
    """What follows the base in a URL; "/" for the base itself."""
    url, base = url.strip(), _slashed(base)
    if f"{url}/" == base:
        return "/"
    if not url.startswith(base):
        raise ActionError(f"Invalid {method} request: the URL must begin with {base}")
    if "\n" in url:
        raise ActionError(f"Invalid {method} request: send the URL alone, on one line.")
    return url.removeprefix(base) or "/"


def _body(payload: str) -> Json | list[Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ActionError(
            f"Invalid POST request: what follows its first line is not JSON ({error})."
        ) from None
    if not isinstance(body, dict | list):
        raise ActionError("Invalid POST request: what follows its first line must be an object.")
    return body


def _answers(text: str) -> list[Any]:
    try:
        values = json.loads(text[len("FINISH(") : -1])
    except (ValueError, RecursionError):
        return [text]
    return values if isinstance(values, list) else [text]


def _posts(requests: Sequence[GoldRequest], base: str) -> Iterator[str]:
    for request in requests:
        path = request.path.lstrip("/")
        yield f"POST {_slashed(base)}{path}\n{encode(request.body).decode()}"


def _transaction(requests: Sequence[GoldRequest], base: str) -> str:
    entries = [_entry(request) for request in requests]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return f"POST {_slashed(base)}\n{encode(bundle).decode()}"


def _entry(request: GoldRequest) -> Json:
    entry: Json = {"request": {"method": request.method, "url": request.path}}
    if request.method == "PATCH":
        return {"resource": _patch(request.body), **entry}
    return {"resource": request.body, **entry} if request.body is not None else entry


def _patch(body: Json | Sequence[Json] | None) -> Json:
    """A JSON Patch as a transaction carries it."""
    data = base64.b64encode(encode(body)).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
