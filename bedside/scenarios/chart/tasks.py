"""The modules that hold the categories, in the order of the suite."""

from __future__ import annotations

from importlib import import_module

__all__ = ["load"]

_MODULES = (
    "lookups",
    "orders",
    "replacement",
    "results",
    "prevention",
    "prescribing",
    "dosing",
    "medicine_lists",
    "identity",
    "transitions",
)


def load() -> None:
    """Import every module of categories, so that they are declared."""
    for name in _MODULES:
        import_module(f"bedside.scenarios.chart.{name}")
