"""Arithmetic for doctors: numbers, + - * / // % ** and parentheses, nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

from bedside.core.errors import ActionError

__all__ = ["calculate"]

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def calculate(expression: str) -> float:
    """The value of an arithmetic expression.

    Raises:
        ActionError: it is no arithmetic, or has no finite value.
    """
    try:
        value = _value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise ActionError(
            f"calculate: '{expression}' has no value. Use numbers, + - * / ** and parentheses."
        ) from None
    if not math.isfinite(value):
        raise ActionError(f"calculate: '{expression}' is not a finite number.")
    return value


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return float(_BINARY[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case _:
            raise ValueError("no arithmetic")
