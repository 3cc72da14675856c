"""When two names of a diagnosis mean the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.scenarios.case import Truth
from bedside.scenarios.names import forms, icd_terms, judge, normalise

PML = Truth(diagnosis="Progressive multifocal encephalopathy (PML)")
GRAVIS = Truth(diagnosis="Myasthenia gravis", code="G70.0", synonyms=("Goldflam disease",))
ATOPIC = Truth(diagnosis="Atopic dermatitis", code="L20.9", accepted_codes=("L20",))
SKIN = ("Atopic dermatitis", "Contact dermatitis", "Psoriasis", "Actinic keratosis")


@pytest.mark.parametrize(
    ("true", "given_name"),
    [
        ("Hirschsprung\u2019s disease", "hirschsprung disease"),
        ("Hirschsprung disease", "Hirschsprung's Disease"),
        ("Meigs syndrome", "Meigs' syndrome"),
        ("Progressive multifocal encephalopathy (PML)", "PML"),
        (
            "Progressive multifocal encephalopathy (PML)",
            "Progressive multifocal leukoencephalopathy (PML)",
        ),
        ("Hemorrhoids", "haemorrhoid"),
        ("Pulmonary edema", "pulmonary oedema"),
        ("Brain tumor", "Brain tumour"),
        ("Liver metastasis", "liver metastases"),
        ("Diffuse large B-cell lymphoma", "diffuse large B cell lymphoma"),
        ("Coarctation of the aorta", "Coarctation of aorta"),
        ("Type 2 diabetes mellitus", "Type II diabetes mellitus"),
        ("Sj\u00f6gren syndrome", "Sjogren's syndrome"),
        ("Myasthenia gravis", "Likely myasthenia gravis"),
        ("Myasthenia gravis", "Myastenia gravis"),
        ("Pyoderma gangrenosum", "Pyoderma gangrenosm"),
    ],
)
def test_right(true: str, given_name: str) -> None:
    assert judge(given_name, None, Truth(diagnosis=true)) == "right"


@pytest.mark.parametrize(
    ("true", "given_name"),
    [
        ("Atopic dermatitis", "Contact dermatitis"),
        ("Actinic keratosis", "Actinic keratitis"),
        ("Keratosis", "Keratitis"),
        ("Meningitis", "Gingivitis"),
        ("Stroke", "Strike"),
        ("Hypothyroidism", "Hyperthyroidism"),
        ("Hyperkalemia", "Hypercalcemia"),
        ("Hypokalemia", "Hyperkalemia"),
        ("Cystitis", "Cholecystitis"),
        ("Chronic hepatitis B", "Chronic hepatitis C"),
        ("Hemophilia A", "Hemophilia B"),
        ("Type 1 diabetes mellitus", "Type 2 diabetes mellitus"),
        ("Acute pancreatitis", "Chronic pancreatitis"),
        ("Appendicitis", "Appendicitis or cholecystitis"),
        ("Progressive multifocal encephalopathy (PML)", "Stroke (PML)"),
        ("Gout", "Goat"),
    ],
)
def test_near_misses_are_not_right(true: str, given_name: str) -> None:
    truth = Truth(diagnosis=true)
    assert judge(given_name, None, truth) == "needs_judge"
    assert judge(given_name, None, truth, (true, given_name)) == "wrong"
    assert judge(given_name, None, truth, (true,)) == "wrong"


@pytest.mark.parametrize("code", ["G70.0", "g700", "G70.01", "G70.00 "])
def test_the_code_decides_for_a_name_nobody_knows(code: str) -> None:
    assert judge("weak muscles of the eyelid kind", code, GRAVIS) == "right"


def test_a_broader_code_is_not_enough() -> None:
    assert judge("weak muscles of the eyelid kind", "G70", GRAVIS) == "needs_judge"
    assert judge("weak muscles of the eyelid kind", None, GRAVIS) == "needs_judge"


def test_name_and_code_that_contradict_each_other_are_one_answer() -> None:
    assert judge("Myasthenia gravis", "I63.9", GRAVIS) == "right"
    assert judge("Psoriasis", "L20.9", ATOPIC, SKIN) == "wrong"
    assert judge("Asthma", "G70.0", GRAVIS) == "needs_judge"
    assert judge("Asthma", "L20.9", ATOPIC, SKIN) == "wrong"


def test_a_term_of_icd_10_cm_under_an_accepted_category_is_right() -> None:
    assert judge("Besnier's prurigo", None, ATOPIC) == "right"


def test_synonyms_count() -> None:
    assert judge("Goldflam's disease", None, GRAVIS) == "right"


def test_a_misspelling_of_another_label_is_that_label() -> None:
    labels = ("Dermatitis", "Dermatosis")
    assert judge("Dermatosis", None, Truth(diagnosis="Dermatitis"), labels) == "wrong"


def test_empty_names() -> None:
    assert judge("  ", None, GRAVIS) == "needs_judge"
    assert judge("?", None, ATOPIC, SKIN) == "wrong"


def test_icd_terms() -> None:
    code, terms = icd_terms("Hirschsprung\u2019s disease") or ("", ())
    assert code == "Q43.1"
    assert "Aganglionosis" in terms
    assert icd_terms("fifth disease") == ("B08.3", ("Erythema infectiosum [fifth disease]",))
    assert icd_terms("Situational syncope") is None
    assert icd_terms("Epidermoid cyst") is None, "its code is for other cysts of the mouth"
    assert icd_terms("") is None


def test_codes_that_gather_several_diseases_give_no_further_synonyms() -> None:
    assert icd_terms("Lung cancer") == ("C34.90", ("Lung cancer NOS",))


def test_forms() -> None:
    assert forms("Progressive multifocal encephalopathy (PML)") == (
        "Progressive multifocal encephalopathy",
        "PML",
    )
    assert forms("Diabetes mellitus (type 2)") == ("Diabetes mellitus",)


@given(st.text(max_size=60))
def test_normalise_is_stable_under_case_and_space(text: str) -> None:
    assert normalise(f"  {text} ") == normalise(text)
    assert normalise(normalise(text)) == normalise(normalise(normalise(text)))


@given(st.text(max_size=40), st.none() | st.text(max_size=10))
def test_judge_takes_any_text(name: str, code: str | None) -> None:
    assert judge(name, code, Truth(diagnosis="Psoriasis"), SKIN) in ("right", "wrong")


def test_exact_names_are_judged_fast() -> None:
    judge("Psoriasis", "L40.0", ATOPIC, SKIN)
    start = time.process_time()
    for _ in range(10_000):
        judge("Psoriasis", "L40.0", ATOPIC, SKIN)
    assert (time.process_time() - start) / 10_000 < 20e-6
