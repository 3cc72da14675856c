"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of third-party test data, or a skip that says how to get it."""
    folder = Path(os.environ.get("BEDSIDE_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"third-party test data not found at {folder}; set BEDSIDE_TEST_DATA")
    return folder
