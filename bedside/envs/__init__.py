"""The encounter, its drivers, and the Gymnasium environment."""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Register the environments with Gymnasium; once is enough, more does no harm."""
    import gymnasium

    if "bedside/Consult-v0" not in gymnasium.registry:
        gymnasium.register(id="bedside/Consult-v0", entry_point="bedside.envs.consult:ConsultEnv")
