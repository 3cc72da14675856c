"""Whatever a doctor sends: it costs a turn, says what to mend, and the trace plays again."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core import trace
from bedside.core.actions import Create, Finish, Say, Search, Update, Wait, plain_json
from bedside.core.flow import Reply, Request, drive
from bedside.core.observation import Observation
from bedside.envs.encounter import Encounter
from bedside.envs.replay import watch
from bedside.scenarios import catalogue

SUITE = catalogue.load("consult")
CASE = SUITE.cases[0]
FINISH = {"type": "finish", "diagnoses": [{"name": "nothing", "primary": True}]}
LONE = "\ud800"


def nobody(request: Request) -> Reply:
    raise AssertionError("nothing should leave the process")


def played(*actions: Any) -> list[Observation]:
    """What the doctor sees after each action, if the stored trace gives the same again."""
    encounter = Encounter(CASE, suite=SUITE, seed=1)
    seen = [drive(encounter.open(), nobody)]
    for action in (*actions, FINISH):
        if not encounter.over:
            seen.append(drive(encounter.act(action), nobody))
    stored = trace.encode_trace(encounter.events)
    again, shown = watch(trace.decode_trace(stored), CASE, SUITE)
    assert trace.encode_trace(again.events) == stored
    assert [observation for _, observation in shown] == seen
    assert again.sheet() == encounter.sheet()
    return seen[1:]


def yielding() -> Iterator[str]:
    yield "When did it start?"


class Rude(dict[str, Any]):
    def items(self) -> Any:
        raise KeyError("not today")


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (LONE, "surrogates not allowed"),
        ({"type": "say", "text": LONE}, "surrogates not allowed"),
        (Say.model_construct(text=LONE), "surrogates not allowed"),
        (Create(resource={"resourceType": LONE}), "surrogates not allowed"),
        ('{"type":"create","resource":{"resourceType":"\\ud800"}}', "half of a surrogate pair"),
        (
            '{"type":"update","resource":{"resourceType":"Patient","id":"\\ud800"}}',
            "half of a surrogate pair",
        ),
        (yielding(), "generator is no JSON type"),
        (object(), "object is no JSON type"),
        ({1, 2}, "set is no JSON type"),
        (b"Hello", "bytes is no JSON type"),
        ({"type": "say", "text": b"Hello"}, "bytes is no JSON type"),
        ({"type": "finish", "plan": float("nan")}, "not JSON compliant"),
        ('{"type":"wait","minutes":NaN}', "NaN is no JSON number"),
        ('{"type":"wait","minutes":' + "9" * 5000 + "}", "a number has 5000 digits"),
        ({"type": "wait", "minutes": 10**5000}, "4300 digits"),
        ({"type": "wait", "minutes": 10**30}, "less than or equal to 1440"),
        ('{"type":' + "[" * 100_000, "nested more than 100 deep"),
        ('{"type":' + "[" * 101 + "]" * 101 + "}", "nested more than 100 deep"),
        (Wait.model_construct(minutes=-100), "wait: 'minutes'"),
        (Finish.model_construct(), "finish: 'diagnoses': Field required"),
        (Say.model_construct(text=5), "say: 'text': Input should be a valid string"),
        (Search.model_construct(resource_type=["Patient"]), "search: 'resource_type'"),
        (Update.model_construct(resource="Patient/1"), "update: 'resource'"),
        (None, "not NoneType"),
        ({"type": "unreadable"}, "cannot be written as JSON"),
        (Rude(type="say", text="Hello"), "not today"),
    ],
)
def test_an_invalid_action_costs_a_turn_and_plays_again(action: Any, says: str) -> None:
    refused, end = played(action)
    assert refused.kind == "error"
    assert says in refused.text
    assert len(refused.text) < 400
    assert (refused.turn, refused.minute, end.kind) == (1, 0, "end")


@pytest.mark.parametrize(
    "greeting",
    [
        np.str_("Hello."),
        {"type": "say", "text": np.str_("Hello.")},
        MappingProxyType({"type": "say", "text": "Hello."}),
        Say(text="Hello."),
        '{"type": "say", "text": "Hello."}',
    ],
)
def test_words_in_any_dress_are_said(greeting: Any) -> None:
    assert played(greeting) == played("Hello.")


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.binary()
    | st.text(st.characters(codec=None))
    | st.sampled_from([10**25, -(10**400), LONE, object(), "Condition", "Patient"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["resourceType", "id", "code", "text", "name", LONE, "type"]), inner
    ),
    max_leaves=8,
)  # fmt: skip
KINDS = st.sampled_from([Create, Update, Say, Wait, Search, Finish])
FIELDS = st.sampled_from(["resource", "text", "minutes", "resource_type", "params", "diagnoses"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        ODD
        | st.builds(lambda kind, field, value: {"type": kind, field: value},
                    st.sampled_from(["create", "update", "say", "search"]), FIELDS, ODD)
        | st.builds(lambda kind, field, value: kind.model_construct(**{field: value}),
                    KINDS, FIELDS, ODD),
        max_size=6,
    )
)  # fmt: skip
def test_nothing_a_doctor_sends_breaks_the_trace(actions: list[Any]) -> None:
    played(*actions)


@given(ODD)
def test_plain_json_is_its_own_plain_json(value: Any) -> None:
    once = plain_json(value)
    assert plain_json(once) == once
