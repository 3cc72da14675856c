"""What a client asks the answer to be in, and says it sends."""

from __future__ import annotations

import pytest

from tests.fhir_server.charts import call, chart, says

BODY = {"resourceType": "Patient", "gender": "other"}


@pytest.mark.parametrize("place", ["Patient/p1", "Patient", "Patient/_history", "metadata"])
@pytest.mark.parametrize(
    ("format", "status"),
    [
        ("json", 200),
        ("text/json", 200),
        ("application/fhir+json", 200),
        ("application/fhir%2Bjson", 200),
        ("application/fhir+json;fhirVersion=4.0", 200),
        ("application/fhir%2Bjson%3B%20fhirVersion%3D4.0", 200),
        ("application/fhir+json;fhirVersion=3.0", 406),
        ("xml", 406),
        ("application/fhir+ndjson", 406),
    ],
)
def test_a_url_may_name_the_format(place: str, format: str, status: int) -> None:
    found, body = call(chart(), "GET", f"{place}?_format={format}")
    assert found == status
    assert status == 200 or "_format=json" in says(body)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("text/html, application/*;q=0.5", 200),
        ("application/fhir+xml, application/fhir+json;q=0.9", 200),
        ('application/fhir+json; fhirVersion="4.0"', 200),
        ("application/fhir+json; fhirVersion=3.0", 406),
        ("application/fhir+json; fhirVersion=3.0, application/json", 200),
        ("application/fhir+xml", 406),
        ("text/html", 406),
    ],
)
def test_accept_may_name_formats(accept: str, status: int) -> None:
    assert call(chart(), "GET", "Patient/p1", headers={"Accept": accept})[0] == status


def test_the_url_has_the_last_word() -> None:
    html, json = {"Accept": "text/html"}, {"Accept": "application/json"}
    assert call(chart(), "GET", "Patient?_format=json", headers=html)[0] == 200
    assert call(chart(), "GET", "Patient?_format=xml", headers=json)[0] == 406


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/fhir+json; fhirVersion=4.0", 201),
        ("application/fhir+json; fhirVersion=3.0", 415),
        ("application/fhir+json; charset=UTF-8", 201),
        ("application/fhir+json; charset=latin-1", 415),
        ("application/fhir+xml", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_is_json_of_r4(content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type}
    assert call(chart(), "POST", "Patient", BODY, headers)[0] == status


@pytest.mark.parametrize(("coding", "status"), [("identity", 201), ("gzip", 415), ("br", 415)])
def test_a_body_is_sent_as_it_is(coding: str, status: int) -> None:
    found, answer = call(chart(), "POST", "Patient", BODY, {"Content-Encoding": coding})
    assert found == status
    assert status == 201 or f"Content-Encoding is {coding}" in says(answer)


def test_an_entry_of_a_batch_names_its_own_format() -> None:
    entry = {"request": {"method": "GET", "url": "Patient/p1?_format=xml"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    _, answer = call(chart(), "POST", "", bundle)
    assert answer["entry"][0]["response"]["status"] == "406"
