"""What the server does is what its OpenAPI description says, whatever is sent (Schemathesis)."""

from __future__ import annotations

from typing import Any

import pytest

from bedside.fhir_server import Population
from bedside.fhir_server.policy import STRICT
from bedside.fhir_server.server.app import Limits, application
from bedside.fhir_server.server.sandboxes import Sandboxes
from tests.fhir_server.charts import PATIENTS, weight

schemathesis: Any = pytest.importorskip("schemathesis", reason="needs the extra 'deep'")
from hypothesis import HealthCheck, settings  # noqa: E402

pytestmark = pytest.mark.deep

APP = application(
    Sandboxes(Population.of([*PATIENTS, weight(70, id="w1")]), "http://testserver", policy=STRICT),
    Limits(),
)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


@SCHEMA.parametrize()
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_surprises(case: Any) -> None:
    case.call_and_validate(checks=CHECKS)
