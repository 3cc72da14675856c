"""Open suites from symptomcheck vignettes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.agents.registry import DoctorSpec, build
from bedside.core.errors import CaseError
from bedside.envs.drivers import play
from bedside.envs.encounter import Encounter
from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case, Fact
from bedside.scenarios.files import check_cases
from bedside.scenarios.leaks import case_report
from bedside.scenarios.symptomcheck import load, parse_row
from bedside.scenarios.vignette_lists import complaints, denials
from bedside.scenarios.vignette_voice import in_words_of_patient, parts_of_statement

FILE = Path("symptomcheck") / "vignettes.jsonl"


def row(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "correct_diagnosis": "Myasthenia gravis",
        "demographics": "35 year old Female",
        "chief_complaints": "Double vision, Weak arms",
        "presentation": (
            "She has dyspnea on exertion for 3 days. She reports headache and dizziness. On"
            " examination her blood pressure was 150/90 mmHg."
        ),
        "absent_findings": "No fever or chills, No abdominal pain or tenderness, Not pregnant",
        "physical_history": "Hypertension, gout",
        "family_history": "None",
        "social_history": "",
    }
    return fields | changes


@pytest.fixture(scope="module")
def rows(test_data: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in _file(test_data).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def cases(test_data: Path) -> tuple[Case, ...]:
    return load(_file(test_data))


def _file(test_data: Path) -> Path:
    if not (test_data / FILE).is_file():
        pytest.skip(f"no {FILE} in {test_data}; set BEDSIDE_TEST_DATA")
    return test_data / FILE


def texts(case: Case, topic: str) -> list[str]:
    return [fact.text for fact in case.facts if fact.topic == topic]


def test_a_row_becomes_a_case() -> None:
    case = parse_row(row())
    assert (case.person.age, case.person.sex, case.person.companion) == (35.0, "female", False)
    assert texts(case, "complaint") == ["I have double vision.", "I have weak arms."]
    assert "I have headache." in texts(case, "associated")
    assert "I have dizziness." in texts(case, "associated")
    assert [fact.text for fact in case.facts if not fact.present] == [
        "I have no fever.",
        "I have no chills.",
        "I have no abdominal pain.",
        "I am not pregnant.",
        "No illness runs in my family.",
    ]
    assert "I have a history of hypertension." in texts(case, "past")
    assert [(one.name, one.text) for one in case.findings] == [
        ("Vital signs", "On examination my blood pressure was 150/90 mmHg."),
        ("Abdomen", "No abdominal tenderness."),
    ]
    assert case.truth.code == "G70.0"
    kinds = [resource["resourceType"] for resource in case.chart]
    assert kinds == ["Patient", "Condition", "Condition"]
    assert case.patient_id in case.task


def test_the_same_row_gives_the_same_case_and_another_row_other_ids() -> None:
    first, again = parse_row(row()), parse_row(json.loads(json.dumps(row())))
    assert first == again
    assert first.id != parse_row(row(social_history="Smokes.")).id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No ear pain or discharge", ["No ear pain", "No ear discharge"]),
        ("No abdominal or flank pain", ["No abdominal pain", "No flank pain"]),
        ("No exposure to ticks or insects", ["No exposure to ticks", "No exposure to insects"]),
        ("No nausea or vomiting No rash", ["No nausea", "No vomiting", "No rash"]),
        ("No new soaps, lotions, or creams", ["No new soaps", "No lotions", "No creams"]),
        ("No radiation to arms or neck", ["No radiation to arms or neck"]),
        ("No cough reported.", ["No cough"]),
        ("No loss of appetite or weight", ["No loss of appetite", "No loss of weight"]),
        ("-", []),
        ("None", []),
    ],
)
def test_lists_of_absent_findings_come_apart(text: str, expected: list[str]) -> None:
    assert denials(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Shortness of, breath", ["Shortness of breath"]),
        ("Leg, pain, Fever", ["Leg pain", "Fever"]),
        ("Vaginal bleeding, Not from menstruation", ["Vaginal bleeding Not from menstruation"]),
        ("-", []),
    ],
)
def test_complaints_that_a_comma_cut_are_put_together(text: str, expected: list[str]) -> None:
    assert complaints(text) == expected


@pytest.mark.parametrize(
    ("text", "present", "said"),
    [
        ("Shortness of breath on exertion", True, "I have shortness of breath on exertion."),
        ("Developed fever", True, "I developed fever."),
        ("Tired", True, "I am tired."),
        ("The cough is dry", True, "The cough is dry."),
        ("At that time", True, "At that time."),
        ("No recent travel", False, "I have had no recent travel."),
        ("No smoking", False, "I do not smoke."),
        ("Not pregnant", False, "I am not pregnant."),
        ("Not sudden in onset", False, "Not sudden in onset."),
    ],
)
def test_what_the_patient_says(text: str, present: bool, said: str) -> None:
    assert in_words_of_patient(text, present=present) == said


def test_a_statement_comes_apart_where_each_part_stands_alone() -> None:
    assert parts_of_statement("I have fever and developed a cough") == [
        "I have fever.",
        "I developed a cough.",
    ]
    whole = "I have pain and swelling of the knee."
    assert parts_of_statement(whole) == [whole]


QUESTIONS = [
    ("Shortness of breath on exertion", "Do you get out of breath when you climb stairs?"),
    ("Dyspnoea on exertion", "Do you get out of breath when you climb stairs?"),
    ("Dyspnea", "Do you get puffed easily?"),
    ("Orthopnea", "Do you sleep propped up on several pillows?"),
    ("Palpitations", "Does your heart ever pound or skip a beat?"),
    ("Syncope", "Did you black out?"),
    ("Haemoptysis", "Do you bring up blood when you cough?"),
    ("Wheezing", "Do you hear a whistling sound from your chest?"),
    ("Dysuria", "Does it sting when you pee?"),
    ("Nocturia", "Do you have to get up at night to pass water?"),
    ("Hematuria", "Has your pee been red?"),
    ("Melena", "Is your poo black and sticky?"),
    ("Hematochezia", "Is there blood on the toilet paper?"),
    ("Dysphagia", "Does food get stuck on its way down?"),
    ("Pyrosis", "Do you get an acid taste or burning after eating?"),
    ("Jaundice", "Have the whites of your eyes turned yellow?"),
    ("Epigastric pain", "Does your tummy hurt?"),
    ("Diaphoresis", "Do you sweat more than usual?"),
    ("Pruritus", "Do you need to scratch a lot?"),
    ("Paresthesia of the hands", "Do you have tingling in your fingers or hands?"),
    ("Photophobia", "Do bright lights bother your eyes?"),
    ("Diplopia", "Do you see two of everything?"),
    ("Vertigo", "Does the room spin around you?"),
    ("Tinnitus", "Is there a buzzing or humming in your ears?"),
    ("Epistaxis", "Do you get blood from your nose?"),
    ("Rhinorrhea", "Is your nose dripping?"),
    ("Odynophagia", "Does it hurt to swallow?"),
    ("Arthralgia", "Are your joints sore?"),
    ("Myalgia", "Do you ache all over?"),
    ("Pedal edema", "Do your shoes feel tight?"),
    ("Alopecia", "Is your hair coming out?"),
    ("Menorrhagia", "Do you have to change your pads very often?"),
    ("Dyspareunia", "Does it hurt during sex?"),
    ("Polydipsia", "Are you drinking more than you used to?"),
    ("Anorexia", "Have you gone off your food?"),
    ("Weight loss", "Are your clothes looser on you?"),
    ("Insomnia", "Do you have trouble falling asleep?"),
    ("Anhedonia", "Do you still enjoy the things you used to?"),
    ("Tremor", "Do your hands shake?"),
]
COMPANY = "No back pain, No rash, No hemorrhoids, No allergies, No travel, No hearing loss"


@pytest.mark.parametrize(("finding", "question"), QUESTIONS)
@pytest.mark.parametrize("present", [True, False])
def test_a_question_in_other_words_finds_its_fact(
    finding: str, question: str, present: bool
) -> None:
    if present:
        case = parse_row(row(presentation=f"{finding}.", absent_findings=COMPANY))
    else:
        changed = f"{COMPANY}, No {finding[0].lower()}{finding[1:]}"
        case = parse_row(row(presentation="Malaise.", absent_findings=changed))
    wanted = [f for f in case.facts if finding.lower() in f.text.lower() and f.present is present]
    assert wanted, [fact.text for fact in case.facts]
    told = ScriptedPatient(case.person, case.facts, seed=1).reply(question).facts
    assert wanted[0].id in told


def test_all_rows_load(cases: tuple[Case, ...]) -> None:
    assert len(cases) == 200
    assert len({case.person.temperament for case in cases}) == 4


def test_facts_are_short_atomic_and_say_whether_they_are_so(cases: tuple[Case, ...]) -> None:
    for case in cases:
        openings = [fact for fact in case.facts if fact.disclosure == "opening"]
        assert 1 <= len(openings) <= max(1, len(case.facts) / 4)
        for fact in case.facts:
            assert 0 < len(fact.text) <= 120
            assert fact.text[-1] in ".!?"
            assert fact.terms == tuple(term.lower() for term in fact.terms)
            assert fact.present or _has_negation(fact), fact.text
            assert "\n" not in fact.text
            assert not re.match(r"I have (?:i|my|of|they|which) ", fact.text, re.I), fact.text


def _has_negation(fact: Fact) -> bool:
    return bool(
        re.search(r"\b(?:no|not|never|non\w*|normal|negative|denies|without|absent|none)\b|n.t\b",
                  fact.text, re.I)
    )  # fmt: skip


def test_no_denial_is_lost_or_turned_round(
    rows: list[dict[str, str]], cases: tuple[Case, ...]
) -> None:
    """Counted independently of the importer: commas and "or" of the field."""
    kept = listed = 0
    for raw, case in zip(rows, cases, strict=True):
        entries = [one for one in re.split(r"[,.]|\bor\b", raw["absent_findings"]) if one.strip()]
        said = " ".join(fact.text for fact in case.facts if not fact.present)
        shown = " ".join(finding.text for finding in case.findings)
        everything = f"{said} {shown} {case.truth.diagnosis}".lower()
        for entry in entries:
            words = [word for word in re.findall(r"[a-z]{4,}", entry.lower()) if word != "normal"]
            listed += 1
            kept += not words or any(word[:5] in everything for word in words)
    assert kept >= 0.97 * listed


def test_every_complaint_is_told_as_present(
    rows: list[dict[str, str]], cases: tuple[Case, ...]
) -> None:
    for raw, case in zip(rows, cases, strict=True):
        said = " ".join(fact.text for fact in case.facts if fact.present).lower()
        words = re.findall(r"[a-z]{5,}", raw["chief_complaints"].lower())
        assert not words or any(word in said for word in words) or "the problem" in said


def test_nothing_leaks_and_every_chart_is_valid(cases: tuple[Case, ...], test_data: Path) -> None:
    for case in cases:
        assert not [hit for hit in case_report(case) if not hit.allowed]
    report = check_cases(catalogue.load(f"symptomcheck:{_file(test_data)}").cases)
    assert report.passed, report.problems[:5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows"),
        ("{", "line 1: no valid JSON"),
        ("[1]", "line 1: correct_diagnosis"),
        ('{"a": 1}', "line 1: correct_diagnosis: missing"),
        (json.dumps(row()) + "\n" + json.dumps(row()), "line 2: correct_diagnosis is the same"),
        (json.dumps(row(correct_diagnosis=" ")), "line 1: correct_diagnosis"),
        (json.dumps(row(correct_diagnosis={"a": 1})), "line 1: correct_diagnosis: is no text"),
        (json.dumps(row(demographics="a woman")), "demographics: no age"),
        (json.dumps(row(absent_findings=3)), "absent_findings: is no text"),
        (json.dumps(row(presentation="x" * 200)), "presentation: a word of more than 120"),
        (
            json.dumps(row(chief_complaints="-", presentation="", absent_findings="",
                           physical_history="", family_history="")),
            "presentation: says nothing",
        ),
    ],
)  # fmt: skip
def test_bad_files_name_line_and_field(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CaseError, match=re.escape(message)):
        load(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=60)
    | st.text(alphabet=st.sampled_from("ab pain fever No,.;()-'\n1 or and she "), max_size=300),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = sorted(row())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_a_malformed_row_is_a_case_or_one_case_error(changes: dict[str, Any]) -> None:
    try:
        case = parse_row(row(**changes))
    except CaseError as error:
        assert str(error).startswith(tuple(FIELDS))
        return
    assert all(0 < len(fact.text) <= 120 for fact in case.facts)


@settings(deadline=None)
@given(JSON)
def test_any_row_is_a_case_or_a_case_error(value: Any) -> None:
    try:
        parse_row(value)
    except CaseError as error:
        assert str(error)


@pytest.mark.parametrize(("doctor", "least"), [("nothing", 0.0), ("oracle", 0.95)])
def test_floor_and_ceiling_hold(doctor: str, least: float, test_data: Path) -> None:
    suite = catalogue.load(f"symptomcheck:{_file(test_data)}")
    scores = []
    for case in suite.cases[:20]:
        encounter = Encounter(case, suite=suite, seed=1, doctor=doctor)
        play(encounter, build(DoctorSpec(doctor), case=case, suite=suite))
        scores.append(encounter.sheet().score)
    assert least <= mean(scores) <= (1.0 if least else 0.0)
