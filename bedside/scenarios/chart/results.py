"""Results and vital signs that must be judged before they are acted on."""

from __future__ import annotations

from typing import Any

from bedside.scenarios.chart.draft import Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import LOINC, lab, note, quantity, service, vital
from bedside.scenarios.comparators import Amount, Moment
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment
from bedside.scenarios.hospital.tables import analytes

__all__: list[str] = []

Table = dict[str, Any]

_ERROR: Json = {"status": "entered-in-error"}


def _adult(patient: Patient) -> bool:
    return patient.age >= 18


def _item(draft: Draft) -> tuple[str, Table]:
    """One of the tests in the category's tables, and what is known of it."""
    name = draft.chance.pick(tuple(draft.family.tables))
    return name, draft.family.tables[name]


def _range(chance: Chance, ends: list[int]) -> int:
    return chance.between(ends[0], ends[1])


def _code(name: str, said: str) -> Json:
    known = analytes()[name]
    return {
        "coding": [{"system": LOINC, "code": known.loinc, "display": known.display}],
        "text": said,
    }


def _reference(resource: Json) -> Json:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def _ask_value(draft: Draft, says: str, value: float, unit: str, tolerance: float = 0.001) -> None:
    draft.ask(says, Amount(value=value, unit=unit, tolerance=tolerance), value)


@category("trend_detection")
def trend_detection(draft: Draft) -> None:
    """A first and a last value of two days are compared, whatever lies between or before."""
    patient, chance = draft.choose(_adult), draft.chance
    name, table = _item(draft)
    first = _range(chance, table["first"])
    series, older, error = _trend(chance, draft.branch, first, table["limit"] * table["sign"])
    begin = NOW - chance.between(40, 46) * HOUR - chance.below(60)
    end = NOW - chance.between(1, 5) * HOUR - chance.below(60)
    step = (end - begin) // (len(series) - 1)
    scale = 10 ** analytes()[name].digits
    draft.plant(lab(patient, name, older / scale, NOW - chance.between(52, 60) * HOUR))
    for place, value in enumerate(series[:-1]):
        draft.plant(lab(patient, name, value / scale, begin + place * step))
    last = draft.plant(lab(patient, name, series[-1] / scale, end))
    draft.plant({**lab(patient, name, error / scale, end + chance.between(15, 50)), **_ERROR})
    if draft.acts:
        draft.create(
            service(
                patient,
                _code(name, table["name"]),
                priority="urgent",
                occurrenceDateTime=moment(end + 12 * HOUR),
                reasonReference=[_reference(last)],
            ),
            f"a repeat {table['name']} is ordered for 12 hours after the last one",
        )
    unit = analytes()[name].unit
    _ask_value(draft, "the first value", series[0] / scale, unit)
    _ask_value(draft, "the last value", series[-1] / scale, unit)
    draft.tell(test=table["name"], rule=table["rule"], loinc=analytes()[name].loinc, unit=unit)


def _trend(chance: Chance, branch: str, first: int, limit: int) -> tuple[list[int], int, int]:
    """The values of two days, one from before them, and one that was entered in error.

    `limit` is negative where a fall is what matters. The last two values would mislead whoever
    took them into account.
    """
    sign = 1 if limit > 0 else -1
    within = sign * chance.below(abs(limit) - 1)
    beyond = limit + sign * chance.below(abs(limit))
    some = sign * chance.below(abs(limit) // 2)
    match branch:
        case "worse":
            last = first + beyond
            return [first, first + some, last - some, last], last - some, first + some
        case "peak":
            last = first + within
            return [first, first + some, first + beyond, last], last - beyond, last + beyond
        case "opposite":
            last = first - limit - some
            return [first, first - some, last + some, last], last - limit, first + beyond
        case _:
            last = first + within
            return [first, first + some, first + within // 2, last], last - beyond, first + beyond


@category("delta_check")
def delta_check(draft: Draft) -> None:
    """One value that neither the one before nor the one after it bears out is taken again."""
    patient, chance = draft.choose(_adult), draft.chance
    name, table = _item(draft)
    true = draft.branch in ("step", "confirmed")
    jump = (table["true"] if true else chance.pick((-1, 1))) * (
        table["limit"] + 2 * table["noise"] + chance.below(table["more"])
    )
    place, level = chance.between(1, 3), _range(chance, table["level"])
    odd: tuple[int, ...] = {
        "suspect": (place,),
        "marked": (place,),
        "step": (2, 3, 4) if place == 1 else (3, 4),
        "confirmed": (place, place + 1) if place < 3 else (1, 2),
    }.get(draft.branch, ())
    scale = 10 ** analytes()[name].digits

    def plant(offset: int, at: int) -> Json:
        value = level + offset + chance.between(-table["noise"], table["noise"])
        return lab(patient, name, value / scale, at)

    latest = NOW - chance.between(1, 6) * HOUR - chance.below(60)
    draft.plant(plant(0, latest - 56 * HOUR))
    draft.plant(plant(-jump, latest - 51 * HOUR))
    results = [plant(jump * (n in odd), latest - (4 - n) * 9 * HOUR) for n in range(5)]
    if draft.branch == "marked":
        results[place].update(_ERROR)
    results = [draft.plant(result) for result in results]
    found = results[place if draft.acts else -1]
    if draft.acts:
        draft.create(
            service(
                patient,
                _code(name, table["name"]),
                priority="stat",
                reasonReference=[_reference(found)],
            ),
            f"a {table['name']} is taken again because of the suspicious one",
        )
    draft.ask_id("the suspicious result, or else the last one", found)
    unit = analytes()[name].unit
    _ask_value(draft, "its value", found["valueQuantity"]["value"], unit)
    draft.tell(
        test=table["name"],
        limit=f"{table['limit'] / scale:g} {table['said']}",
        half=f"{table['limit'] / scale / 2:g} {table['said']}",
        loinc=analytes()[name].loinc,
        unit=unit,
    )


@category("unit_mismatch")
def unit_mismatch(draft: Draft) -> None:
    """Results in two units are brought into one before the extreme is found and judged."""
    patient, chance = draft.choose(_adult), draft.chance
    name, table = _item(draft)
    digits = analytes()[name].digits
    latest = NOW - chance.between(1, 3) * HOUR - chance.below(60)

    def result(value: int, at: int, foreign: bool) -> Json:
        if not foreign:
            return lab(patient, name, value / 10**digits, at)
        converted = round(value / 10**digits * table["factor"], table["foreign_digits"])
        return lab(patient, name, converted, at, unit=table["foreign"])

    extreme = _range(chance, table["crossing" if draft.acts else "near"])
    foreign = draft.branch.startswith("outside")
    older = _range(chance, table["crossing"])
    draft.plant(result(older, NOW - chance.between(60, 90) * HOUR, not foreign))
    place, results = chance.below(4), []
    for n, value in enumerate(_towards(chance, table, extreme, place)):
        at = latest - (3 - n) * 5 * HOUR - chance.below(60)
        found = result(value, at, foreign if n == place else n % 2 == 1)
        results.append(draft.plant(found))
    beyond = 2 * extreme if table["sign"] > 0 else extreme // 2
    error = result(beyond, latest - chance.between(100, 700), chance.happens(0.5))
    draft.plant({**error, **_ERROR})
    found = results[place]
    if draft.acts:
        draft.create(
            service(patient, {"text": table["order"]}, priority="urgent"),
            f"'{table['order']}' is ordered",
            also={"code": table["also"]},
        )
    value = found["valueQuantity"]["value"] / (table["factor"] if foreign else 1)
    want = Amount(value=value, unit=analytes()[name].unit, tolerance=0.5001 / 10**digits)
    draft.ask(f"the {table['which']} value", want, round(value, digits))
    draft.ask_id("the result that it is from", found)
    told = {key: table[key] for key in ("which", "rule", "order", "conversion", "rounding")}
    draft.tell(test=table["name"], loinc=analytes()[name].loinc, **told)


def _towards(chance: Chance, table: Table, extreme: int, place: int) -> list[int]:
    """Four values that go step by step towards the extreme at a place, and away from it again."""
    values = [extreme] * 4
    for n in (*range(place - 1, -1, -1), *range(place + 1, 4)):
        nearer = values[n + 1] if n < place else values[n - 1]
        values[n] = nearer - table["sign"] * _range(chance, table["step"])
    return values


@category("unfollowed_result")
def unfollowed_result(draft: Draft) -> None:
    """An abnormal result is followed up, unless an order that counts has done so already."""
    patient, chance = draft.choose(_adult), draft.chance
    name, table = _item(draft)
    scale = 10 ** analytes()[name].digits
    normal = draft.branch == "normal"
    value = _range(chance, table["normal" if normal else "abnormal"]) / scale
    before = _range(chance, table["abnormal" if normal else "normal"]) / scale
    at = NOW - chance.between(8, 26) * HOUR - chance.below(60)
    follow = _code(table["follow"], table["follow_name"])
    draft.plant(lab(patient, name, before, at - chance.between(20, 60) * DAY))
    result = draft.plant(lab(patient, name, value, at))
    early = chance.pick(("active", "completed"))
    draft.plant(service(patient, follow, at=at - chance.between(2, 8) * HOUR, status=early))
    void = chance.pick(("revoked", "entered-in-error"))
    draft.plant(service(patient, follow, at=at + chance.between(60, 180), status=void))
    draft.plant(service(patient, {"text": "Physiotherapy"}, at=at + chance.between(30, 240)))
    found = result
    if draft.branch == "followed":
        late = chance.pick(("active", "active", "completed"))
        found = service(patient, follow, at=at + chance.between(200, 400), status=late)
        found = draft.plant(found)
    if draft.acts:
        draft.create(
            service(patient, follow, priority="urgent", reasonReference=[_reference(result)]),
            f"a {table['follow_name']} is ordered because of the result",
        )
    unit = analytes()[name].unit
    tests = ((name, table["name"]), (table["follow"], table["follow_name"]))
    _ask_value(draft, "the last value", value, unit)
    draft.ask_id("the order that was there already, or else the result", found)
    draft.tell(
        test=table["name"],
        rule=table["rule"],
        unit=unit,
        codes=", ".join(dict.fromkeys(f"{said} {analytes()[test].loinc}" for test, said in tests)),
    )


@category("corrected_vital")
def corrected_vital(draft: Draft) -> None:
    """A vital sign that was charted wrongly is marked so, and the right one recorded."""
    patient, chance = draft.choose(_adult), draft.chance
    _, table = _item(draft)
    usual = (
        round(patient.kilograms() * chance.between(97, 103) / 10)
        if table["slip"]
        else _range(chance, table["usual"])
    )
    false = usual * 10 if table["slip"] else usual + _range(chance, table["off"])
    place, end = chance.between(1, 3), NOW - chance.between(1, 5) * HOUR
    values = [usual + chance.between(-table["noise"], table["noise"]) for _ in range(5)]
    if not table["slip"]:
        values[(place + chance.between(1, 4)) % 5] = false
    values[place] = false
    scale = 10 ** table["digits"]
    readings = []
    for n, value in enumerate(values):
        at = end - (4 - n) * 10 * HOUR + chance.between(-12, 12)
        reading = vital(patient, table["loinc"], table["name"], value / scale, table["unit"], at)
        readings.append(reading)
    right = {**readings[place], "valueQuantity": quantity(usual / scale, table["unit"])}
    if draft.branch in ("unrecorded", "done"):
        readings[place].update(_ERROR)
    wrong = [draft.plant(reading) for reading in readings][place]
    if draft.branch in ("unmarked", "done"):
        draft.plant(right)
    _demand_correction(draft, wrong, right)
    told = wrong["effectiveDateTime"]
    draft.ask_id("the wrong Observation", wrong)
    draft.ask("its time", Moment(earliest=told, latest=told), told)
    draft.tell(
        sign=table["name"].lower(),
        loinc=table["loinc"],
        unit=table["unit"],
        story=table["story"].format(wrong=f"{false / scale:g}", right=f"{usual / scale:g}"),
        about=_clock(end - (4 - place) * 10 * HOUR),
    )


def _demand_correction(draft: Draft, wrong: Json, right: Json) -> None:
    if draft.branch in ("open", "unmarked"):
        draft.change(wrong, _ERROR, "the wrong reading is marked as entered in error")
    if draft.branch in ("open", "unrecorded"):
        draft.create(right, "the right reading is recorded", ungraded=("category",))


@category("conflicting_sources")
def conflicting_sources(draft: Draft) -> None:
    """Two sources give two values; the house rule says which one counts, and it decides."""
    patient, chance = draft.choose(_adult), draft.chance
    name, table = _item(draft)
    scale = 10 ** analytes()[name].digits
    crossing, safe = (_range(chance, table[key]) / scale for key in ("crossing", "safe"))
    counts, discounted = (crossing, safe) if draft.acts else (safe, crossing)
    write = _same_sample if table["rule"] == "sample" else _two_times
    found = write(draft, name, table, counts, discounted)
    if draft.acts:
        draft.create(
            service(
                patient,
                {"text": table["order"]},
                priority="stat",
                reasonReference=[_reference(found)],
            ),
            f"'{table['order']}' is ordered because of the value that counts",
            also={"code": table["also"]},
        )
    _ask_value(draft, "the value that counts", counts, analytes()[name].unit)
    draft.ask_id("where it stands", found)
    draft.tell(
        test=table["name"],
        limit=table["limit"],
        order=table["order"],
        unit=table["said"],
        loinc=analytes()[name].loinc,
    )


def _same_sample(draft: Draft, name: str, table: Table, counts: float, discounted: float) -> Json:
    """A final result, a preliminary one of the same sample, and a note of what was phoned."""
    patient, chance = draft.patient, draft.chance
    at = NOW - chance.between(5, 20) * HOUR - chance.below(60)
    first = {**lab(patient, name, discounted, at), "status": "preliminary"}
    final = draft.plant({**lab(patient, name, counts, at), "issued": moment(at + 90)})
    draft.plant({**first, "issued": moment(at + 30)})
    lines = (
        f"{patient.name}: the laboratory telephoned at {_clock(at + 30)}.",
        f"Sample of {_clock(at)}: {table['name']} {discounted:g} {table['said']}.",
    )
    draft.plant(note(patient, "Ward note", lines, at + chance.between(120, 220)))
    return final


def _two_times(draft: Draft, name: str, table: Table, counts: float, discounted: float) -> Json:
    """A charted reading and one in a note, taken at different times; the note is written last."""
    patient, chance = draft.patient, draft.chance
    late = NOW - chance.between(4, 9) * HOUR - chance.below(60)
    early = late - chance.between(80, 200)
    in_note = chance.happens(0.5)
    charted_at, noted_at = (early, late) if in_note else (late, early)
    charted, noted = (discounted, counts) if in_note else (counts, discounted)
    draft.plant(lab(patient, name, discounted, early - chance.between(4, 8) * HOUR))
    reading = draft.plant(lab(patient, name, charted, charted_at))
    lines = (
        f"{patient.name}: I took this by hand and had no time to chart it.",
        f"{table['name'].capitalize()} {noted:g} {table['said']} at {_clock(noted_at)}.",
        "Comfortable, has drunk some tea.",
    )
    written = draft.plant(note(patient, "Nursing note", lines, late + chance.between(30, 150)))
    return written if in_note else reading


def _clock(at: int) -> str:
    return moment(at)[:16].replace("T", " ")
