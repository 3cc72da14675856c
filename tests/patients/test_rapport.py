"""Traits and axes: what they change, and that the defaults change nothing."""

from __future__ import annotations

from bedside.patients.scripted import ScriptedPatient
from bedside.patients.temperament import behaviour, traits
from bedside.scenarios.case import Axes, Person, Traits
from tests.patients.cases import FACTS, QUESTIONS, TEMPERAMENTS


def person(temperament: str = "phlegmatic", **more: object) -> Person:
    return Person.model_validate(
        {"name": "Ada", "age": 40, "sex": "female", "temperament": temperament, **more}
    )


def lines(who: Person, *said: str) -> list[str]:
    patient = ScriptedPatient(who, FACTS, seed=4)
    return [patient.opening().text, *(patient.reply(text).text for text in said)]


def test_traits_of_a_temperament_given_outright_change_nothing() -> None:
    for name in TEMPERAMENTS:
        plain, given = person(name), person(name, traits=traits(name).model_dump())
        assert behaviour(plain) == behaviour(given)
        assert lines(plain, *QUESTIONS.values()) == lines(given, *QUESTIONS.values())


def test_levels_between_two_temperaments_behave_in_between() -> None:
    low, high = traits("phlegmatic").model_dump(), traits("sanguine").model_dump()
    middle = Traits(**{name: (low[name] + high[name]) / 2 for name in low})
    least, most = behaviour(person("phlegmatic")), behaviour(person("sanguine"))
    between = behaviour(person("phlegmatic", traits=middle.model_dump()))
    for name in ("volunteer", "digress", "emote", "open_facts", "trust", "warmth"):
        assert getattr(least, name) < getattr(between, name) < getattr(most, name), name


def test_who_knows_no_medical_terms_asks_back() -> None:
    simple = person(axes=Axes(literacy=0).model_dump())
    _, jargon, plain = lines(simple, "Any pruritus?", "Does it itch?")
    assert jargon != lines(person(), "Any pruritus?")[1]
    assert plain.count("?") == 0


def test_who_forgets_says_so_and_never_says_otherwise() -> None:
    forgetful = person(axes=Axes(recall=0).model_dump())
    patient = ScriptedPatient(forgetful, FACTS, seed=4)
    patient.opening()
    for question in QUESTIONS.values():
        assert set(patient.reply(question).facts) <= {"rash"}


def test_doubt_comes_before_consent_for_those_who_bargain() -> None:
    for name, doubts in (("sanguine", 0), ("phlegmatic", 0), ("melancholic", 1), ("choleric", 2)):
        assert behaviour(person(name)).bargains == doubts
