"""A snapshot answers as the population it was built from, and damage to it is found."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.cli_ehr import ehr
from bedside.core.errors import PopulationError
from bedside.core.lock import locked
from bedside.fhir_server import Chart, Population, StartLayer
from bedside.fhir_server.bulk import Line, lines_of
from bedside.fhir_server.snapshot import Snapshot, build, open_snapshot, verify
from tests.fhir_server.charts import NOW, PATIENTS, Json, call, chart, ids, weight

FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def lines(resources: Iterable[Json]) -> list[Line]:
    return [Line(json.dumps(r).encode(), f"resource {n}") for n, r in enumerate(resources)]


def snapshot(resources: Iterable[Json], folder: Path, workers: int = 1) -> Snapshot:
    build(lines(resources), folder, workers=workers)
    return open_snapshot(folder)


def over(population: Any) -> Chart:
    return Chart(population, StartLayer.of([]), seed=1, now=NOW)


observations = st.lists(
    st.builds(
        lambda code, patient, when, value: {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            **({"subject": {"reference": f"Patient/{patient}"}} if patient else {}),
            **when,
            **({"valueQuantity": {"value": value}} if value else {}),
        },
        st.sampled_from(["1-1", "2-2", "3-3"]),
        st.sampled_from(["", "p1", "p2"]),
        st.sampled_from(
            [
                {},
                {"effectiveDateTime": "2025-03"},
                {"effectiveDateTime": "2025-03-04"},
                {"effectiveInstant": "2025-03-04T10:00:00.123Z"},
                {"effectivePeriod": {"start": "2025-03-01", "end": "2025-03-09"}},
                {"effectivePeriod": {"start": "2025-03-05"}},
                {"effectivePeriod": {"end": "2025-03-05"}},
            ]
        ),
        st.integers(0, 3),
    ),
    max_size=12,
)
fine_dates = st.sampled_from(
    [{"effectiveInstant": "2025-03-04T10:00:00.123456789Z"}, {"effectiveDateTime": "2025-03-04"}]
)
questions = st.lists(
    st.sampled_from(
        [
            "patient=p1", "patient=Patient/p2", "subject=p1,p2", "code=1-1", "code:not=1-1",
            "code=http://loinc.org|2-2,3-3", "code=http://loinc.org|", "date=2025-03-04",
            "date=ge2025-03-04", "date=lt2025-03-05", "date=ne2025-03", "date=sa2025-03-01",
            "date=ap2025-03-04", "date=gt2025-03-04T10:00:00Z", "date:missing=true",
            "value-quantity=gt1", "_id=o01,o02,zz", "subject:missing=true", "status=final",
            "_sort=-date", "_sort=date,_id", "_lastUpdated=gt2020", "patient.gender=female",
        ]
    ),
    max_size=4,
    unique_by=lambda part: part.partition("=")[0],
)  # fmt: skip


@given(found=observations, asked=questions)
@FEW
def test_a_snapshot_finds_what_the_population_finds(
    tmp_path_factory: pytest.TempPathFactory, found: list[Json], asked: list[str]
) -> None:
    resources = [*PATIENTS, *({**r, "id": f"o{n:02}"} for n, r in enumerate(found))]
    folder = tmp_path_factory.mktemp("snapshot") / "s"
    on_disk, in_memory = over(snapshot(resources, folder)), over(Population.of(resources))
    query = "&".join(["_count=100", *asked])
    for type in ("Observation", "Patient"):
        url = f"{type}?{query}" if type == "Observation" else "Patient?_sort=_id"
        one, other = call(on_disk, "GET", url), call(in_memory, "GET", url)
        assert one[0] == other[0] == 200
        assert sorted(ids(one[1])) == sorted(ids(other[1]))
        if "_sort=-date" not in asked:
            continue
        dated = [e["resource"].get("effectiveDateTime") for e in one[1].get("entry", [])]
        assert dated == [e["resource"].get("effectiveDateTime") for e in other[1].get("entry", [])]


@given(found=st.lists(fine_dates, min_size=1, max_size=4))
@FEW
def test_dates_finer_than_a_column_are_compared_all_the_same(
    tmp_path_factory: pytest.TempPathFactory, found: list[Json]
) -> None:
    resources = [{**weight(1, id=f"o{n}"), **when} for n, when in enumerate(found)]
    for resource in resources:
        if "effectiveInstant" in resource:
            resource.pop("effectiveDateTime", None)
    folder = tmp_path_factory.mktemp("snapshot") / "s"
    on_disk, in_memory = over(snapshot(resources, folder)), over(Population.of(resources))
    for prefix in ("eq", "gt", "lt", "ge", "le"):
        url = f"Observation?date={prefix}2025-03-04T10:00:00.123456789Z&_sort=_id"
        assert ids(call(on_disk, "GET", url)[1]) == ids(call(in_memory, "GET", url)[1])


def test_a_chart_over_a_snapshot_reads_and_writes(tmp_path: Path) -> None:
    mine = over(snapshot([*PATIENTS, weight(70, id="w1")], tmp_path / "s"))
    assert call(mine, "GET", "Observation/w1")[1]["valueQuantity"]["value"] == 70
    assert call(mine, "GET", "Observation/nothing")[0] == 404
    assert call(mine, "GET", "Observation/é")[0] == 404
    call(mine, "PUT", "Observation/w1", weight(71, id="w1"))
    assert call(mine, "GET", "Observation/w1")[1]["meta"]["versionId"] == "2"
    call(mine, "POST", "Observation", weight(72, 2))
    assert len(ids(call(mine, "GET", "Observation?patient=p1")[1])) == 2
    (changed, new) = mine.changes()
    assert changed.before is not None
    assert new.before is None
    assert len(call(mine, "GET", "_history")[1]["entry"]) == 5


def test_the_json_is_returned_as_it_was_given(tmp_path: Path) -> None:
    text = b'{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":1.500}]}'
    build([Line(text, "here")], tmp_path / "s")
    assert over(open_snapshot(tmp_path / "s")).request("GET", "Patient/a").body == text


def test_the_same_content_has_the_same_digest_in_any_order(tmp_path: Path) -> None:
    resources = [weight(70 + n, id=f"w{n}") for n in range(9)]
    one = snapshot(resources, tmp_path / "one")
    other = snapshot(reversed(resources), tmp_path / "other", workers=2)
    assert one.digest == other.digest
    assert len(one) == 9
    assert [record.id for record in one] == [f"w{n}" for n in range(9)]
    assert snapshot(resources[1:], tmp_path / "third").digest != one.digest


def test_indexing_in_parallel_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["bedside.fhir_server.snapshot.build"], "_ROWS", 3)
    resources = [weight(70 + n, n % 28 + 1, id=f"w{n}") for n in range(20)]
    one = snapshot(resources, tmp_path / "one", workers=1)
    two = snapshot(resources, tmp_path / "two", workers=2)
    assert one.manifest == two.manifest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "resource 0: this is no FHIR resource as JSON"),
        (b"[]", "resource 0: this is no FHIR resource as JSON"),
        (b'{"resourceType":"Foo","id":"a"}', "no resource type of R4"),
        (b'{"resourceType":"Patient"}', "give it 1 to 64 "),
        (b'{"resourceType":"Patient","id":"a b"}', "give it 1 to 64 "),
        (b'{"resourceType":"Patient","id":"a","x":' + b"[" * 70 + b"]" * 70 + b"}", "nested"),
    ],
)
def test_what_cannot_be_stored_leaves_nothing_behind(
    tmp_path: Path, text: bytes, says: str
) -> None:
    with pytest.raises(PopulationError, match=says):
        build([Line(text, "resource 0")], tmp_path / "s", workers=1)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


def test_twice_the_same_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PopulationError, match="Patient/p1 is there twice"):
        snapshot([PATIENTS[0], PATIENTS[0]], tmp_path / "s")


def test_a_new_snapshot_replaces_the_old_one_whole(tmp_path: Path) -> None:
    snapshot([weight(70, id="w1")], tmp_path / "s")
    assert len(snapshot([weight(70, id="w1"), weight(71, id="w2")], tmp_path / "s")) == 2
    (tmp_path / "notes").mkdir()
    with pytest.raises(PopulationError, match="is no snapshot; choose another"):
        snapshot([], tmp_path / "notes")


def test_two_builders_do_not_meet(tmp_path: Path) -> None:
    busy = pytest.raises(PopulationError, match="another process is building")
    with locked(tmp_path, PopulationError, "busy"), busy:
        snapshot([], tmp_path / "s")


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PopulationError, match="cannot write"):
        snapshot([], tmp_path / "file" / "s")


@given(at=st.floats(0, 1), byte=st.integers(1, 255), cut=st.booleans())
@FEW
def test_damage_is_found_wherever_it_is(
    tmp_path_factory: pytest.TempPathFactory, at: float, byte: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("snapshot") / "s"
    whole = snapshot([*PATIENTS, weight(70, id="w1")], folder)
    files = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    sizes = [path.stat().st_size for path in files]
    place = int(at * (sum(sizes) - 1))
    number = 0
    while place >= sizes[number]:
        place -= sizes[number]
        number += 1
    path = files[number]
    text = bytearray(path.read_bytes())
    text[place] ^= byte
    path.write_bytes(text[:place] if cut else text)
    with pytest.raises(PopulationError, match="build the snapshot again"):
        verify(folder)
    if cut:
        with pytest.raises(PopulationError, match="instead of"):
            open_snapshot(folder)
    assert len(whole) == 3


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (b"", "is damaged"),
        (b"{}", "is damaged"),
        (b'{"format":9,"digest":"","types":{},"sizes":{},"hashes":{}}', "reads 3"),
        (b'{"format":3,"digest":"","types":{},"sizes":{"x":1},"hashes":{}}', "x is missing"),
    ],
)
def test_a_manifest_that_cannot_be_used(tmp_path: Path, manifest: bytes, says: str) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest)
    with pytest.raises(PopulationError, match=says):
        open_snapshot(tmp_path)


def test_resources_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    one, two, three, four = ({"resourceType": "Patient", "id": f"a{n}"} for n in range(4))
    (tmp_path / "a.ndjson").write_text(json.dumps(one) + "\n\n")
    with gzip.open(tmp_path / "b.ndjson.gz", "wt") as file:
        file.write(json.dumps(two))
    entries = [{"resource": three}, {"request": {"method": "GET", "url": "x"}}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "c.json").write_text(json.dumps(bundle, indent=2))
    (tmp_path / "d.json").write_text(json.dumps(four))
    (tmp_path / "notes.txt").write_text("not read")
    found = [json.loads(line.text)["id"] for line in lines_of([tmp_path])]
    assert found == ["a0", "a1", "a2", "a3"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone", None, "is not there"),
        ("x.txt", b"", "is none of"),
        ("x.json", b"{", "no FHIR resource as JSON"),
        ("x.ndjson.gz", b"no gzip", "cannot read"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PopulationError, match=says):
        list(lines_of([path]))


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(ehr, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_population_goes_out_and_comes_back(tmp_path: Path) -> None:
    built = json.loads(run("build", "clinic", tmp_path / "one", "--json"))
    run("export", tmp_path / "one", tmp_path / "files")
    run("export", tmp_path / "one", tmp_path / "all.json", "--bundle")
    for name, source in (("two", tmp_path / "files"), ("three", tmp_path / "all.json")):
        again = json.loads(run("import", tmp_path / name, source, "--json"))
        assert again["digest"] == built["digest"]
        assert again["resources"] == built["resources"]
    assert "as it was built" in run("verify", tmp_path / "two")


def test_an_import_refuses_what_is_not_valid_unless_told_otherwise(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    bad.write_text('{"resourceType":"Patient","id":"a","gender":"x"}\n')
    with pytest.raises(PopulationError, match=r"line 1: Patient.gender is 'x'"):
        run("import", tmp_path / "s", bad)
    assert "1 resources" in run("import", tmp_path / "s", bad, "--no-validate")


def test_a_stored_search_parameter_takes_effect_at_once(tmp_path: Path) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "id": "unit",
        "url": "http://example.org/unit",
        "name": "unit",
        "status": "active",
        "description": "the unit of the value",
        "code": "unit",
        "base": ["Observation"],
        "type": "string",
        "expression": "Observation.value.as(Quantity).unit",
    }
    for mine in (chart(weight(70, id="w1")), over(snapshot([weight(70, id="w1")], tmp_path / "s"))):
        assert call(mine, "GET", "Observation?unit=kg")[0] == 400
        assert call(mine, "PUT", "SearchParameter/unit", parameter)[0] == 201
        assert ids(call(mine, "GET", "Observation?unit=kg&code=29463-7")[1]) == ["w1"]
        assert ids(call(mine, "GET", "Observation?unit=lb")[1]) == []
        declared = json.dumps(call(mine, "GET", "metadata")[1])
        assert '"name": "unit"' in declared
        call(mine, "DELETE", "SearchParameter/unit")
        assert call(mine, "GET", "Observation?unit=kg")[0] == 400
