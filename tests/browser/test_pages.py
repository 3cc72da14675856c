"""The pages in a real browser: what it draws, at the widths people have."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bedside.leaderboard.page import page
from tests.leaderboard.test_page import HOSTILE, a_board, row

pytestmark = pytest.mark.browser

MEASURE = """<script>
const root = document.documentElement;
const seen = [...document.querySelectorAll("tbody th")].map(cell => cell.getBoundingClientRect());
root.dataset.overflow = root.scrollWidth - root.clientWidth;
root.dataset.rows = seen.filter(box => box.width > 0 && box.height > 0).length;
root.dataset.requests = performance.getEntriesByType("resource").length;
root.dataset.attacked = Number("attacked" in window);
</script>"""


def drawn(html: str, folder: Path, width: int) -> dict[str, int]:
    """What Chromium measures on a page in a window of this width."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), "")
    if not browser:
        pytest.skip("no Chromium found: install the package 'chromium'")
    path = folder / "page.html"
    path.write_text(html.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [browser, *options, profile, "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return {name: int(value) for name, value in re.findall(r'data-(\w+)="(-?\d+)"', dom)}


@pytest.mark.parametrize("width", [500, 1100])
def test_the_board_fits_the_window_and_asks_for_nothing(tmp_path: Path, width: int) -> None:
    rows = [row(f"doctor-{number}", rank=number) for number in range(1, 6)]

    found = drawn(page(a_board(*rows)), tmp_path, width)

    assert found == {"overflow": 0, "rows": 5, "requests": 0, "attacked": 0}


def test_a_hostile_name_is_drawn_and_not_run(tmp_path: Path) -> None:
    name = HOSTILE + "<script>window.attacked = 1</script>"

    found = drawn(page(a_board(row(name))), tmp_path, 1100)

    assert found["rows"] == 1
    assert found["attacked"] == 0
