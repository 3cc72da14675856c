"""Traces: what is written can be read, and damage is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core import trace
from bedside.core.errors import TraceError

STARTED = trace.Started("c1", "s", 1, 0, "d", "p", 30, 240, "abc")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = st.lists(TEXT, max_size=3).map(tuple)
EVENTS = st.one_of(
    st.builds(trace.Acted, st.dictionaries(TEXT, TEXT), st.integers(0, 99), st.integers(0, 99)),
    st.builds(trace.Refused, TEXT),
    st.builds(trace.Spoke, TEXT, WORDS, WORDS, st.floats(0, 1)),
    st.builds(trace.Examined, WORDS),
    st.builds(trace.Ordered, WORDS, st.integers(0, 99)),
    st.builds(trace.Resulted, WORDS),
    st.builds(trace.Charted, TEXT, TEXT, st.integers(100, 599), TEXT),
    st.builds(trace.Ended, st.sampled_from(["finished", "patient_left"])),
)


@given(st.lists(EVENTS, max_size=8))
def test_what_is_written_can_be_read(events: list[trace.Event]) -> None:
    data = trace.encode_trace([STARTED, *events])
    assert trace.decode_trace(data) == [STARTED, *events]
    assert trace.encode_trace(trace.decode_trace(data)) == data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin with a 'started' event"),
        (trace.encode_trace([trace.Refused("x")]), "does not begin with a 'started' event"),
        (trace.encode_trace([STARTED]) + b'{"type":"dan', "line 2 of the trace is no event"),
        (trace.encode_trace([STARTED]) + b'{"type":"refused","reason":1}\n', "line 2"),
        (trace.encode_trace([STARTED]).replace(b'"seed":1', b'"seed":"\xff"'), "line 1"),
    ],
)
def test_damage_is_named(data: bytes, says: str) -> None:
    with pytest.raises(TraceError, match=says):
        trace.decode_trace(data)


def test_another_version_is_refused() -> None:
    other = trace.Started("c1", "s", 1, 0, "d", "p", 30, 240, "abc", trace_version=99)
    with pytest.raises(TraceError, match="version 99"):
        trace.decode_trace(trace.encode_trace([other]))
