"""The model client and the language-model doctor, up to a real HTTP server on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bedside.agents.base import Briefing
from bedside.agents.llm import LLMDoctor
from bedside.agents.models import LiteLLMModel, ScriptedModel
from bedside.core.actions import Examine, Say, parse_action
from bedside.core.errors import ActionError, ProviderError, UserError
from bedside.core.flow import Message, ModelReply, ModelRequest, ToolCall
from bedside.core.observation import Kind, Observation

BRIEFING = Briefing(seed=1, labels=("eczema", "psoriasis"), patient_id="p-77")
ASK = ModelRequest("doctor", (Message("user", "Hello"),))


def seen(text: str, kind: Kind = "patient", turn: int = 0) -> Observation:
    return Observation(
        kind=kind, text=text, turn=turn, turns_left=30 - turn, minute=turn, minutes_left=240
    )


def called(name: str, arguments: Any, call_id: str = "c1") -> ToolCall:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(call_id, name, text)


class Replies:
    """A scripted model that keeps what it was asked."""

    def __init__(self, *replies: ModelReply | str) -> None:
        self.requests: list[ModelRequest] = []
        self._replies = iter(replies)

    def __call__(self, request: ModelRequest) -> ModelReply | str:
        self.requests.append(request)
        return next(self._replies)


def doctor_with(replies: Replies) -> LLMDoctor:
    doctor = LLMDoctor("openai/stub")
    doctor.model = ScriptedModel(replies)
    doctor.begin(BRIEFING)
    return doctor


def last_tool_results(request: ModelRequest) -> dict[str | None, str]:
    return {m.tool_call_id: m.content for m in request.messages if m.role == "tool"}


def test_the_prompt_names_the_patient_the_labels_and_the_tools() -> None:
    replies = Replies("Hello!")
    observation = seen("The patient says: I itch.", "briefing")
    assert doctor_with(replies).act(observation) == "Hello!"
    (request,) = replies.requests
    system, user = request.messages
    assert "p-77" in system.content
    assert "eczema, psoriasis" in system.content
    assert "I itch." in user.content
    assert "30 turns and 240 minutes left" in user.content
    assert request.tools == observation.tools
    assert request.role == "doctor"


def test_a_tool_call_is_an_action_and_its_result_goes_back() -> None:
    replies = Replies(ModelReply(tool_calls=(called("examine", {"what": "skin"}),)), "Thank you.")
    doctor = doctor_with(replies)
    assert parse_action(doctor.act(seen("opening"))) == Examine(what="skin")
    assert parse_action(doctor.act(seen("dry patches", "result"))) == Say(text="Thank you.")
    assert "dry patches" in last_tool_results(replies.requests[-1])["c1"]


def test_only_the_first_of_parallel_calls_is_used() -> None:
    calls = (called("examine", {"what": "skin"}, "a"), called("wait", {"minutes": 5}, "b"))
    replies = Replies(ModelReply(tool_calls=calls), "Well.")
    doctor = doctor_with(replies)
    assert doctor.act(seen("opening"))["type"] == "examine"
    doctor.act(seen("dry patches", "result"))
    results = last_tool_results(replies.requests[-1])
    assert "dry patches" in results["a"]
    assert "one action at a time" in results["b"]


@pytest.mark.parametrize("arguments", ['{"what": "skin"', "[1]", "skin", "[" * 100_000])
def test_arguments_that_are_no_object_cost_a_turn_and_are_explained(arguments: str) -> None:
    replies = Replies(ModelReply(tool_calls=(called("examine", arguments),)), "Well.")
    doctor = doctor_with(replies)
    action = doctor.act(seen("opening"))
    with pytest.raises(ActionError) as refusal:
        parse_action(action)
    doctor.act(seen(str(refusal.value), "error"))
    result = last_tool_results(replies.requests[-1])["c1"]
    assert "The arguments of examine were not one valid JSON object." in result
    assert str(refusal.value) in result
    sent_back = replies.requests[-1].messages[-2].tool_calls[0]
    assert json.loads(sent_back.arguments) == {}


def test_an_unknown_tool_is_refused_with_the_known_ones() -> None:
    replies = Replies(ModelReply(tool_calls=(called("operate", {"on": "knee"}),)))
    with pytest.raises(ActionError, match="'type' must be one of: say, examine"):
        parse_action(doctor_with(replies).act(seen("opening")))


def test_arguments_cannot_change_which_tool_was_called() -> None:
    replies = Replies(ModelReply(tool_calls=(called("say", {"type": "finish", "text": "Hi"}),)))
    assert parse_action(doctor_with(replies).act(seen("opening"))) == Say(text="Hi")


def test_one_doctor_serves_encounters_anew_after_begin() -> None:
    replies = Replies(ModelReply(tool_calls=(called("examine", {"what": "skin"}),)), "Hello.")
    doctor = doctor_with(replies)
    doctor.act(seen("first patient"))
    doctor.begin(BRIEFING)
    doctor.act(seen("second patient"))
    assert [m.role for m in replies.requests[-1].messages] == ["system", "user"]


def test_a_scripted_model_answers_asynchronously_too() -> None:
    model = ScriptedModel(lambda request: request.messages[0].content.upper())
    assert asyncio.run(model.acomplete(ASK)) == ModelReply(text="HELLO")


def test_without_litellm_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'bedside\[llm\]'"):
        LiteLLMModel("openai/stub")


class Stub:
    """An OpenAI-compatible server that answers from a script of (status, body).

    Status 0 hangs up without an answer; ``patience`` is how long it thinks, in seconds.
    """

    def __init__(self) -> None:
        self.script: list[tuple[int, bytes]] = []
        self.patience = 0.0
        self.requests: list[dict[str, Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                stub.requests.append(json.loads(self.rfile.read(size)))
                time.sleep(stub.patience)
                status, data = stub.script.pop(0)
                if not status:
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def will_say(self, text: str = "", *calls: tuple[str, str, str]) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if calls:
            message["tool_calls"] = [
                {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
                for i, n, a in calls
            ]
        body = {
            "id": "r1",
            "object": "chat.completion",
            "created": 1,
            "model": "stub",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
        self.script.append((200, json.dumps(body).encode()))

    def will_fail(self, status: int, message: str, code: str | None = None) -> None:
        error = {"error": {"message": message, "type": "x", "code": code}}
        self.script.append((status, json.dumps(error).encode()))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("OPENAI_API_KEY", "dummy-secret-value")
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    served = Stub()
    thread = threading.Thread(target=served.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def test_a_doctor_works_through_litellm_and_http(stub: Stub) -> None:
    stub.will_say("", ("c1", "examine", '{"what": "skin"}'), ("c2", "wait", '{"minutes": 1}'))
    stub.will_say("How long have you had it?")
    doctor = LLMDoctor("openai/stub", base_url=stub.base_url, temperature=0.0)
    doctor.begin(BRIEFING)
    assert doctor.act(seen("I itch.", "briefing")) == {"type": "examine", "what": "skin"}
    assert doctor.act(seen("dry patches", "result")) == "How long have you had it?"
    first, second = stub.requests
    assert first["temperature"] == 0.0
    assert {tool["function"]["name"] for tool in first["tools"]} >= {"say", "examine", "finish"}
    roles = [message["role"] for message in second["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert [m["tool_call_id"] for m in second["messages"][3:]] == ["c1", "c2"]


def test_usage_is_kept_and_an_unknown_price_is_none(stub: Stub) -> None:
    model = LiteLLMModel("openai/stub", stub.base_url)
    stub.will_say("Hello.")
    reply = model.complete(ASK)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("Hello.", 11, 7)
    assert reply.cost is None
    stub.will_say("Hello again.")
    assert asyncio.run(model.acomplete(ASK)).text == "Hello again."


def test_a_known_price_is_reported(stub: Stub) -> None:
    stub.will_say("Hello.")
    cost = LiteLLMModel("openai/gpt-4o", stub.base_url).complete(ASK).cost
    assert cost is not None
    assert cost > 0


FAULTS = (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)


def failed(model: LiteLLMModel) -> list[ProviderError]:
    """What a model that fails raises, asked synchronously and asynchronously."""
    with pytest.raises(ProviderError) as sync:
        model.complete(ASK)
    with pytest.raises(ProviderError) as awaited:
        asyncio.run(model.acomplete(ASK))
    return [sync.value, awaited.value]


@pytest.mark.parametrize("status", FAULTS)
def test_a_providers_fault_is_a_provider_error(stub: Stub, status: int) -> None:
    for _ in range(2):
        stub.will_fail(status, "key dummy-secret-value and sk-abcdef123456 are bad")
    for error in failed(LiteLLMModel("openai/stub", stub.base_url)):
        assert "are bad" in str(error)
        assert "secret" not in str(error)
        assert "sk-abc" not in str(error)
        assert error.status == status
    assert len(stub.requests) == 2


def test_a_conversation_that_is_too_long_is_a_provider_error(stub: Stub) -> None:
    for _ in range(2):
        stub.will_fail(
            400, "This model's maximum context length is 10 tokens", "context_length_exceeded"
        )
    for error in failed(LiteLLMModel("openai/stub", stub.base_url)):
        assert "ContextWindowExceededError" in str(error)
        assert error.status == 400


NO_REPLIES = (
    b"", b"{", b"null", b"[]", b"<html>Bad gateway</html>", b'{"error": {"message": "busy"}}',
    b'{"id": "r1", "object": "chat.completion", "created": 1, "model": "stub", "choices": []}',
    b'{"id": "r1", "object": "chat.completion", "created": 1, "model": "stub", "choices": [{}]}',
)  # fmt: skip


@pytest.mark.parametrize("body", NO_REPLIES)
def test_an_answer_that_is_no_reply_is_a_provider_error(stub: Stub, body: bytes) -> None:
    stub.script = [(200, body), (200, body)]
    failed(LiteLLMModel("openai/stub", stub.base_url))


def test_a_broken_connection_is_a_provider_error(stub: Stub) -> None:
    stub.script = [(0, b""), (0, b"")]
    failed(LiteLLMModel("openai/stub", stub.base_url))


def test_a_model_that_takes_too_long_is_a_provider_error(stub: Stub) -> None:
    stub.patience = 0.6
    stub.will_say("Late.")
    stub.will_say("Late.")
    for error in failed(LiteLLMModel("openai/stub", stub.base_url, timeout=0.2)):
        assert "Timeout" in str(error)


@pytest.mark.parametrize("model", ["openai/stub", "ollama/stub", "anthropic/stub"])
def test_no_server_is_a_provider_error(model: str) -> None:
    failed(LiteLLMModel(model, "http://127.0.0.1:9/v1", api_key="dummy", timeout=5))


def test_no_key_and_an_unknown_provider_are_provider_errors(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    failed(LiteLLMModel("openai/stub", stub.base_url))
    assert "LLM Provider NOT provided" in str(failed(LiteLLMModel("no-such-model"))[0])
    assert stub.requests == []
