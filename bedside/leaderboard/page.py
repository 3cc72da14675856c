"""The board as one self-contained HTML page."""

from __future__ import annotations

from bedside.leaderboard.board import Board

__all__ = ["page"]


def page(board: Board) -> str:
    """The board as an HTML page that asks for nothing from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bedside.leaderboard"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["percent"] = _percent
    return environment.get_template("board.html.j2").render(board=board)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
