"""Every error Bedside raises, named by the boundary it crossed.

* BedsideError
  x UserError            the user can mend it: the CLI prints it and exits with 2
    + CaseError          a case, suite or data file is not what its schema says
    + DoctorError        a doctor cannot be found, built, or broke its contract
    + RunError           a run directory cannot be used as asked
    + PopulationError    a population, or an EHR server's data, cannot be used as asked
  x ActionError          the doctor's mistake: becomes an observation and costs a turn
  x ProviderError        a model or remote service failed: retried, never scored as the doctor's
  x TraceError           a stored trace is damaged, or replaying it gave something else

Anything else that escapes is a bug and is left to raise.
"""

from __future__ import annotations

__all__ = [
    "ActionError",
    "BedsideError",
    "CaseError",
    "DoctorError",
    "PopulationError",
    "ProviderError",
    "RunError",
    "TraceError",
    "UserError",
]


class BedsideError(Exception):
    """Base of all errors that Bedside raises on purpose."""


class UserError(BedsideError):
    """Something the user gave cannot be used; the message names the field and the mend."""


class CaseError(UserError):
    """A case, suite or data file is not what its schema says."""


class DoctorError(UserError):
    """A doctor cannot be found or built, or returned something that is no action."""


class RunError(UserError):
    """A run directory cannot be used as asked."""


class PopulationError(UserError):
    """A population, or the data of an EHR server, cannot be read, written or used as asked."""


class ActionError(BedsideError):
    """The doctor's action cannot be carried out. The message is shown to the doctor."""


class ProviderError(BedsideError):
    """A model or a remote service failed.

    Args:
        message: what the provider said, without secrets.
        status: HTTP status if there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TraceError(BedsideError):
    """A stored trace is damaged, or replaying it gave something else."""
