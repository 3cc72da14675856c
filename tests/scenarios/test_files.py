"""Cases in files, and the suites made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bedside.agents.registry import DoctorSpec
from bedside.core.errors import CaseError
from bedside.runs.plan import RunConfig
from bedside.runs.records import Run
from bedside.runs.runner import run
from bedside.runs.scoring import rescore
from bedside.scenarios import catalogue
from bedside.scenarios.case import Check
from bedside.scenarios.consult import suite as consult
from bedside.scenarios.files import check_cases, read_cases
from bedside.scenarios.hospital import clinic
from tests.run_samples import sample_case


def plain(number: int = 1, **changes: Any) -> dict[str, Any]:
    return sample_case(number).model_dump(mode="json") | changes


def written(folder: Path, *cases: dict[str, Any]) -> Path:
    file = folder / "cases.jsonl"
    file.write_text("\n".join(map(json.dumps, cases)))
    return file


def check(search: str) -> dict[str, Any]:
    return {"id": "recorded", "says": "recorded", "searches": [search], "at_least": 1}


MALFORMED = (
    ("Conditions?patient=p001", "Condition"),
    ("Condition?patients=p001", "patient"),
    ("Condition?patient=", "VALUE"),
    ("Condition?code:exactly=L40", "text"),
    ("Observation?date=yesterday", "YYYY"),
)


@pytest.mark.parametrize(("search", "mend"), MALFORMED)
def test_a_malformed_search_is_found_when_the_case_is_read(
    tmp_path: Path, search: str, mend: str
) -> None:
    file = written(tmp_path, plain(1), plain(2, checks=[check(search)]))
    for read in (lambda: read_cases(str(file)), lambda: catalogue.load(f"cases:{file}")):
        with pytest.raises(CaseError) as error:
            read()
        for part in ("case 2 'sample-002'", "checks.0", "check 'recorded'", search, mend):
            assert part in str(error.value)


@pytest.mark.parametrize(("search", "mend"), MALFORMED)
def test_a_malformed_search_is_found_when_the_check_is_made(search: str, mend: str) -> None:
    with pytest.raises(ValidationError, match="check 'recorded'"):
        Check.model_validate(check(search))


def test_a_well_formed_search_is_taken(tmp_path: Path) -> None:
    file = written(tmp_path, plain(checks=[check("Condition?patient=p001&code=L40.0,L40.9")]))
    assert check_cases(read_cases(str(file))).passed


def test_cases_of_a_file_lie_over_the_clinic(tmp_path: Path) -> None:
    found = catalogue.load(f"cases:{written(tmp_path, plain(1), plain(2))}")
    assert found.population.digest == clinic().digest == consult().population.digest


def test_an_id_of_a_bystander_is_refused(tmp_path: Path) -> None:
    bystander = next(record.id for record in clinic() if record.type == "Patient")
    chart = [{"resourceType": "Patient", "id": bystander}]
    file = written(tmp_path, plain(1), plain(2, chart=chart, patient_id=bystander))
    with pytest.raises(CaseError, match=rf"'sample-002': chart\[0\].id: .*Patient/{bystander}"):
        catalogue.load(f"cases:{file}")


def test_a_run_over_the_clinic_can_be_scored_again(tmp_path: Path) -> None:
    found = catalogue.load(f"cases:{written(tmp_path, plain(1), plain(2))}")
    directory = tmp_path / "run"
    run(RunConfig(suite=found, doctor=DoctorSpec("nothing"), directory=directory))
    assert Run(directory).suite().population.digest == clinic().digest
    assert rescore(directory).problems == ()
