from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from bedside.leaderboard.board import Board, Contest, Row, Table
from bedside.leaderboard.estimates import Estimate
from bedside.leaderboard.floors import Floor, Floors
from bedside.leaderboard.page import page

HOSTILE = '"><script src=//x>alert(1)</script><img onerror=alert(1) src=x>{{ 7*7 }}'
VOID = {"meta", "rect"}


def estimate(value: float) -> Estimate:
    return Estimate(value, max(0.0, value - 0.1), min(1.0, value + 0.1))


def row(doctor: str = "llm", **changes: object) -> Row:
    given: dict[str, object] = {
        "rank": 1,
        "doctor": doctor,
        "options": {"model": "some/model"},
        "privileged": False,
        "seed": 0,
        "encounters": 20,
        "planned": 20,
        "success": estimate(0.625),
        "score": estimate(0.5),
        "pass_hat": (0.625, 0.4375),
        "needs_judge": 0.05,
        "turns": 9.5,
    }
    return Row(**(given | changes))


def a_board(*rows: Row, floors: Floors | None = None, notes: tuple[str, ...] = ()) -> Board:
    contest = Contest("consult", "1", "d" * 64, "p" * 64, "rules-1", "scripted-1")
    return Board((Table(contest, 10, rows, floors),), notes)


class Elements(HTMLParser):
    """Collects every element and its attributes, and checks that tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "hostile",
    [
        a_board(row(HOSTILE)),
        a_board(row(options={"model": HOSTILE})),
        a_board(row(options={HOSTILE: "x"})),
        a_board(row(), notes=(HOSTILE,)),
    ],
    ids=["doctor", "option", "option name", "note"],
)
def test_hostile_names_stay_text(hostile: Board) -> None:
    found = Elements(page(hostile))
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "img", "iframe", "link", "object"}
    assert not any(name.startswith("on") for _, attrs in found.elements for name in attrs)
    assert HOSTILE in found.text


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    html = page(a_board(row()))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    assert not any({"src", "href", "srcset"} & set(attrs) for _, attrs in Elements(html).elements)


def test_every_number_is_readable_without_seeing_the_bars() -> None:
    found = Elements(page(a_board(row())))
    labels = [attrs["aria-label"] for tag, attrs in found.elements if tag == "svg"]
    assert labels[0] == "Success 62.5 percent, 95 percent interval from 52.5 to 72.5"
    assert [a.get("scope") for tag, a in found.elements if tag == "th"].count("row") == 1
    assert all("scope" in attrs for tag, attrs in found.elements if tag == "th")
    for text in ("62.5", "52.5", "72.5", "43.8", "5.0", "9.5", "model=some/model"):
        assert text in found.text


def test_bars_stay_within_their_track() -> None:
    for value in (0.0, 0.5, 1.0):
        html = page(a_board(row(success=estimate(value))))
        for tag, attrs in Elements(html).elements:
            if tag == "rect":
                x, width = float(attrs["x"] or 0), float(attrs["width"] or 0)
                assert x >= 0
                assert x + width <= 100.0 + 1e-9


def test_marks_are_shown() -> None:
    rows = (row(privileged=True, rank=None), row(rank=None, encounters=3))
    text = Elements(page(a_board(*rows))).text
    assert "unfinished" in text
    assert "3 of 20" in text
    floor = Floor("oracle", True, estimate(1.0), estimate(0.9))
    beside = Floors("d" * 64, "p" * 64, "rules-1", (floor,))
    text = Elements(page(a_board(row(), floors=beside))).text
    assert re.search(r"oracle\s+privileged", text)
