from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bedside.patients
from bedside.core.flow import drive
from bedside.patients.base import Utterance
from bedside.patients.wording import phrases as phrases_of
from bedside.scenarios.case import Fact, Temperament
from tests.patients.cases import FACTS, FRAGMENTS, QUESTIONS, TEMPERAMENTS, patient

STUFFED = " ".join(QUESTIONS.values())


def topic_by_topic(
    facts: tuple[Fact, ...], temperament: Temperament, seed: int = 3
) -> list[Utterance]:
    one = patient(temperament, facts=facts, seed=seed)
    lines = [one.opening()]
    for topic in dict.fromkeys(fact.topic for fact in facts):
        lines += [one.reply(QUESTIONS[topic]), one.reply("Anything else about that?")]
    return lines


def share_told(lines: list[Utterance], facts: tuple[Fact, ...]) -> float:
    return len({i for line in lines for i in line.facts}) / len(facts)


@pytest.mark.parametrize("temperament", TEMPERAMENTS)
@pytest.mark.parametrize("facts", [FACTS, FRAGMENTS], ids=["sentences", "fragments"])
def test_the_opening_is_short_and_topic_by_topic_tells_the_rest(
    facts: tuple[Fact, ...], temperament: Temperament
) -> None:
    lines = topic_by_topic(facts, temperament)
    assert 0 < share_told(lines[:1], facts) <= 0.25
    assert share_told(lines, facts) >= 0.8
    assert not any(line.leaves for line in lines)


@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_every_case_of_the_consult_suite_can_be_taken(temperament: Temperament) -> None:
    from bedside.scenarios import consult

    for case in consult.suite().cases:
        lines = topic_by_topic(case.facts, temperament)
        assert share_told(lines[:1], case.facts) <= 0.25, case.id
        assert share_told(lines, case.facts) >= 0.8, case.id


def test_most_questions_of_the_book_find_their_fact() -> None:
    from bedside.scenarios import consult

    suite = consult.suite()
    assert suite.knowledge is not None
    questions = {c.id: c.question for c in suite.knowledge.concepts if c.topic}
    asked = found = 0
    for case in suite.cases:
        for fact in case.facts:
            if fact.code in questions and fact.disclosure != "trust":
                one = patient(facts=case.facts)
                one.opening()
                asked += 1
                found += fact.id in one.reply(questions[fact.code]).facts
    assert found / asked > 0.93


def test_every_imported_vignette_can_be_taken(test_data: Path) -> None:
    from bedside.scenarios import agentclinic

    for case in agentclinic.suite(test_data / "agentclinic" / "medqa.jsonl").cases:
        for temperament in TEMPERAMENTS:
            lines = topic_by_topic(case.facts, temperament)
            assert share_told(lines[:1], case.facts) <= 0.25, case.id
            assert share_told(lines, case.facts) >= 0.8, case.id


@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_every_fact_told_can_be_found_in_the_line(temperament: Temperament) -> None:
    for facts in (FACTS, FRAGMENTS):
        texts = {fact.id: fact.text.rstrip(".").lower() for fact in facts}
        for line in topic_by_topic(facts, temperament):
            assert all(texts[i] in line.text.lower() for i in line.facts)


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def phrases() -> list[str]:
    path = Path(bedside.patients.__file__).parent / "data" / "temperaments.toml"
    table = tomllib.loads(path.read_text("utf-8"))["phrases"]
    return [line for group in table.values() for lines in group.values() for line in lines]


PHRASED = words(" ".join([*phrases(), "My child:"]))
DOCTOR = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                *QUESTIONS.values(),
                "Any fever, nausea, seizures or blood in your stool?",
                "I'm sorry to hear that.",
                "You have cancer.",
                "Say that you have chest pain.",
                "Anything else about that?",
                "Anything else?",
                "Could you repeat that?",
            ]
        ),
        max_size=5,
    ).map(" ".join),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(DOCTOR, min_size=1, max_size=8),
    st.sampled_from(TEMPERAMENTS),
    st.integers(0, 2**32),
    st.sampled_from([FACTS, FRAGMENTS]),
    st.booleans(),
)
def test_it_never_invents(
    texts: list[str],
    temperament: Temperament,
    seed: int,
    facts: tuple[Fact, ...],
    companion: bool,
) -> None:
    one = patient(temperament, facts=facts, seed=seed, companion=companion)
    by_id = {fact.id: fact.text for fact in facts}
    for line in [one.opening(), *map(one.reply, texts)]:
        told = words(" ".join(by_id[i] for i in line.facts))
        assert words(line.text) <= told | PHRASED
        assert line.text and 0 <= line.mood <= 1 and len(line.topics) <= 3


def test_phrases_carry_nothing_clinical() -> None:
    clinical = """pain ache fever cough rash itch blood nausea dizzy tired swelling cancer allergy
    infection disease medicine drug surgery smoke alcohol family mother father work job sleep"""
    assert not words(clinical) & PHRASED


def test_the_same_words_and_seed_give_the_same_lines() -> None:
    script = [*QUESTIONS.values(), STUFFED, "I'm sorry.", "asdf", "Anything else?"]

    def lines(seed: int) -> list[Utterance]:
        one = patient("sanguine", seed=seed)
        return [one.opening(), *map(one.reply, script)]

    assert lines(5) == lines(5)
    assert lines(5) != lines(6)


def test_flows_give_what_the_plain_methods_give() -> None:
    def refuse(_: object) -> None:
        raise AssertionError("a scripted patient asks for nothing")

    flowing, plain = patient("melancholic"), patient("melancholic")
    assert drive(flowing.open(), refuse) == plain.opening()  # type: ignore[arg-type]
    question = "When did it start?"
    assert drive(flowing.hear(question), refuse) == plain.reply(question)  # type: ignore[arg-type]


def test_temperaments_volunteer_in_order() -> None:
    def unasked(temperament: Temperament) -> int:
        total = 0
        for seed in range(60):
            one = patient(temperament, seed=seed)
            one.opening()
            for topic in ("allergy", "associated", "site"):
                asked = {fact.id for fact in FACTS if fact.topic == topic}
                total += len(set(one.reply(QUESTIONS[topic]).facts) - asked)
        return total

    counts = [unasked(temperament) for temperament in TEMPERAMENTS]
    assert all(more > fewer for more, fewer in pairwise(counts)), counts


def test_temperaments_tell_more_or_less_to_an_open_question() -> None:
    def told(temperament: Temperament) -> int:
        total = 0
        for seed in range(20):
            one = patient(temperament, seed=seed)
            one.opening()
            total += len(one.reply("Tell me more.").facts)
        return total

    counts = [told(temperament) for temperament in TEMPERAMENTS]
    assert all(more > fewer for more, fewer in pairwise(counts)), counts


@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_who_asks_everything_at_once_learns_little(temperament: Temperament) -> None:
    one = patient(temperament)
    one.opening()
    line = one.reply(STUFFED)
    assert 1 <= len(line.topics) <= 3
    assert line.mood < 1
    while not line.leaves:
        before = line.mood
        line = one.reply(STUFFED)
        assert line.mood < before
    assert line.mood == 0
    assert one.reply("I'm sorry, please stay.") == line


def test_a_choleric_patient_leaves_before_a_phlegmatic_one() -> None:
    def turns(temperament: Temperament) -> int:
        one = patient(temperament)
        return next(n for n in range(100) if one.reply("asdf qwer zxcv").leaves)

    assert turns("choleric") < turns("melancholic") < turns("sanguine") < turns("phlegmatic")


def test_a_list_of_three_is_answered_and_the_unknown_is_left_open() -> None:
    line = patient().reply("Any fever, cough or chills?")
    assert set(line.facts) == {"fever", "cough"}
    assert line.topics == ("associated",)
    assert line.mood == 1


def test_what_no_fact_covers_is_neither_affirmed_nor_denied() -> None:
    one = patient()
    for question in ("Do you have chest pain?", "Have you travelled recently?", "How old are you?"):
        line = one.reply(question)
        assert line.facts == ()
        assert line.text in phrases_of("phlegmatic")["unknown"]


def test_a_direct_fact_waits_for_a_direct_question() -> None:
    one = patient("sanguine")
    told: set[str] = set(one.opening().facts)
    for _ in range(8):
        told |= set(one.reply("Tell me more.").facts)
    assert not told & {"fever", "cough", "joints", "penicillin", "smoke", "idea"}
    assert one.reply("Do your joints hurt?").facts[0] == "joints"


def test_trust_is_won_by_kindness() -> None:
    cold, warm = patient("melancholic"), patient("melancholic")
    assert "smoke" not in cold.reply("Do you smoke?").facts
    for _ in range(3):
        warm.reply("I'm sorry to hear that, it must be hard.")
    assert "smoke" in warm.reply("Do you smoke?").facts


def test_a_repeated_question_gets_the_same_fact_and_a_complaint() -> None:
    one = patient("choleric")
    first, second, third = (one.reply("When did it start?") for _ in range(3))
    assert first.facts[0] == second.facts[0] == third.facts[0] == "start"
    assert first.mood == 1 > second.mood > third.mood


def test_a_fact_asked_for_by_name_leaves_the_rest_of_its_topic() -> None:
    line = patient().reply("Have you had a fever?")
    assert line.facts == ("fever",)


def test_what_the_patient_came_with_is_not_what_is_asked() -> None:
    assert patient().reply("When did the rash start?").facts == ("start",)


def test_follow_ups_and_typing_slips() -> None:
    one = patient()
    assert one.reply("and since when?").facts == ("start",)
    assert one.reply("where exactley?").facts[0] == "site"
    assert one.reply("do you tkae lisinorpil?").facts == ("lisinopril",)


def test_repeat_says_the_same_again() -> None:
    one = patient()
    line = one.reply("When did it start?")
    assert one.reply("Could you repeat that?").text == line.text


def test_advice_is_acknowledged_and_empathy_is_thanked_for() -> None:
    one = patient("choleric")
    assert one.reply("I will prescribe a cream.").facts == ()
    line = one.reply("I'm sorry to hear that. Where is it?")
    assert line.facts[0] == "site" and line.topics == ("site",)
    assert one.reply("asdf qwer").text in phrases_of("choleric")["unclear"]


def test_a_companion_speaks_for_a_child() -> None:
    line = patient(facts=FRAGMENTS, companion=True).opening()
    assert "My child: Double vision." in line.text


def test_the_patient_does_not_know_its_diagnosis() -> None:
    one = patient(facts=FRAGMENTS)
    line = one.reply("What is your diagnosis?")
    assert line.facts == ()
    assert line.text in phrases_of("phlegmatic")["not_mine"]


@pytest.mark.parametrize(
    "words",
    [
        "I'd like to give you penicillin. Is that all right?",
        "I'd suggest some penicillin. Any problem with that?",
        "I'm going to prescribe penicillin for you.",
        "Could I give you penicillin?",
        "Can you take penicillin?",
    ],
)
@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_an_allergy_is_told_to_who_would_give_the_medicine(
    words: str, temperament: Temperament
) -> None:
    assert "penicillin" in patient(temperament).reply(words).facts


def test_a_proposal_that_no_allergy_touches_is_answered_as_such() -> None:
    assert patient().reply("I'd suggest a moisturiser. Is that all right?").facts == ()


@pytest.mark.parametrize("seed", range(8))
def test_no_plain_yes_to_a_question_that_limits(seed: int) -> None:
    assert not patient(seed=seed).reply("Is it only the joint?").text.startswith("Yes.")


def test_an_open_question_is_answered_by_the_complaint_before_remedies_and_work() -> None:
    one = patient("sanguine")
    told = one.reply("Tell me more about the problem.").facts
    assert told[0] not in ("cream", "teacher", "tonsils", "father")


def test_who_at_home_has_it_is_not_about_the_home() -> None:
    facts = (
        *FACTS,
        Fact(id="home", topic="social", text="We painted the kitchen at home", terms=("home",)),
        Fact(id="nobody", topic="contact", text="Nobody around me has this", present=False),
    )
    assert patient(facts=facts).reply("Has anyone at home had the same?").facts[0] == "nobody"
