"""Two sandboxes and two naive servers get the same requests, and must say the same."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bedside.fhir_server import Population, overlay
from bedside.fhir_server.policy import STRICT
from bedside.fhir_server.requests import Response
from bedside.fhir_server.server.sandboxes import Sandboxes
from tests.fhir_server import naive
from tests.fhir_server.charts import PATIENTS, Json
from tests.fhir_server.naive import NaiveServer

CODES = ("29463-7", "8867-4", "8310-5")
IDS = ("p1", "p2", "p3", "o1", "o2")
POPULATION = [
    *PATIENTS,
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": CODES[0]}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2025-03-03",
        "valueQuantity": {"value": 70},
    },
]

which = st.integers(0, 1)
types = st.sampled_from(["Patient", "Observation"])
chosen_ids = st.sampled_from(IDS)
patients = st.builds(
    lambda family, gender: {
        "resourceType": "Patient",
        **({"name": [{"family": family}]} if family else {}),
        **({"gender": gender} if gender else {}),
    },
    st.sampled_from(["", "Alder", "Birch", "alderson"]),
    st.sampled_from(["", "male", "female"]),
)
observations = st.builds(
    lambda code, patient, day, value: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        **({"subject": {"reference": f"Patient/{patient}"}} if patient else {}),
        **({"effectiveDateTime": f"2025-03-{day:02}"} if day else {}),
        **({"valueQuantity": {"value": value}} if value else {}),
    },
    st.sampled_from(CODES),
    st.sampled_from(["", "p1", "p2", "p3"]),
    st.integers(0, 9),
    st.integers(0, 5).map(lambda n: n * 20),
)
resources = patients | observations
invalid = st.sampled_from(
    [
        {"resourceType": "Patient", "gender": "x"},
        {"resourceType": "Patient", "active": "true"},
        {"resourceType": "Observation", "status": "final", "code": {}},
        {"resourceType": "Patient", "foo": 1},
    ]
)
searches = st.one_of(
    st.builds(
        lambda p: ("Observation", f"subject=Patient/{p}", naive.about(p)), st.sampled_from(IDS)
    ),
    st.builds(lambda c: ("Observation", f"code={c}", naive.coded(c)), st.sampled_from(CODES)),
    st.builds(
        lambda c: ("Observation", f"code:not={c}", naive.not_coded(c)), st.sampled_from(CODES)
    ),
    st.builds(
        lambda d: ("Observation", f"date=ge2025-03-{d:02}", naive.on_or_after(d)),
        st.integers(1, 9),
    ),
    st.builds(
        lambda v: ("Observation", f"value-quantity=gt{v}", naive.heavier(v)), st.integers(0, 90)
    ),
    st.builds(
        lambda n: ("Patient", f"family={n}", naive.named(n)), st.sampled_from(["al", "Birch", "z"])
    ),
    st.just(("Patient", "gender:missing=true", naive.without("gender"))),
    st.just(("Observation", "subject:missing=true", naive.without("subject"))),
)


class Charts(RuleBasedStateMachine):
    """Requests to either of two sandboxes; each is compared with its own naive server."""

    requests = 0

    @initialize()
    def open(self) -> None:
        sandboxes = Sandboxes(Population.of(POPULATION), "http://h", policy=STRICT)
        opened = [sandboxes.get(sandboxes.create(seed)[0]) for seed in (1, 2)]
        self.real = [each for each in opened if each is not None]
        self.naive = [NaiveServer(POPULATION), NaiveServer(POPULATION)]

    def ask(
        self, which: int, method: str, url: str, body: Any = None, **headers: str
    ) -> tuple[Response, Json]:
        Charts.requests += 1
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.real[which].request(method, url, named, body)
        assert response.status < 500, (method, url, body, response)
        return response, json.loads(response.body or b"{}")

    @rule(which=which, resource=resources)
    def create(self, which: int, resource: Json) -> None:
        response, stored = self.ask(which, "POST", resource["resourceType"], resource)
        assert response.status == 201
        self.naive[which].create(resource, stored["id"])

    @rule(which=which, resource=invalid)
    def create_what_is_invalid(self, which: int, resource: Json) -> None:
        response, _ = self.ask(which, "POST", resource["resourceType"], resource)
        assert response.status == 422

    @rule(which=which, resource=resources, id=chosen_ids, match=st.none() | st.integers(0, 4))
    def update(self, which: int, resource: Json, id: str, match: int | None) -> None:
        resource = {**resource, "id": id}
        headers = {} if match is None else {"if_match": f'W/"{match}"'}
        place = f"{resource['resourceType']}/{id}"
        response, _ = self.ask(which, "PUT", place, resource, **headers)
        assert response.status == self.naive[which].update(resource, match)

    @rule(which=which, type=types, id=chosen_ids)
    def delete(self, which: int, type: str, id: str) -> None:
        response, _ = self.ask(which, "DELETE", f"{type}/{id}")
        assert response.status == self.naive[which].delete(type, id)

    @rule(which=which, type=types, id=chosen_ids)
    def read(self, which: int, type: str, id: str) -> None:
        response, found = self.ask(which, "GET", f"{type}/{id}")
        self.compare(response, found, *self.naive[which].read(type, id))

    @rule(which=which, type=types, id=chosen_ids, number=st.integers(1, 5))
    def read_a_version(self, which: int, type: str, id: str, number: int) -> None:
        response, found = self.ask(which, "GET", f"{type}/{id}/_history/{number}")
        self.compare(response, found, *self.naive[which].read_version(type, id, number))

    def compare(self, response: Response, found: Json, status: int, wanted: Json | None) -> None:
        assert response.status == status
        if wanted is not None:
            assert {name: value for name, value in found.items() if name != "meta"} == wanted

    @rule(which=which, asked=st.lists(searches, min_size=1, max_size=3))
    def search(self, which: int, asked: list[Any]) -> None:
        type = asked[0][0]
        same = [each for each in asked if each[0] == type]
        query = "&".join(each[1] for each in same)
        found = self.pages(which, f"{type}?{query}&_count=3&_sort=_id")
        assert found == self.naive[which].search(type, *(each[2] for each in same))

    def pages(self, which: int, url: str) -> list[str]:
        found: list[str] = []
        total = None
        while url:
            response, bundle = self.ask(which, "GET", url)
            assert response.status == 200, bundle
            found += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
            total = bundle["total"] if total is None else total
            assert bundle["total"] == total
            url = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), "")
        assert len(found) == total
        return found

    @rule(which=which, code=st.sampled_from(CODES))
    def search_by_chain(self, which: int, code: str) -> None:
        naive_server = self.naive[which]
        patients = {
            r["subject"]["reference"].removeprefix("Patient/")
            for r in naive_server.all("Observation")
            if "subject" in r and naive.coded(code)(r)
        }
        found = self.pages(which, f"Patient?_has:Observation:patient:code={code}&_sort=_id")
        assert found == naive_server.search("Patient", lambda r: r["id"] in patients)
        found = self.pages(which, "Observation?patient.family=alder&_sort=_id")
        alders = set(naive_server.search("Patient", naive.named("alder")))
        assert found == naive_server.search(
            "Observation",
            lambda r: r.get("subject", {}).get("reference", "").removeprefix("Patient/") in alders,
        )

    @rule(which=which, made=st.lists(resources, min_size=1, max_size=3), fails=st.booleans())
    def transact(self, which: int, made: list[Json], fails: bool) -> None:
        sent = [*made, {"resourceType": "Patient", "gender": "x"}] if fails else made
        entries = [
            {"resource": r, "request": {"method": "POST", "url": r["resourceType"]}} for r in sent
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        response, answer = self.ask(which, "POST", "", bundle)
        assert response.status == (422 if fails else 200)
        if not fails:
            for resource, entry in zip(made, answer["entry"], strict=True):
                self.naive[which].create(resource, entry["resource"]["id"])

    @rule(which=which, type=types, id=chosen_ids)
    def ask_for_history(self, which: int, type: str, id: str) -> None:
        response, bundle = self.ask(which, "GET", f"{type}/{id}/_history")
        wanted = self.naive[which].history(type, id)
        assert response.status == (200 if wanted else 404)
        found = [
            (id, int(entry["response"]["etag"].strip('W/"'))) for entry in bundle.get("entry", [])
        ]
        assert found == wanted

    @precondition(lambda self: hasattr(self, "real"))
    @invariant()
    def nothing_goes_from_one_to_the_other(self) -> None:
        for which in (0, 1):
            for type in ("Patient", "Observation"):
                found = self.pages(which, f"{type}?_elements=id&_sort=_id")
                assert found == self.naive[which].search(type)


def run(number: int, examples: int, steps: int) -> int:
    """Run the machine from a seed; how many requests it made."""
    before = Charts.requests
    run_state_machine_as_test(
        seed(number)(Charts),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Charts.requests - before


@pytest.mark.parametrize("many", [64, 0], ids=["scanned", "by postings"])
def test_no_divergence_from_the_naive_server(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(overlay, "MANY", many)
    assert run(0, examples=25, steps=20) > 1000


@pytest.mark.deep
def test_no_divergence_in_a_hundred_thousand_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    number, made = int(os.environ.get("BEDSIDE_DEEP_SEED", "1")), 0
    while made < 100_000:
        monkeypatch.setattr(overlay, "MANY", 64 * (number % 2))
        made += run(number, examples=200, steps=50)
        number += 1
        print(f"{made} requests; to go on from here: BEDSIDE_DEEP_SEED={number}")
