"""What a population's values are like, beside published figures, read from the resources alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from statistics import correlation, median
from typing import Any, NamedTuple

import msgspec

from bedside.fhir_server.population import Resources
from bedside.scenarios.hospital.tables import analytes

__all__ = ["PUBLISHED", "TOLERANCE", "Relation", "Report", "Spread", "measure"]

Json = dict[str, Any]

PUBLISHED = {
    "glucose": (76, 121, 232),
    "potassium": (3.1, 4.0, 5.1),
    "sodium": (130, 139, 148),
    "creatinine": (0.3, 0.9, 5.7),
    "haemoglobin": (7.6, 9.7, 12.8),
}
"""5, 50 and 95 % of what is measured in real intensive care."""
TOLERANCE = 0.15
"""How far, as a share, a quantile may be from the published one."""

_QUANTILES = (0.05, 0.5, 0.95)
_ICU = "Intensive care"


class Spread(NamedTuple):
    """5, 50 and 95 % of an analyte, of so many values."""

    analyte: str
    found: tuple[float, float, float]
    values: int

    @property
    def off(self) -> float:
        """The largest distance from the published figures, as a share; 0 where there are none."""
        wanted = PUBLISHED.get(self.analyte, self.found)
        return max(abs(f / w - 1) for f, w in zip(self.found, wanted, strict=True) if w)


class Relation(NamedTuple):
    """Something that should hold between values, how it comes out, and where it should lie."""

    name: str
    found: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether it lies where it should."""
        return self.low <= self.found <= self.high


class Report(msgspec.Struct, frozen=True):
    """The figures of a population.

    Attributes:
        icu: values charted in intensive care.
        clinic: values of visits.
        normal: share of the values of visits inside their own reference interval, by analyte.
        relations: what should hold between values.
    """

    icu: tuple[Spread, ...]
    clinic: tuple[Spread, ...]
    normal: dict[str, float]
    relations: tuple[Relation, ...]


class _Value(NamedTuple):
    patient: str
    encounter: str
    at: str
    value: float
    flag: str


def measure(population: Resources) -> Report:
    """The figures of a population that this package has made, or one of the same layout."""
    stays = dict(_stays(population))
    values = _values(population)
    icu = {n: [v for v in of if _in_icu(v, stays)] for n, of in values.items()}
    clinic = {n: [v for v in of if v.encounter not in stays] for n, of in values.items()}
    return Report(
        icu=tuple(_spreads(icu)),
        clinic=tuple(_spreads(clinic)),
        normal={n: sum(v.flag == "N" for v in of) / len(of) for n, of in clinic.items() if of},
        relations=tuple(_relations(values, stays)),
    )


class _Stay(NamedTuple):
    reason: str
    icu: tuple[str, str]


def _stays(population: Resources) -> Iterator[tuple[str, _Stay]]:
    for record in population.of_type("Encounter"):
        encounter = record.resource
        if encounter["class"]["code"] == "IMP":
            places = {p["location"]["display"]: p["period"] for p in encounter["location"]}
            icu = places.get(_ICU, {"start": "", "end": ""})
            code = encounter["reasonCode"][0]["coding"][0]["code"]
            yield f"Encounter/{record.id}", _Stay(code, (icu["start"], icu["end"]))


def _in_icu(value: _Value, stays: dict[str, _Stay]) -> bool:
    stay = stays.get(value.encounter)
    return stay is not None and stay.icu[0] <= value.at < stay.icu[1]


def _values(population: Resources) -> dict[str, list[_Value]]:
    names = {analyte.loinc: name for name, analyte in analytes().items()}
    found: dict[str, list[_Value]] = defaultdict(list)
    for record in population.of_type("Observation"):
        resource = record.resource
        name = names.get(resource["code"]["coding"][0]["code"])
        if name is not None:
            found[name].append(
                _Value(
                    resource["subject"]["reference"],
                    resource["encounter"]["reference"],
                    resource["effectiveDateTime"],
                    float(resource["valueQuantity"]["value"]),
                    resource["interpretation"][0]["coding"][0]["code"],
                )
            )
    return found


def _spreads(values: dict[str, list[_Value]]) -> Iterator[Spread]:
    for name, of in sorted(values.items()):
        if of:
            ordered = sorted(value.value for value in of)
            low, mid, high = (ordered[int(share * len(ordered))] for share in _QUANTILES)
            yield Spread(name, (low, mid, high), len(ordered))


def _relations(values: dict[str, list[_Value]], stays: dict[str, _Stay]) -> Iterator[Relation]:
    infected = {id for id, stay in stays.items() if stay.reason in ("J18.9", "A41.9", "K35.80")}
    injured = {id for id, stay in stays.items() if stay.reason == "N17.9"}
    crp = list(_courses(values["crp"], infected))
    yield Relation("CRP, last of a stay with antibiotics : highest", _typical(crp), 0.001, 0.5)
    for name, encounters, low, high in (
        ("acute kidney failure", injured, 2.0, 20.0),
        ("other stays", stays.keys() - injured, 0.7, 1.5),
    ):
        falls = [of[0] / max(of[-1], 0.01) for of in _courses(values["creatinine"], encounters)]
        found = median(falls) if falls else 0.0
        yield Relation(f"creatinine, first : last, {name}", found, low, high)
    sugar = [v for v in values["glucose"] if v.encounter not in stays]
    yield Relation(
        "HbA1c and mean glucose of a patient, correlation", _agree(sugar, values["hba1c"]), 0.7, 1
    )


def _courses(values: Iterable[_Value], encounters: Set[str]) -> Iterator[list[float]]:
    found: dict[str, list[_Value]] = defaultdict(list)
    for value in values:
        if value.encounter in encounters:
            found[value.encounter].append(value)
    for of in found.values():
        if len(of) > 1:
            yield [value.value for value in sorted(of, key=lambda value: value.at)]


def _typical(courses: Sequence[list[float]]) -> float:
    return median(of[-1] / max(of) for of in courses if max(of)) if courses else 0.0


def _agree(sugar: list[_Value], hba1c: list[_Value]) -> float:
    mean: dict[str, list[float]] = defaultdict(list)
    for value in sugar:
        mean[value.patient].append(value.value)
    long: dict[str, list[float]] = defaultdict(list)
    for value in hba1c:
        long[value.patient].append(value.value)
    both = [p for p in long if len(mean.get(p, ())) > 2]
    if len(both) < 3:
        return 0.0
    return correlation([sum(mean[p]) / len(mean[p]) for p in both], [median(long[p]) for p in both])
