"""The doctor's calculator."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import ActionError
from bedside.envs.calculator import calculate


@pytest.mark.parametrize(
    ("expression", "value"),
    [("70 * 15 / 1000", 1.05), ("-(3.5 - 2)", -1.5), ("2 ** 10", 1024), ("7 // 2 + 7 % 2", 4)],
)
def test_arithmetic(expression: str, value: float) -> None:
    assert calculate(expression) == pytest.approx(value)


@pytest.mark.parametrize(
    "expression",
    [
        "1/0",
        "x",
        "__import__('os')",
        "9**9**9**9",
        "1e308*10",
        "True",
        "'a'*9",
        "(",
        "2 if 1 else 3",
    ],
)
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(ActionError, match="calculate"):
        calculate(expression)


@given(st.text(max_size=60))
def test_no_text_does_harm(text: str) -> None:
    with contextlib.suppress(ActionError):
        assert isinstance(calculate(text), float)
