"""What an author of a diagnosis file is told."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from bedside.core.errors import CaseError
from bedside.scenarios.authoring import check_diagnosis, line_of
from bedside.scenarios.library import blueprints

FOLDER = Path(str(files("bedside.scenarios"))) / "data" / "consult" / "diagnoses"
GOOD = (FOLDER / "eczema.toml").read_text(encoding="utf-8")


def checked(folder: Path, old: str, new: str) -> str:
    """What is said of a file in which one text is changed."""
    assert old in GOOD
    path = folder / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    return "\n".join(check_diagnosis(path).problems)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.toml")))
def test_every_file_that_ships_is_well(name: str) -> None:
    report = check_diagnosis(FOLDER / name)
    assert report.problems == ()
    assert 0 < report.unchecked < report.statements


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "L20.9"', 'code = "L20"', "line 2: code: 'L20' is no complete ICD-10-CM code"),
        ('display = "', 'display = "Not ', "line 3: display: ICD-10-CM calls L20.9"),
        ("itch = ", "itching_badly = ", "there is no concept 'itching_badly'"),
        ('complaint = ["', 'complaint = ["My eczema is back", "', "gives the diagnosis away"),
    ],
)
def test_a_problem_is_told_with_its_line_and_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in checked(tmp_path, old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"nearly_always"', '"always"', r"mine.toml, line \d+: claims\[\d\].bands"),
        ("[who]", "[whoever]", "mine.toml"),
        ("[who]", "[who", "mine.toml"),
    ],
)
def test_what_is_no_diagnosis_file_is_one_clear_error(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(CaseError, match=said):
        checked(tmp_path, old, new)


def test_a_place_is_found_in_the_text() -> None:
    text = "a = 1\n[[b]]\nc = 1\n[[b]]\nc = 2\n[d.e]\nf = 1\n"
    places = {"a": 1, "b[0].c": 3, "b[1].c": 5, "b[1].x": 4, "d.e.f": 7, "nowhere": 1}
    assert {place: line_of(text, place) for place in places} == places


def test_the_files_hold_what_is_drawn_from() -> None:
    assert len(list(FOLDER.glob("*.toml"))) == len(blueprints())
