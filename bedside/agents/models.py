"""The model client: one small protocol, a scripted model for tests, and every provider by LiteLLM.

Keys are read from the environment by LiteLLM and never appear in errors or traces.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from bedside.core.errors import ProviderError, UserError
from bedside.core.flow import Message, ModelReply, ModelRequest, ToolCall

__all__ = ["LiteLLMModel", "Model", "ScriptedModel", "model_of"]

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"\b(?:sk|pk|key)-[\w*.-]{4,}|\bBearer\s+\S+", re.IGNORECASE)
_LONGEST_ERROR = 400


class Model(Protocol):
    """Answers one model request, synchronously or asynchronously.

    Both methods raise :class:`ProviderError` when the provider fails.
    """

    def complete(self, request: ModelRequest) -> ModelReply: ...

    async def acomplete(self, request: ModelRequest) -> ModelReply: ...


class ScriptedModel:
    """A model whose replies a function gives; text stands for a reply without tool calls."""

    def __init__(self, handler: Callable[[ModelRequest], ModelReply | str]) -> None:
        self._handler = handler

    def complete(self, request: ModelRequest) -> ModelReply:
        reply = self._handler(request)
        return ModelReply(text=reply) if isinstance(reply, str) else reply

    async def acomplete(self, request: ModelRequest) -> ModelReply:
        return self.complete(request)


class LiteLLMModel:
    """Any model that LiteLLM reaches. It never retries: whoever asks decides.

    Args:
        model: LiteLLM's name of the model, for example ``openai/gpt-4o`` or ``ollama/llama3``.
        base_url: address of an OpenAI-compatible server, or None for the provider's own.
        params: further parameters of the completion, for example ``temperature``.

    Raises:
        UserError: LiteLLM is not installed.
    """

    def __init__(self, model: str, base_url: str | None = None, **params: Any) -> None:
        if importlib.util.find_spec("litellm") is None:
            raise UserError(
                f"the model '{model}' needs LiteLLM; install it with: pip install 'bedside[llm]', "
                "or in a clone: pip install '.[llm]'"
            )
        self.model = model
        self._params = {"num_retries": 0, "max_retries": 0, **params}
        if base_url:
            self._params["api_base"] = base_url

    def complete(self, request: ModelRequest) -> ModelReply:
        litellm, provider_fault = _litellm()
        try:
            response = litellm.completion(**self._call(request))
        except provider_fault as error:
            raise _provider_error(error) from None
        return _reply(litellm, self.model, response)

    async def acomplete(self, request: ModelRequest) -> ModelReply:
        litellm, provider_fault = _litellm()
        try:
            response = await litellm.acompletion(**self._call(request))
        except provider_fault as error:
            raise _provider_error(error) from None
        return _reply(litellm, self.model, response)

    def _call(self, request: ModelRequest) -> dict[str, Any]:
        call = {
            "model": self.model,
            "messages": [_as_openai(message) for message in request.messages],
            **self._params,
        }
        if request.tools:
            call["tools"] = list(request.tools)
        return call


def model_of(
    model: str,
    base_url: str = "",
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout: float = 120.0,
) -> LiteLLMModel:
    """A model by the options that users give.

    Args:
        model: LiteLLM's name of the model, for example ``openai/gpt-4o``.
        base_url: address of an OpenAI-compatible server; empty for the provider's own.
        temperature: sampling temperature; the provider's default if None.
        max_tokens: longest reply in tokens; the provider's default if None.
        timeout: seconds to wait for a reply.

    Raises:
        UserError: LiteLLM is not installed.
    """
    options = {"temperature": temperature, "max_tokens": max_tokens, "timeout": timeout}
    given = {name: value for name, value in options.items() if value is not None}
    return LiteLLMModel(model, base_url or None, **given)


@cache
def _litellm() -> tuple[Any, tuple[type[Exception], ...]]:
    """LiteLLM and the errors by which it reports a provider's fault, whoever the provider is."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm
    from litellm.exceptions import LITELLM_EXCEPTION_TYPES

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm, tuple(LITELLM_EXCEPTION_TYPES)


def _as_openai(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_call_id is not None:
        plain["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        plain["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return plain


def _reply(litellm: Any, model: str, response: Any) -> ModelReply:
    if not response.choices:
        raise ProviderError("the model's reply has no choices")
    message = response.choices[0].message
    usage = getattr(response, "usage", None)
    return ModelReply(
        text=message.content or "",
        tool_calls=tuple(
            ToolCall(call.id, call.function.name or "", call.function.arguments or "")
            for call in message.tool_calls or ()
        ),
        model=response.model or model,
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
        cost=_cost(litellm, model, response),
    )


def _cost(litellm: Any, model: str, response: Any) -> float | None:
    """In US dollars; None for a model whose price LiteLLM does not know."""
    try:
        litellm.get_model_info(model)
        return float(litellm.completion_cost(completion_response=response, model=model))
    except Exception:  # LiteLLM raises bare exceptions for a model it has no price for
        return None


def _provider_error(error: Exception) -> ProviderError:
    status = getattr(error, "status_code", None)
    return ProviderError(
        f"{type(error).__name__}: {_without_secrets(str(error))}",
        status=status if isinstance(status, int) else None,
    )


def _without_secrets(text: str) -> str:
    for name, value in os.environ.items():
        if len(value) >= 6 and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return _SECRET_TEXT.sub("***", text)[:_LONGEST_ERROR]
