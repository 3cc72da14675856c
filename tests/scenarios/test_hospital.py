"""The synthetic hospital: the same bytes everywhere, valid, coherent, and like real ones."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import simple_icd_10_cm

from bedside.fhir_server.jsontext import decode, encode
from bedside.fhir_server.population import Population
from bedside.fhir_server.snapshot import build, open_snapshot
from bedside.fhir_server.validation import validate
from bedside.scenarios.hospital import SIZES, charts, lives
from bedside.scenarios.hospital.draws import SIGMA, Chance, halved
from bedside.scenarios.hospital.lives import DAY, NOW, Size
from bedside.scenarios.hospital.report import PUBLISHED, TOLERANCE, measure
from bedside.scenarios.hospital.store import lines
from bedside.scenarios.hospital.tables import analytes, conditions, medicines, stays
from bedside.scenarios.synthetic import SYNTHETIC

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]

SMALL = Size(patients=24, years=5, admitted=0.5, admissions=1)
GOLDEN = "ba6560c2d60a7c6427a6540cb3ad3193005fdcd169271b91cac5f890f152c900"
"""sha256 of the small population; a change of it is a new population, and a line in CHANGELOG."""
NO_LIST = {"http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"}
"""Code systems of which nothing that can be installed holds a list; docs/hospital.md has ours."""


@cache
def small() -> tuple[Json, ...]:
    return tuple(charts(SMALL))


def objects(value: Any) -> Iterator[Json]:
    """Every JSON object in a resource, the resource first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from objects(each)


def codings(resource: Json) -> Iterator[tuple[str, str]]:
    return ((o["system"], o["code"]) for o in objects(resource) if "system" in o and "code" in o)


def references(resource: Json) -> Iterator[str]:
    return (o["reference"] for o in objects(resource) if isinstance(o.get("reference"), str))


def test_the_same_bytes_everywhere() -> None:
    hasher = hashlib.sha256()
    for resource in small():
        hasher.update(encode(resource) + b"\n")
    assert hasher.hexdigest() == GOLDEN


def test_another_seed_is_another_population() -> None:
    assert next(lives(SMALL, 1)) != next(lives(SMALL, 2))


@pytest.mark.parametrize("policy", ["strict", "fhir.resources"])
def test_every_resource_is_valid(policy: str) -> None:
    chosen = small()[:: 1 if policy == "strict" else 7]
    faults = [issue for each in chosen for issue in validate(decode(encode(each)), policy)]
    assert faults == []


@pytest.mark.deep
@pytest.mark.parametrize("policy", ["strict", "fhir.resources"])
def test_the_whole_hospital_is_valid(policy: str) -> None:
    for resource in charts(SIZES["hospital"]):
        assert validate(decode(encode(resource)), policy) == ()


def test_everything_says_that_it_is_synthetic() -> None:
    assert all(resource["meta"]["tag"] == [SYNTHETIC] for resource in small())


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    ids = [f"{each['resourceType']}/{each['id']}" for each in small()]
    assert len(set(ids)) == len(ids)
    assert {target for each in small() for target in references(each)} <= set(ids)


def test_every_diagnosis_is_in_icd_10_cm() -> None:
    for known in [*conditions().values(), *stays().values()]:
        assert simple_icd_10_cm.is_leaf(known.code), known.code
        assert simple_icd_10_cm.get_description(known.code) == known.display


def test_codes_without_an_installable_list_are_in_the_docs() -> None:
    page = (ROOT / "docs" / "hospital.md").read_text(encoding="utf-8")
    found = {code for each in small() for system, code in codings(each) if system in NO_LIST}
    every = found | {known.loinc for known in analytes().values()}
    every |= {known.rxnorm for known in medicines().values() if known.rxnorm}
    assert {code for code in every if f"`{code}`" not in page} == set()


def test_nobody_is_treated_before_birth_or_after_today() -> None:
    for life in lives(Size(patients=150, years=5, admitted=0.6, admissions=3)):
        moments = [visit.at for visit in life.visits] + [a.arrival for a in life.admissions]
        moments += [illness.since for illness in life.illnesses]
        moments += [stay.discharge for stay in life.admissions]
        moments += [taken.start for taken in life.taken]
        assert all(life.birth <= at <= NOW for at in moments)
        assert all(a.discharge < b.arrival for a, b in pairwise(life.admissions))
        for stay in life.admissions:
            assert not any(stay.arrival - DAY < v.at < stay.discharge for v in life.visits)


@pytest.mark.parametrize("half_life", [1, 7, 60])
def test_an_amount_halves(half_life: int) -> None:
    left = [halved(1000, half_life * n, half_life) for n in range(5)]
    assert left == [1000, 500, 250, 125, 62]


def test_normal_numbers_are_normal() -> None:
    chance = Chance(1, "test")
    drawn = sorted(chance.normal() for _ in range(20_000))
    assert abs(sum(drawn) / len(drawn)) < 0.03 * SIGMA
    assert abs(drawn[int(0.95 * len(drawn))] - 1645) < 0.05 * SIGMA


def test_values_are_like_those_of_real_intensive_care() -> None:
    report = measure(
        Population.of(charts(Size(patients=150, years=5, admitted=0.9, admissions=1), seed=7))
    )
    relations = {relation.name: relation.found for relation in report.relations}
    assert all(relation.holds for relation in report.relations), relations
    # Creatinine hangs on how many of a few stays are for kidney failure.
    common = PUBLISHED.keys() - {"creatinine"}
    off = {s.analyte: round(s.off, 2) for s in report.icu if s.analyte in common}
    assert off.keys() == common and max(off.values()) < 0.25, off
    healthy = ("sodium", "potassium", "calcium", "leukocytes", "platelets", "albumin")
    assert all(report.normal[name] > 0.85 for name in healthy)


@pytest.mark.deep
def test_the_hospital_has_the_published_quantiles(tmp_path: Path) -> None:
    build(lines("hospital"), tmp_path / "hospital")
    hospital = open_snapshot(tmp_path / "hospital")
    assert len(hospital) == 727_169
    report = measure(hospital)
    assert max(spread.off for spread in report.icu) <= TOLERANCE
    assert all(relation.holds for relation in report.relations)


def test_a_script_that_guards_nothing_can_build_a_population(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "from bedside.scenarios import hospital\n"
        "from bedside.scenarios.hospital import store\n"
        "hospital.SIZES['hospital'] = hospital.Size(3, 1, 1, 1)\n"
        "print(len(store.opened('hospital')))\n"
    )
    home = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, str(script)], env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000
