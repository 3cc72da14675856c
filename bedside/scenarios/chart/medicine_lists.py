"""Lists of medicines that do not agree: with themselves, what is taken, what was stopped."""

from __future__ import annotations

from bedside.scenarios.chart.draft import ROOM, Draft, Patient
from bedside.scenarios.chart.expect import Json
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.prescribing import ago, some, spoken
from bedside.scenarios.chart.resources import dosage, medication_order, note
from bedside.scenarios.comparators import Moment
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW
from bedside.scenarios.hospital.resources import moment
from bedside.scenarios.hospital.tables import medicines

__all__: list[str] = []


@category("duplicate_therapy")
def duplicate_therapy(draft: Draft) -> None:
    """Of two active orders of one class one is stopped; others only look like it."""
    chance, tables = draft.chance, draft.family.tables
    unfit = {*tables["medicines"], *tables["avoid"]}
    draft.choose(lambda p: p.age >= 18 and p.unseen >= ROOM and not _taken(p) & unfit)
    group = chance.pick(tables["groups"])
    one, other = some(chance, group["members"], 2)
    second = {"same": one, "lookalike": group["neighbour"]}.get(draft.branch, other)
    dates = some(chance, [_days_ago(draft, 55, 400), _days_ago(draft, 5, 50)], 2)
    stop = chance.pick(("older", "newer"))
    pair = [
        _plant(draft, one, 0, dates[0]),
        _plant(draft, second, int(stop == "older"), dates[1], active=draft.branch != "ended"),
    ]
    latest, *others = some(chance, tables["others"], 3)
    for name in others:
        _plant(draft, name, chance.below(2), _days_ago(draft, 3, 300))
    decides = _plant(draft, latest, chance.below(2), ago(chance, 3, 40))
    if draft.acts:
        pair.sort(key=lambda order: str(order["authoredOn"]), reverse=stop == "newer")
        decides = pair[0]
        _stop(draft, decides, f"the {stop} of the two orders is stopped")
    draft.ask_id("the order that decides", decides)
    draft.tell(stop=stop, keep="newer" if stop == "older" else "older")


@category("medication_reconciliation")
def medication_reconciliation(draft: Draft) -> None:
    """What is ordered is made to agree with what the patient takes by the last note."""
    chance, tables = draft.chance, draft.family.tables
    draft.choose(lambda p: p.age >= 18 and p.unseen >= ROOM and not _taken(p))
    changed, *known = some(chance, tuple(tables["medicines"]), chance.between(3, 5))
    taken = [(name, chance.below(2)) for name in known]
    agreeing = [_plant(draft, *each, _days_ago(draft, 30, 400)) for each in taken]
    dose, old = chance.below(2), _days_ago(draft, 30, 400)
    if draft.branch in ("missing", "other_dose"):
        taken.append((changed, dose))
        remark = chance.pick(tables["remarks"]["taken"])
        order = _plant(draft, changed, 1 - dose, old, active=draft.branch == "other_dose")
        _order(draft, changed, dose)
    else:
        remark = chance.pick(tables["remarks"]["not_taken"]).format(drug=changed)
        order = _plant(draft, changed, dose, old, active=draft.branch == "not_taken")
    if draft.branch in ("other_dose", "not_taken"):
        _stop(draft, order, f"the order of {changed} is stopped")
    at = ago(chance, 3, 20)
    listed = [_told(draft, *each) for each in some(chance, taken, len(taken))]
    former = _former_list(draft, changed, 1 - dose if draft.branch == "other_dose" else dose, taken)
    _write(draft, at, chance.pick(tables["openings"]), *listed, remark)
    _write(draft, at - chance.between(8, 26) * HOUR, chance.pick(tables["openings"]), *former)
    for each in agreeing:
        draft.ask_id("an order that agrees", each)
    draft.in_any_order()
    draft.tell()


def _former_list(draft: Draft, changed: str, dose: int, taken: list[tuple[str, int]]) -> list[str]:
    """What the note before said: the same, but for the medicine in question."""
    before = [each for each in taken if each[0] != changed]
    if draft.branch != "missing":
        before.append((changed, dose))
    return [_told(draft, *each) for each in some(draft.chance, before, len(before))]


@category("stopped_but_active")
def stopped_but_active(draft: Draft) -> None:
    """The last note says that a medicine was stopped, but its order is active; or it is not so."""
    chance, tables = draft.chance, draft.family.tables
    unfit = set(tables["medicines"])
    draft.choose(lambda p: p.age >= 18 and p.unseen >= ROOM and not _ever_taken(p) & unfit)
    pair = chance.pick(tables["pairs"])
    drug, neighbour = some(chance, pair, 2)
    ordered = _days_ago(draft, 45, 400)
    order = _plant(draft, drug, 1, ordered, active=draft.branch != "already")
    if chance.happens(0.5):
        _plant(draft, drug, 0, ordered - chance.between(90, 300) * DAY, active=False)
    left = [name for name in tables["medicines"] if name not in pair]
    for name in (neighbour, *some(chance, left, 2)):
        _plant(draft, name, chance.below(2), _days_ago(draft, 30, 400))
    happened = _days_ago(draft, 3, 18)
    day, before = moment(happened)[:10], moment(happened - 23 * DAY)[:10]
    last = ago(chance, 3, 20)
    earlier, later = tables["notes"][draft.branch]
    for sentences, at in ((earlier, last - chance.between(8, 26) * HOUR), (later, last)):
        said = chance.pick(sentences).format(drug=drug, neighbour=neighbour, day=day, before=before)
        _write(draft, at, said, chance.pick(tables["closings"]))
    if draft.acts:
        _stop(draft, order, f"the order of {drug} is stopped")
    draft.ask_id("the order of the medicine in the last note", order)
    draft.ask("the day in the last note", Moment(earliest=day, latest=day), day)
    draft.tell()


def _plant(draft: Draft, name: str, place: int, at: int, *, active: bool = True) -> Json:
    """An order of one of the medicine's doses in the chart, running or over."""
    status = "active" if active else draft.chance.pick(("stopped", "completed"))
    order = medication_order(draft.patient, name, _dose(draft, name, place), at=at, status=status)
    return draft.plant(order)


def _order(draft: Draft, name: str, place: int) -> None:
    order = medication_order(draft.patient, {"text": name}, _dose(draft, name, place))
    draft.create(order, f"{_told(draft, name, place)} is ordered")


def _stop(draft: Draft, order: Json, says: str) -> None:
    draft.change(order, {"status": "stopped"}, says)


def _dose(draft: Draft, name: str, place: int) -> Json:
    *doses, times = draft.family.tables["medicines"][name]
    return dosage(doses[place], "mg", "oral", times_a_day=times)


def _told(draft: Draft, name: str, place: int) -> str:
    *doses, times = draft.family.tables["medicines"][name]
    return spoken({"name": name, "dose": doses[place], "times": times})


def _write(draft: Draft, at: int, *lines: str) -> None:
    told = [line[0].upper() + line[1:] for line in lines]
    draft.plant(note(draft.patient, "Clinic note", told, at))


def _days_ago(draft: Draft, low: int, high: int) -> int:
    """So many days ago, but not before the last visit where that leaves room."""
    return NOW - draft.chance.between(low, max(low, min(high, draft.patient.unseen))) * DAY


def _taken(patient: Patient) -> set[str]:
    """The names of the medicines that are taken at home now."""
    return {medicines()[taken.name].name for taken in patient.life.taken if taken.end is None}


def _ever_taken(patient: Patient) -> set[str]:
    return {medicines()[taken.name].name for taken in patient.life.taken}
