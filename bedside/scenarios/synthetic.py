"""What all made-up records share: the day they are read on, and the tag that says what they are."""

from __future__ import annotations

__all__ = ["SYNTHETIC", "TODAY"]

TODAY = "2026-01-15"
"""The day on which every encounter takes place."""

SYNTHETIC = {"system": "https://bedside.dev/tags", "code": "synthetic"}
"""The tag that every made-up resource carries."""
