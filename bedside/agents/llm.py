"""A language model as the doctor, by native tool calling."""

from __future__ import annotations

import json
from typing import Any

from bedside.agents.base import Briefing, Doctor
from bedside.agents.models import Model, model_of
from bedside.core.flow import (
    Flow,
    Message,
    ModelReply,
    ModelRequest,
    Reply,
    Request,
    ToolCall,
    drive,
)
from bedside.core.observation import Observation

__all__ = ["LLMDoctor"]

_RULES = """\
You are a doctor seeing one patient in a clinic. Talk to the patient, examine, order tests, and \
work in the patient's FHIR R4 chart, by calling one tool at a time. Each call costs a turn.

- Speak plainly, warmly and briefly. Ask one thing at a time and listen.
- Ask about the symptoms, what may cause them, what was tried, past illnesses, medicines, \
allergies and operations, and what worries the patient and what they hope for.
- Rely only on what the patient, the examination, the tests and the chart show you.
- Read the charted allergies before you order a medicine.
- Before you finish, record your diagnosis as a Condition, order treatment as a MedicationRequest \
where it is indicated, explain both to the patient, and ask whether they agree.
- End with the finish tool: exactly one primary diagnosis, the findings it rests on, and a plan. \
Finish before your turns or minutes run out."""

_CHART_RULES = """\
You are a doctor at a desk with the FHIR R4 chart of a hospital, and one task to do in it. There \
is no patient to talk to. Work by calling one tool at a time. Each call costs a turn.

- Search the chart for what the task is about; find the patient by name or medical record number \
(Patient?identifier=MRN).
- Write only what the task asks for, for the right patient, in valid FHIR R4, and change nothing \
else. A refused write comes back with the reason: mend it and send it again.
- End with the answer tool: the values the task asks for, in its order, an empty list if it asks \
for none. Answer before your turns run out."""

_ONE_AT_A_TIME = "Not carried out: one action at a time. Only the first call was used."


class LLMDoctor(Doctor):
    """Any language model that LiteLLM reaches; the key is read from the environment.

    Args:
        model: LiteLLM's name of the model, for example ``openai/gpt-4o``.
        base_url: address of an OpenAI-compatible server; empty for the provider's own.
        temperature: sampling temperature; the provider's default if None.
        max_tokens: longest reply in tokens; the provider's default if None.
        timeout: seconds to wait for a reply.

    Attributes:
        model: answers the requests of :meth:`decide`.
    """

    def __init__(
        self,
        model: str,
        base_url: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float = 120.0,
    ) -> None:
        self.model: Model = model_of(model, base_url, temperature, max_tokens, timeout)
        self._messages: list[Message] = []
        self._calls: tuple[ToolCall, ...] = ()
        self._complaint = ""

    def begin(self, briefing: Briefing) -> None:
        self._messages = [Message("system", _system_prompt(briefing))]
        self._calls = ()

    def act(self, observation: Observation) -> Any:
        """As :meth:`decide`, asking the model itself.

        Raises:
            ProviderError: the model failed.
        """
        return drive(self.decide(observation), self._answer)

    def decide(self, observation: Observation) -> Flow[Any]:
        """Choose the next action by one request to the model."""
        self._take_in(observation)
        reply = yield ModelRequest("doctor", tuple(self._messages), observation.tools)
        assert isinstance(reply, ModelReply)
        action = self._to_action(reply)
        self._calls = tuple(map(_sendable, reply.tool_calls))
        self._messages.append(Message("assistant", reply.text, self._calls))
        return action

    def _answer(self, request: Request) -> Reply:
        assert isinstance(request, ModelRequest)
        return self.model.complete(request)

    def _take_in(self, observation: Observation) -> None:
        text = (
            f"{self._complaint}{observation.text}\n"
            f"[{observation.turns_left} turns and {observation.minutes_left} minutes left]"
        )
        self._complaint = ""
        if not self._calls:
            self._messages.append(Message("user", text))
            return
        first, *others = self._calls
        self._messages.append(Message("tool", text, tool_call_id=first.id))
        self._messages.extend(
            Message("tool", _ONE_AT_A_TIME, tool_call_id=call.id) for call in others
        )

    def _to_action(self, reply: ModelReply) -> Any:
        if not reply.tool_calls:
            return reply.text
        call = reply.tool_calls[0]
        arguments = _arguments(call)
        if arguments is None:
            self._complaint = f"The arguments of {call.name} were not one valid JSON object. "
            return {"type": call.name, "arguments": call.arguments}
        return {**arguments, "type": call.name}


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    """The arguments of a call, or None where they are no JSON object."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _sendable(call: ToolCall) -> ToolCall:
    """The call as it can be sent back: some providers refuse arguments that are no JSON object."""
    return call if _arguments(call) is not None else ToolCall(call.id, call.name, "{}")


def _system_prompt(briefing: Briefing) -> str:
    if briefing.station == "chart":
        return _CHART_RULES
    lines = [_RULES, f"The patient's id in the chart is {briefing.patient_id}."]
    if briefing.labels:
        lines.append(f"The diagnosis is one of: {', '.join(briefing.labels)}.")
    return "\n\n".join(lines)
