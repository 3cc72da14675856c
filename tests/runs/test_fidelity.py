"""The figures of the patients: planted faults are found, and a scripted run has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bedside.agents.registry import DoctorSpec
from bedside.core.trace import Acted, Ended, Event, Spoke, Started
from bedside.runs.dialogue import Dialogue, Line, dialogue_of
from bedside.runs.fidelity import FidelityReport, as_json, fidelity
from bedside.runs.listening import Heard, Listener
from bedside.runs.plan import RunConfig
from bedside.runs.records import Run
from bedside.runs.recovery import recover
from bedside.runs.runner import run
from bedside.scenarios import consult
from bedside.scenarios.case import Case, Fact

SUITE = consult.suite()
FACTS = (
    Fact(id="f1", topic="complaint", text="My ankle is swollen", disclosure="opening"),
    Fact(id="f2", topic="associated", text="I haven't had a fever", present=False),
    Fact(id="f3", topic="social", text="I smoke ten a day", terms=("smoke",)),
)  # fmt: skip
PSORIASIS = {"leaks": ("psoriasis",), "unlisted": ("psoriasis",)}


def case(diagnosis: str = "psoriasis") -> Case:
    found = next(one for one in SUITE.cases if one.truth.diagnosis == diagnosis)
    return found.model_copy(update={"facts": FACTS})


def heard(heard: str, said: Spoke, of: Case | None = None) -> Heard:
    of = of or case()
    dialogue = Dialogue(of, (Line(heard, said),), left=False)
    return next(iter(Listener([of, *SUITE.cases]).listen(dialogue)))


@pytest.mark.parametrize(
    ("doctor", "text", "facts", "wrong"),
    [
        ("Any fever?", "No. I haven't had a fever.", ("f2",), {}),
        ("Any fever?", "No fever at all, thank you.", ("f2",), {}),
        ("Any fever?", "Yes. I haven't had a fever.", ("f2",), {"contradictions": ("f2",)}),
        ("Any fever?", "I have had a fever.", ("f2",), {"contradictions": ("f2",)}),
        ("Do you smoke?", "No. I smoke ten a day.", ("f3",), {"contradictions": ("f3",)}),
        ("Do you smoke?", "I don't smoke ten a day.", ("f3",), {"contradictions": ("f3",)}),
        ("What is it?", "I think it's psoriasis.", (), PSORIASIS),
        ("Is it psoriasis?", "I couldn't say if it's psoriasis.", (), {}),
        ("Is it psoriasis?", "Yes, it's psoriasis.", (), {"leaks": ("psoriasis",)}),
        ("Tell me more.", "My scalp itches.", (), {"inventions": ("scalp", "itches")}),
        ("Does your scalp itch?", "I don't know about my scalp.", (), {}),
        ("Do you smoke?", "I smoke 30 a day.", ("f3",), {"inventions": ("30",)}),
        ("Tell me more.", "Bananas!", (), {"unlisted": ("bananas",)}),
    ],
)
def test_what_is_wrong_with_a_line_is_found(
    doctor: str, text: str, facts: tuple[str, ...], wrong: dict[str, tuple[str, ...]]
) -> None:
    found = heard(doctor, Spoke(text, facts))
    assert {name: got for name, got in found._asdict().items() if got} == wrong


def test_a_dialogue_is_what_doctor_and_patient_said() -> None:
    started = Started("c", "s", 1, 0, "d", "scripted-1", 9, 9, "p")
    events: list[Event] = [
        started,
        Spoke("Hello."),
        Acted("How are you?", 1, 1),
        Spoke("Well."),
        Acted({"type": "wait", "minutes": 5}, 2, 6),
        Acted({"type": "say", "text": "Goodbye."}, 3, 7),
        Spoke("Bye."),
        Ended("patient_left"),
    ]
    found = dialogue_of(case(), events)
    assert [line.heard for line in found.lines] == ["", "How are you?", "Goodbye."]
    assert found.left


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "run"
    some = {d: n for n, d in enumerate(SUITE.labels)}
    cases = [c for c in SUITE.cases if some[c.truth.diagnosis] < 8]
    suite = replace(SUITE, cases=tuple(cases))
    run(RunConfig(suite=suite, doctor=DoctorSpec("interviewer"), directory=directory))
    return directory


def test_a_scripted_patient_neither_leaks_nor_invents_nor_contradicts(played: Path) -> None:
    overall = fidelity(Run(played)).overall
    assert overall.encounters == 160
    for figure in (overall.leaks, overall.inventions, overall.contradictions, overall.unlisted):
        assert figure is not None
        assert (figure.value, figure.n) == (0, overall.lines)


def test_temperaments_show_in_the_lines_and_in_the_pace(played: Path) -> None:
    report = fidelity(Run(played))
    assert report.recovery is not None
    assert report.recovery.words.value >= 0.9
    paces = [report.temperaments[name].facts_per_turn for name in (
        "sanguine", "melancholic", "choleric", "phlegmatic")]  # fmt: skip
    values = [pace.value for pace in paces if pace]
    assert values == sorted(values, reverse=True)


def test_groups_add_up_to_the_whole(played: Path) -> None:
    report = fidelity(Run(played))
    for groups in (report.temperaments, report.diagnoses):
        assert sum(group.lines for group in groups.values()) == report.overall.lines
        assert sum(g.encounters for g in groups.values()) == report.overall.encounters


def test_a_run_keeps_the_figures_of_its_patients(played: Path) -> None:
    kept = (played / "fidelity.json").read_bytes()
    assert kept == as_json(fidelity(Run(played)))
    assert msgspec.json.decode(kept, type=FidelityReport).patient == "scripted-1"


def test_few_encounters_tell_no_temperament() -> None:
    assert recover([Dialogue(case(), (Line("", Spoke("Hello.")),), left=False)]) is None


def test_lines_without_temperament_are_told_apart_by_chance_alone() -> None:
    lines = (Line("", Spoke("Hello.")), Line("Why?", Spoke("My ankle is swollen.", ("f1",))))
    found = recover([Dialogue(one, lines, left=False) for one in SUITE.cases])
    assert found is not None
    assert found.words / found.n < 0.4
    assert found.behaviour / found.n < 0.4
