from __future__ import annotations

from pathlib import Path

import pytest

from bedside.core.errors import RunError, TraceError
from bedside.core.trace import Acted, decode_trace
from bedside.leaderboard.transcript import find, transcript
from bedside.runs.records import Run
from bedside.runs.runner import run
from tests.run_samples import config


@pytest.fixture
def stored(tmp_path: Path) -> Run:
    run(config(tmp_path / "r"))
    return Run(tmp_path / "r")


def test_a_transcript_tells_who_did_what(stored: Run) -> None:
    told = transcript(stored, find(stored, "sample-001-1"))
    assert [line.speaker for line in told.lines] == [
        "briefing",
        "doctor", "patient",
        "doctor", "result",
        "doctor", "chart",
        "doctor", "refused",
        "doctor", "end",
    ]  # fmt: skip
    texts = [line.text for line in told.lines]
    assert texts[1] == "Hello. Since when do you have this?"
    assert texts[3] == 'examine(what="skin")'
    assert "scaly plaques" in texts[4]
    assert texts[5] == 'read(resource_type="Patient", id="p001")'
    assert texts[6].startswith("200 ")
    assert "'type' must be one of" in texts[8]
    assert told.sheet.score == told.record.score


def test_lines_carry_the_numbers_that_evidence_cites(stored: Run) -> None:
    record = find(stored, "sample-001-1")
    told = transcript(stored, record)
    events = decode_trace(stored.trace(record))
    for line in told.lines:
        assert isinstance(events[line.event], Acted) == (line.speaker == "doctor")
    assert [line.minute for line in told.lines] == sorted(line.minute for line in told.lines)


def test_encounters_are_found_by_case_and_trial(stored: Run) -> None:
    assert find(stored, "sample-002").key == ("sample-002", 0)
    assert find(stored, "sample-002-1").key == ("sample-002", 1)
    with pytest.raises(RunError, match=r"no finished encounter 'nobody'.*sample-000-0"):
        find(stored, "nobody")


def test_a_changed_trace_is_not_told(stored: Run) -> None:
    record = find(stored, "sample-000-0")
    path = stored.path / "traces/sample-000-0.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Hallo"))
    with pytest.raises(TraceError, match="was changed"):
        transcript(stored, record)
