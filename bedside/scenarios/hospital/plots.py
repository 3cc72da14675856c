"""Pictures of a report, drawn with matplotlib (the extra ``plots``)."""

from __future__ import annotations

from pathlib import Path

from bedside.core.errors import PopulationError
from bedside.scenarios.hospital.report import PUBLISHED, Report, Spread
from bedside.scenarios.hospital.tables import analytes

__all__ = ["draw"]

_WIDE, _HIGH = 7.0, 0.42
"""Inches: the width, and the height of one analyte."""


def draw(report: Report, folder: Path) -> None:
    """Write ``icu.png`` and ``clinic.png``: 5 to 95 % of each analyte beside its interval.

    Raises:
        PopulationError: matplotlib is not installed, or the folder cannot be written.
    """
    try:
        import matplotlib
    except ImportError:
        raise PopulationError("plots need matplotlib: pip install 'bedside[plots]'") from None
    matplotlib.use("Agg")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _picture(report.icu, "Intensive care", folder / "icu.png")
        _picture(report.clinic, "Clinic", folder / "clinic.png")
    except OSError as error:
        raise PopulationError(f"cannot write {folder}: {error.strerror or error}") from None


def _picture(spreads: tuple[Spread, ...], title: str, path: Path) -> None:
    """Everything in units of the reference interval: 0 is its lower end, 1 its upper."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(_WIDE, 1.2 + _HIGH * len(spreads)))
    axes.axvspan(0, 1, color="0.9", label="reference interval")
    for row, spread in enumerate(spreads):
        low, mid, high = (_scaled(spread.analyte, value) for value in spread.found)
        axes.plot([low, high], [row, row], color="C0", lw=4, solid_capstyle="butt")
        axes.plot([mid], [row], "o", color="C0")
        if title == "Intensive care" and spread.analyte in PUBLISHED:
            wanted = [_scaled(spread.analyte, value) for value in PUBLISHED[spread.analyte]]
            axes.plot(wanted, [row] * 3, "|", color="C3", ms=14, mew=2)
    axes.set_yticks(range(len(spreads)), [spread.analyte for spread in spreads])
    axes.set_xlim(-3, 6)
    axes.set_xlabel("0 and 1 are the ends of the adult reference interval; red: published")
    axes.set_title(f"{title}: 5, 50 and 95 % (synthetic)")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _scaled(name: str, value: float) -> float:
    low, high = analytes()[name].range
    return max(-3.0, min(6.0, (value - low) / (high - low)))
