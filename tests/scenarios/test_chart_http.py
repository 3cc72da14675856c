"""Every task is done by its model answer over HTTP too, on a server of its own socket."""

from __future__ import annotations

import httpx2
import pytest

from bedside.agents.state_grader import grade_answer, grade_chart
from bedside.fhir_server.population import StartLayer
from bedside.scenarios import chart
from bedside.scenarios.hospital import clinic
from tests.serving import serving

WHOLE = pytest.param("hospital", chart.EACH, marks=pytest.mark.deep)


@pytest.mark.parametrize(("size", "each"), [("clinic", 1), WHOLE])
def test_the_model_writes_over_http_meet_every_demand(size: str, each: int) -> None:
    with serving(clinic()) as sandboxes, httpx2.Client() as client:
        for case in chart.cases(size, each=each):
            id, token = sandboxes.create(start=StartLayer.of(case.chart))
            base = f"{sandboxes.base}/sandbox/{id}/fhir"
            headers = {"authorization": f"Bearer {token}"}
            for request in case.gold:
                address = f"{base}/{request.path}"
                response = client.request(
                    request.method, address, json=request.body, headers=headers
                )
                assert response.status_code < 300, (case.category, response.text)
            sandbox = sandboxes.get(id)
            assert sandbox is not None
            grade = grade_chart(case, sandbox._chart)
            assert grade.complete and grade.safe, (case.category, case.branch, grade)
            assert all(grade_answer(case, case.gold_answer).met)
            sandboxes.reset(id)
            again = sandboxes.get(id)
            assert again is not None and not again._chart.changes()
            assert all(again._chart.get(r["resourceType"], r["id"]) for r in case.chart)
            sandboxes.drop(id)
