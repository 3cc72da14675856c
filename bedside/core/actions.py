"""What a doctor may do. Each action is a tool; its JSON Schema is generated from its model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bedside.core.errors import ActionError
from bedside.core.plain import parsed, plain

__all__ = [
    "ACTION_TYPES",
    "Action",
    "Answer",
    "AnyAction",
    "BaseAction",
    "Calculate",
    "Create",
    "Diagnosis",
    "Examine",
    "FhirRequest",
    "Finish",
    "Order",
    "Read",
    "RequestPhoto",
    "Say",
    "Search",
    "Station",
    "Update",
    "Wait",
    "parse_action",
    "plain_json",
    "refuse_elsewhere",
    "tool_schemas",
]

Json = dict[str, Any]


class BaseAction(BaseModel):
    """Base of all actions."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=20_000)
    cost: ClassVar[int] = 1
    """Minutes the encounter's clock moves on."""


class Say(BaseAction):
    """Say something to the patient: greet, ask, explain, advise. The patient answers."""

    type: Literal["say"] = "say"
    text: str = Field(min_length=1, description="What you say, in plain words.")


class Examine(BaseAction):
    """Examine the patient and get the findings, for example "skin" or "vital signs"."""

    type: Literal["examine"] = "examine"
    what: str = Field(min_length=1, description="Body part, system or sign to examine.")
    cost: ClassVar[int] = 2


class Order(BaseAction):
    """Order a test or imaging. The result arrives after its turnaround; use wait if you need it."""

    type: Literal["order"] = "order"
    test: str = Field(
        min_length=1, description="Name of the test, for example 'complete blood count'."
    )


class RequestPhoto(BaseAction):
    """Ask for a photo of the complaint."""

    type: Literal["request_photo"] = "request_photo"
    of: str = Field(default="", description="What the photo should show.")


class FhirRequest(BaseAction):
    """Send one FHIR R4 request to the chart, for example GET Condition?patient=ID."""

    type: Literal["fhir_request"] = "fhir_request"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(description="HTTP method.")
    path: str = Field(min_length=1, description="Path relative to the FHIR base, with its query.")
    body: Json | list[Json] | None = Field(
        default=None, description="The resource or Bundle for POST and PUT, a JSON Patch for PATCH."
    )


class Search(BaseAction):
    """Search the chart for resources of one type."""

    type: Literal["search"] = "search"
    resource_type: str = Field(min_length=1, description="For example 'MedicationRequest'.")
    params: dict[str, str] = Field(
        default_factory=dict, description="Search parameters, for example {'patient': 'ID'}."
    )


class Read(BaseAction):
    """Read one resource of the chart by type and id."""

    type: Literal["read"] = "read"
    resource_type: str = Field(min_length=1)
    id: str = Field(min_length=1)


class Create(BaseAction):
    """Create a resource in the chart: record a Condition, order a MedicationRequest, refer."""

    type: Literal["create"] = "create"
    resource: Json = Field(description="A complete FHIR R4 resource without id.")


class Update(BaseAction):
    """Replace a resource of the chart by a new version; it must carry its id."""

    type: Literal["update"] = "update"
    resource: Json = Field(description="The complete FHIR R4 resource with its id.")


class Calculate(BaseAction):
    """Work out an arithmetic expression, for example '70 * 15 / 1000'."""

    type: Literal["calculate"] = "calculate"
    expression: str = Field(min_length=1, max_length=200)
    cost: ClassVar[int] = 0


class Wait(BaseAction):
    """Let time pass, for example until a result is back."""

    type: Literal["wait"] = "wait"
    minutes: int = Field(ge=1, le=1440, description="Minutes to wait.")
    cost: ClassVar[int] = 0


class Diagnosis(BaseModel):
    """One entry of the differential."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    code: str | None = Field(default=None, max_length=20, description="ICD-10-CM code, if known.")
    confidence: float = Field(default=0.5, ge=0, le=1)
    primary: bool = Field(default=False, description="True for exactly one diagnosis.")


class Finish(BaseAction):
    """End the encounter with ranked diagnoses (exactly one primary), the basis, and the plan."""

    type: Literal["finish"] = "finish"
    diagnoses: tuple[Diagnosis, ...] = Field(min_length=1, max_length=50)
    explanation: str = Field(default="", description="The findings your conclusion rests on.")
    plan: str = Field(default="", description="Investigations, treatment, follow-up.")


class Answer(BaseAction):
    """End a chart task with the values it asks for, in order; an empty list if it asks for none."""

    type: Literal["answer"] = "answer"
    values: tuple[Any, ...] = Field(
        max_length=200, description="Numbers, texts, dates or codes, as the task says."
    )
    cost: ClassVar[int] = 0


AnyAction = (
    Say | Examine | Order | RequestPhoto | FhirRequest | Search | Read | Create | Update
    | Calculate | Wait | Finish | Answer
)  # fmt: skip
Action = Annotated[AnyAction, Field(discriminator="type")]

_ADAPTER: TypeAdapter[AnyAction] = TypeAdapter(Action)
ACTION_TYPES: tuple[type[BaseAction], ...] = get_args(AnyAction)
Station = Literal["consult", "chart"]
"""Where a doctor works: with a patient and the chart, or with the chart alone."""
_AT_STATION: Mapping[Station, tuple[type[BaseAction], ...]] = {
    "consult": tuple(kind for kind in ACTION_TYPES if kind is not Answer),
    "chart": (FhirRequest, Search, Read, Create, Update, Calculate, Wait, Answer),
}

_UNREADABLE = "unreadable"
_LONGEST_FAULT = 200


def plain_json(value: Any) -> Any:
    """What a doctor sent, as the plain JSON that the trace stores and that is then parsed.

    What cannot be written as JSON becomes ``{"type": "unreadable", "fault": ...}``, which
    :func:`parse_action` refuses by telling the fault.
    """
    try:
        return plain(value)
    except ValueError as error:
        fault = str(error)[:_LONGEST_FAULT].encode(errors="backslashreplace").decode()
        return {"type": _UNREADABLE, "fault": fault}


def parse_action(value: Any) -> AnyAction:
    """Turn a model, a dict or text into an action.

    Text that is a JSON object is an action by its ``type``; any other text is said to the patient.

    Raises:
        ActionError: the value is no valid action; the message names the field and the mend.
    """
    if isinstance(value, BaseAction):
        return value  # type: ignore[return-value]
    if isinstance(value, str):
        value = _from_text(value)
    if not isinstance(value, dict):
        raise ActionError(f"An action is a JSON object with a 'type', not {type(value).__name__}.")
    try:
        return _ADAPTER.validate_python(value)
    except ValidationError as error:
        raise ActionError(_readable(error)) from None


def _from_text(text: str) -> Any:
    stripped = text.strip()
    if not stripped.startswith("{"):
        return {"type": "say", "text": stripped}
    try:
        return parsed(stripped)
    except ValueError as error:
        raise ActionError(
            f"The action is not valid JSON ({error}). Send one JSON object."
        ) from None


def _readable(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_type(first["input"])
    kind, *path = first["loc"]
    field = ".".join(map(str, path)) or "the action"
    known = next(a for a in ACTION_TYPES if tool_name(a) == kind)
    if first["type"] == "extra_forbidden":
        fields = ", ".join(name for name in known.model_fields if name != "type")
        return f"{kind}: unknown field '{field}'. Fields are: {fields or 'none'}."
    return f"{kind}: '{field}': {first['msg']}."


def _unknown_type(value: Mapping[str, Any]) -> str:
    if value.get("type") == _UNREADABLE:
        return (
            f"The action cannot be written as JSON ({value.get('fault')}). "
            "Send a JSON object with a 'type', or plain text."
        )
    names = ", ".join(tool_name(kind) for kind in ACTION_TYPES)
    return f"'type' must be one of: {names}."


def tool_name(kind: type[BaseAction]) -> str:
    """The name under which an action is offered to a model."""
    return str(kind.model_fields["type"].default)


@cache
def tool_schemas(station: Station = "consult", /) -> tuple[Json, ...]:
    """The actions that a station knows as function tools in the OpenAI format; shared, do not
    change."""
    return tuple(_tool_schema(kind) for kind in _AT_STATION[station])


def refuse_elsewhere(action: BaseAction, station: Station) -> None:
    """Raise an :class:`ActionError` where a station does not know an action."""
    if type(action) not in _AT_STATION[station]:
        names = ", ".join(tool_name(kind) for kind in _AT_STATION[station])
        why = (
            "There is no patient here, only the chart" if station == "chart" else "This is a visit"
        )
        raise ActionError(f"{why}: '{tool_name(type(action))}' is not possible. Use: {names}.")


def _tool_schema(kind: type[BaseAction]) -> Json:
    parameters = kind.model_json_schema()
    parameters["properties"].pop("type")
    for key in ("title", "description"):
        parameters.pop(key, None)
    description = " ".join((kind.__doc__ or "").split())
    return {
        "type": "function",
        "function": {"name": tool_name(kind), "description": description, "parameters": parameters},
    }
