"""Clinical and lay names of the same thing."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from bedside.scenarios.asking import asked_for
from bedside.scenarios.clauses import Clause
from bedside.scenarios.synonyms import concepts, narrower, own_words, terms

FOLDER = files("bedside.scenarios").joinpath("data/synonyms")
TABLES = {
    file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
    for file in FOLDER.iterdir()
    if file.name.endswith(".toml")
}
PARTS, QUALITIES = TABLES["parts"], TABLES["qualities"]
IDIOMS = {
    name: text
    for file, tables in TABLES.items()
    if file not in ("parts", "qualities", "wider", "stop")
    for table in tables.values()
    for name, text in table.items()
}


def known(concept: str) -> bool:
    quality, _, part = concept.partition("-")
    crossed = quality in QUALITIES and (part in PARTS or part == "*")
    return concept in IDIOMS or concept in QUALITIES or crossed


def test_there_are_many_groups_and_no_name_is_used_twice() -> None:
    assert len(IDIOMS) >= 350
    assert len(IDIOMS) == sum(
        len(table)
        for file, tables in TABLES.items()
        if file not in ("parts", "qualities", "wider", "stop")
        for table in tables.values()
    )


def test_names_that_refer_to_others_exist() -> None:
    for group in TABLES["wider"].values():
        for name, text in group.items():
            assert known(name), name
            for one in text.split(","):
                assert known(one.strip()), one


@pytest.mark.parametrize("name", sorted(IDIOMS))
def test_every_group_can_be_asked_for(name: str) -> None:
    assert terms(name)
    assert all(term == term.lower().strip() and "~" not in term for term in terms(name))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dyspnoea on exertion", ("dyspnoea_exertion",)),
        ("Shortness of breath", ("dyspnoea",)),
        ("Chestpain and malena", ("pain-chest", "melaena")),
        ("Pain in the right upper quadrant", ("pain-abdomen",)),
        ("Swollen eyelids", ("eyelid_swelling", "swelling-eyelid")),
        ("Sudden pain", ("pain", "sudden_onset")),
        ("It began early", ()),
    ],
)
def test_what_a_clause_names(text: str, found: tuple[str, ...]) -> None:
    assert concepts(text) == found


def test_own_words_leave_out_what_asks_for_nothing() -> None:
    assert own_words("I have to get up regularly and eat liquorice.") == ("eat", "liquorice")


def test_a_denial_of_the_wider_is_found_by_the_narrower_unless_told_apart() -> None:
    denied = Clause("No urinary symptoms.", False)
    (alone,) = asked_for([denied])
    assert "sting when pee" in alone.terms
    apart, _ = asked_for([denied, Clause("I have dysuria.", True)])
    assert "sting when pee" not in apart.terms
    assert "itch-ear" in narrower("trouble-ear")


def test_the_pain_is_asked_for_by_its_place_where_that_is_known() -> None:
    sharp, _ = asked_for([Clause("The pain is sharp.", True), Clause("Chest pain.", True)])
    assert "hurt" not in sharp.terms
    (alone,) = asked_for([Clause("The pain is sharp.", True)])
    assert "hurt" in alone.terms
