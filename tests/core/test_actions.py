"""Actions: what a doctor may send, and what it is told when that is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.actions import (
    ACTION_TYPES,
    Finish,
    Say,
    Wait,
    parse_action,
    tool_name,
    tool_schemas,
)
from bedside.core.errors import ActionError


def test_plain_text_is_said() -> None:
    assert parse_action("  Where does it hurt?  ") == Say(text="Where does it hurt?")


def test_json_text_is_an_action() -> None:
    assert parse_action('{"type": "wait", "minutes": 5}') == Wait(minutes=5)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "say: 'text'"),
        ("{broken", "not valid JSON"),
        ("{" * 100_000, "not valid JSON"),
        ({"type": "dance"}, "'type' must be one of: say, examine"),
        ({}, "'type' must be one of"),
        ({"type": "wait"}, "wait: 'minutes': Field required"),
        ({"type": "wait", "minutes": 0}, "greater than or equal to 1"),
        ({"type": "wait", "minutes": 5, "why": ""}, "unknown field 'why'. Fields are: minutes."),
        ({"type": "finish", "diagnoses": []}, "finish: 'diagnoses'"),
        ({"type": "fhir_request", "method": "TRACE", "path": "x"}, "'method'"),
        (["say", "hello"], "JSON object"),
        (None, "JSON object"),
        (3.5, "JSON object"),
    ],
)
def test_a_bad_action_says_what_to_mend(value: object, says: str) -> None:
    with pytest.raises(ActionError) as caught:
        parse_action(value)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON | st.dictionaries(st.sampled_from(["type", "text", "minutes", "resource"]), JSON))
def test_nothing_but_action_errors_come_back(value: object) -> None:
    try:
        parse_action(value)
    except ActionError as error:
        assert str(error)


def test_every_action_is_offered_as_a_tool() -> None:
    stations = (tool_schemas("consult"), tool_schemas("chart"))
    offered = {tool["function"]["name"] for tools in stations for tool in tools}
    assert offered == {tool_name(kind) for kind in ACTION_TYPES}
    for tool in (*stations[0], *stations[1]):
        assert tool["function"]["description"]
        assert "type" not in tool["function"]["parameters"]["properties"]
    json.dumps(stations)


def test_a_station_offers_only_what_can_be_done_there() -> None:
    consult, chart = (
        {tool["function"]["name"] for tool in tool_schemas(station)}
        for station in ("consult", "chart")
    )
    assert {"say", "examine", "finish"} <= consult - chart
    assert chart - consult == {"answer"}


def test_an_action_survives_json() -> None:
    action = Finish.model_validate({"diagnoses": [{"name": "acne", "primary": True}]})
    assert parse_action(json.loads(action.model_dump_json())) == action
