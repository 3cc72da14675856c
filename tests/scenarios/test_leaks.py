"""The leak check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bedside.scenarios.agentclinic import load
from bedside.scenarios.case import Case, Truth
from bedside.scenarios.leaks import STEM, case_report, leaks, mask, stems

GRAVIS = Truth(diagnosis="Myasthenia gravis", synonyms=("Goldflam disease",))
PML = Truth(diagnosis="Progressive multifocal encephalopathy (PML)")


def test_stems() -> None:
    assert stems(GRAVIS) == {"myasth", "gravis", "goldfl"}
    assert {"PML", "multif", "enceph"} <= stems(PML)
    assert "progre" not in stems(PML)


@pytest.mark.parametrize(
    ("text", "truth", "words"),
    [
        ("Known myasthenic crisis; GRAVIS.", GRAVIS, ["myasthenic", "GRAVIS"]),
        ("Ptosis that worsens with gaze.", GRAVIS, []),
        ("Lesions of PML were seen.", PML, ["PML"]),
        ("pml", PML, []),
        ("Progressive weakness.", PML, []),
        ("Severe haemorrhoids.", Truth(diagnosis="Hemorrhoids"), ["haemorrhoids"]),
        ("Pupils reactive to light.", Truth(diagnosis="Reactive arthritis"), []),
        ("He has gout; gouty.", Truth(diagnosis="Gout"), ["gout"]),
        ("Low back pain since May.", Truth(diagnosis="Low back pain"), ["Low back pain"]),
        ("Back pain, low mood.", Truth(diagnosis="Low back pain"), []),
        ("Hepatic failure, liver failure.", Truth(diagnosis="Fulminant hepatic failure"),
         ["Hepatic failure", "liver failure"]),
        ("Respiratory distress.", Truth(diagnosis="Respiratory distress syndrome"), []),
        ("HIV positive.", Truth(diagnosis="Acute HIV infection"), ["HIV"]),
    ],
)  # fmt: skip
def test_leaks(text: str, truth: Truth, words: list[str]) -> None:
    assert leaks(text, truth) == words


def test_mask_leaves_the_rest_and_no_double_article() -> None:
    masked = mask("Findings of the myasthenia gravis, with ptosis.", GRAVIS)
    assert masked == "Findings of the condition, with ptosis."
    assert not leaks(masked, GRAVIS)


def _case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "id": "a1",
        "task": "See the patient.",
        "person": {"name": "Patient 1", "age": 30, "sex": "female", "temperament": "choleric"},
        "facts": [{"id": "f1", "topic": "complaint", "text": "Weak.", "disclosure": "opening"}],
        "findings": [{"id": "e1", "name": "eyes", "text": "Ptosis."}],
        "tests": [{"id": "t1", "name": "antibodies", "text": "Proves myasthenia gravis."}],
        "chart": [{"resourceType": "Patient", "id": "p1"}],
        "patient_id": "p1",
        "truth": GRAVIS,
        "source": "synthetic",
    }
    return Case.model_validate(fields | changes)


def test_only_a_test_result_may_name_the_diagnosis() -> None:
    assert [(hit.where, hit.allowed) for hit in case_report(_case())] == [
        ("tests[0].text", True),
        ("tests[0].text", True),
    ]


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ("task", {"task": "A case of myasthenia."}),
        ("id", {"id": "myasthenia-1"}),
        ("person.name", {"person": {"name": "Ms Goldflam", "age": 1, "sex": "female",
                                    "temperament": "choleric"}}),
        ("facts[0].text", {"facts": [{"id": "f1", "topic": "past", "text": "Myasthenia runs here.",
                                      "disclosure": "opening"}]}),
        ("findings[0].name", {"findings": [{"id": "e", "name": "gravis sign", "text": "Yes."}]}),
        ("findings[0].id", {"findings": [{"id": "gravis", "name": "eyes", "text": "Yes."}]}),
        ("tests[0].name", {"tests": [{"id": "t", "name": "Myasthenia panel", "text": "Yes."}]}),
        ("chart[0].code.coding[0].display",
         {"chart": [{"code": {"coding": [{"display": "Myasthenia"}]}}]}),
    ],
)  # fmt: skip
def test_every_visible_field_is_read(where: str, changes: dict[str, Any]) -> None:
    assert where in {hit.where for hit in case_report(_case(**changes)) if not hit.allowed}


def test_no_third_party_case_gives_its_diagnosis_away(test_data: Path) -> None:
    for case in load(test_data / "agentclinic" / "medqa.jsonl"):
        assert [hit for hit in case_report(case) if not hit.allowed] == []


_JUDGED = {
    "chronically": "'appears chronically ill' is how the patient looks",
    "congenital": "a family history that is denied",
    "diseases": "a general word",
    "disorder": "another, named disorder in the history",
    "disorders": "a general word",
    "distress": "what the newborn is brought for; the name only adds 'syndrome'",
    "infant": "who the patient is",
    "position": "what brings the dizziness on: the history cannot be told without it",
    "positive": "a result, not a form of 'positional'",
    "respiratory": "a body system, and the respiratory rate",
    "situation": "'oriented to situation', not a form of 'situational'",
    "uterine": "an organ that was examined",
}
"""Words that a visible text shares with the name of its diagnosis, judged one by one."""


def test_words_shared_with_the_diagnosis_were_judged_one_by_one(test_data: Path) -> None:
    shared: set[str] = set()
    for case in load(test_data / "agentclinic" / "medqa.jsonl"):
        names = " ".join([case.truth.diagnosis, *case.truth.synonyms]).lower()
        begun = {word[:STEM] for word in re.findall(r"[a-z]{6,}", names)}
        texts = [fact.text for fact in case.facts] + [finding.text for finding in case.findings]
        for word in re.findall(r"[a-z]{6,}", " ".join(texts).lower()):
            if word[:STEM] in begun:
                shared.add(word)
    assert shared == set(_JUDGED)
