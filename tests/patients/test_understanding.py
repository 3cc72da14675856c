from __future__ import annotations

import pytest

from bedside.patients.understanding import understand
from tests.patients.cases import QUESTIONS


@pytest.mark.parametrize("topic", [t for t in QUESTIONS if t not in ("complaint", "social")])
def test_a_plain_question_names_its_topic_alone(topic: str) -> None:
    (part,) = understand(QUESTIONS[topic])
    assert (part.act, part.topics) == ("ask", (topic,))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("wehn did it strat?", "onset"),
        ("do you take any medicins", "medication"),
        ("any alergies?", "allergy"),
        ("Allergies", "allergy"),
        ("and since when?", "onset"),
        ("where exactly?", "site"),
        ("how long has this been going on", "onset"),
        ("On a scale of 1 to 10, how bad is the pain?", "severity"),
        ("I'd like to ask about your family", "family"),
        ("Have you ever been operated on?", "surgery"),
        ("Is there anything that relieves it?", "relief"),
        ("does anything trigger it", "trigger"),
        ("What\N{RIGHT SINGLE QUOTATION MARK}s your job?", "work"),
        ("Have you been abroad lately?", "travel"),
        ("Are you worried about anything?", "concerns"),
        ("What do you think is causing this?", "ideas"),
    ],
)
def test_people_ask_in_many_ways(text: str, topic: str) -> None:
    assert [part.topics for part in understand(text)] == [(topic,)]


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Hello, I'm Dr Lee.", "smalltalk"),
        ("Thank you.", "thanks"),
        ("I'm sorry to hear that.", "empathy"),
        ("That must be hard for you.", "empathy"),
        ("Could you repeat that?", "repeat"),
        ("What brings you in today?", "open"),
        ("Tell me more.", "open"),
        ("Anything else?", "more"),
        ("Is there anything else I ought to know about you?", "open"),
        ("Anything else about that?", "more"),
        ("You should apply this cream twice a day.", "advise"),
        ("Is that okay for you?", "consent"),
        ("Do you have any questions for me?", "invite"),
        ("asdf qwer zxcv", "unclear"),
        ("What is the name of your disease?", "diagnosis"),
        ("Is it psoriasis?", "diagnosis"),
        ("???", ""),
    ],
)
def test_not_everything_is_a_question_about_facts(text: str, act: str) -> None:
    assert [part.act for part in understand(text)] == ([act] if act else [])


def test_a_sentence_may_ask_several_things() -> None:
    parts = understand("When did it start, and how bad is it?")
    assert [part.topics for part in parts] == [("onset",), ("severity",)]
    (part,) = understand("Any fever, cough or chills?")
    assert part.items == ("=fever", "=cough", "=chills")


def test_a_subordinate_clause_is_no_question_of_its_own() -> None:
    (part,) = understand("Does it hurt when you walk?")
    assert part.items == ("=pain",)


def test_a_word_one_letter_from_another_keeps_its_meaning() -> None:
    (part,) = understand("Is your scalp dry?")
    assert "scalp" in part.words and "=scale" not in part.words
