"""The encounter, its drivers, and the Gymnasium environment."""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Register the environments with Gymnasium; once is enough, more does no harm."""
    import gymnasium

    for id, suite in (("bedside/Consult-v0", "consult"), ("bedside/Chart-v0", "chart")):
        if id not in gymnasium.registry:
            gymnasium.register(
                id=id,
                entry_point="bedside.envs.environment:EncounterEnv",
                kwargs={"suite": suite},
            )
