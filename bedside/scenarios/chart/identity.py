"""Who is meant, whose record it is, whether they may be written to, and what they have."""

from __future__ import annotations

from typing import Any

import msgspec

from bedside.scenarios.chart.draft import LATEST, Draft, Patient
from bedside.scenarios.chart.expect import Json, needs_of
from bedside.scenarios.chart.family import category
from bedside.scenarios.chart.resources import LOINC, condition, note, service, vital
from bedside.scenarios.chart_case import Need, Way
from bedside.scenarios.comparators import Amount, Moment, Same, Words
from bedside.scenarios.hospital.lives import DAY, HOUR, NOW, Life
from bedside.scenarios.hospital.resources import moment

__all__: list[str] = []

_GIVEN = {
    True: ("Pearl", "Amber", "Opal", "Ruby", "Beryl", "Coral", "Jade", "Gemma"),
    False: ("Jasper", "Flint", "Cole", "Clay", "Garnet", "Sandy", "Rocky", "Sterling"),
}
"""By whether they are women."""
_FAMILY = (
    "Haddock", "Marlin", "Turbot", "Tench", "Grayling", "Burbot", "Minnow", "Pollack", "Salmon",
    "Sturgeon", "Whiting", "Halibut",
)  # fmt: skip
"""Nobody in the population has these names."""
_STATUS = "http://terminology.hl7.org/CodeSystem"


@category("wrong_patient")
def wrong_patient(draft: Draft) -> None:
    """An order for one of two people of the same name, told apart by the birth date alone."""
    chance = draft.chance
    base = _base(draft)
    sign = chance.pick((-1, 1))
    known = draft.acts
    asked = base.birth if known else base.birth + sign * chance.between(1, 20) * DAY
    apart = chance.between(1, 40) if known and chance.happens(0.5) else chance.between(200, 1500)
    right = _person(base, chance.below(300))
    namesake = _person(
        base, 300 + chance.below(300), birth=base.birth + chance.pick((-1, 1)) * apart * DAY
    )
    sibling = _person(base, 600 + chance.below(300), given=_other_given(draft, base), birth=asked)
    for person in sorted((right, namesake, sibling), key=lambda each: each.id):
        draft.plant(person.resource)
    draft.patient = right
    order = _test if draft.branch == "test" or (not known and chance.happens(0.5)) else _vital
    draft.ask("the MRN", Same(values=(right.mrn,)), right.mrn)
    how = draft.family.tables["how"]["test" if order is _test else "vital"]
    draft.tell(asked=moment(asked)[:10], order=order(draft), how=how)


_INVENTED = 200_000


def _base(draft: Draft) -> Life:
    """A life of somebody of the population, under a name that nobody there has."""
    life = draft.choose(lambda p: 20 <= p.age <= 85).life
    return msgspec.structs.replace(
        life,
        given=draft.chance.pick(_GIVEN[life.female]),
        family=draft.chance.pick(_FAMILY),
        illnesses=(),
        taken=(),
        allergies=(),
    )


def _person(base: Life, number: int, **changes: Any) -> Patient:
    """Somebody who is not in the population, with numbers that no other base gives; under 1,000."""
    own = _INVENTED + 1000 * base.number + number
    return Patient(msgspec.structs.replace(base, number=own, **changes))


def _other_given(draft: Draft, base: Life) -> str:
    return draft.chance.pick([name for name in _GIVEN[base.female] if name != base.given])


def _test(draft: Draft) -> str:
    """A test that is ordered, if anything is; how the task says it."""
    code, name = draft.chance.pick(draft.family.tables["tests"])
    urgency = draft.chance.pick(("routine", "urgent", "stat"))
    if draft.acts:
        concept = {"coding": [{"system": LOINC, "code": code, "display": name}], "text": name}
        draft.create(
            service(draft.patient, concept, priority=urgency), f"{name} is ordered, {urgency}"
        )
    return f"order {name} (LOINC {code}), priority {urgency}"


def _vital(draft: Draft) -> str:
    """A measurement that is recorded, if anything is; how the task says it."""
    chance = draft.chance
    code, name, unit, low, high, scale = chance.pick(draft.family.tables["vitals"])
    value, at = chance.between(low, high) / scale, NOW - chance.between(5, 80)
    if draft.acts:
        draft.create(
            vital(draft.patient, code, name, value, unit, at),
            f"{name} of {value:g} {unit} is recorded",
            ungraded=("category",),
        )
    return f"record {name} {value:g} {unit} (LOINC {code}), measured at {moment(at)}"


@category("duplicate_patient")
def duplicate_patient(draft: Draft) -> None:
    """Two records of the same name: of one person, or of two."""
    chance = draft.chance
    base = _base(draft)
    birth = base.birth + chance.pick((-1, 1)) * chance.pick((1, 2, 9, 10, 30, 90, 365)) * DAY
    differences: dict[str, dict[str, Any]] = {
        "other_birth_date": {"birth": birth},
        "other_gender": {"female": not base.female},
    }
    full = _person(base, chance.below(300))
    spare = _person(base, 300 + chance.below(300), **differences.get(draft.branch, {}))
    sibling = _person(base, 600 + chance.below(300), given=_other_given(draft, base))
    for person in (full, sibling):
        draft.plant(person.resource)
    planted = draft.plant(spare.resource)
    counts = {full.id: chance.between(4, 8), spare.id: chance.between(1, 3)}
    usual = Patient(base).kilograms()
    for person in (full, spare):
        _weights(draft, person, usual, counts[person.id])
    draft.patient = spare
    if draft.acts:
        _replaced(draft, planted, full)
    given, other = chance.pick(((full, spare), (spare, full)))
    draft.ask("the MRN of the other record", Same(values=(other.mrn,)), other.mrn)
    count = counts[other.id]
    draft.ask("the number of its Observations", Amount(value=count), count)
    draft.tell(mrn=given.mrn)


def _weights(draft: Draft, person: Patient, usual: float, count: int) -> None:
    for place in range(count):
        value = round(usual * draft.chance.between(985, 1015) / 1000, 1)
        at = NOW - (draft.chance.between(20, 60) + 60 * place) * DAY
        draft.plant(vital(person, "29463-7", "Body weight", value, "kg", at))


_HERE = "https?://(bedside[.]dev|localhost|127[.]0[.]0[.]1)(:[0-9]+)?/([^ ]+/)?"
"""How an address of this chart begins."""


def _replaced(draft: Draft, planted: Json, kept: Patient) -> None:
    link = [{"other": {"reference": f"Patient/{kept.id}"}, "type": "replaced-by"}]
    draft.change(
        {**planted, "link": link}, {"active": False}, "the spare record is inactive", may=("link",)
    )
    draft.hold(
        "the spare record is replaced by the other",
        f"Patient?_id={planted['id']}",
        "entry.resource.link.count() = 1 and entry.resource.link.where(type = 'replaced-by'"
        f" and other.reference.matches('^({_HERE})?Patient/{kept.id}$')).exists()",
    )


@category("do_not_contact")
def do_not_contact(draft: Draft) -> None:
    """A reminder of an appointment, unless a flag in force forbids to send it this way."""
    draft.choose(lambda p: p.age >= 18)
    chance, tables = draft.chance, draft.family.tables
    channel = chance.pick(tuple(tables["channels"]))
    at = NOW + chance.between(2, 20) * DAY + chance.between(-1, 6) * HOUR + chance.below(12) * 5
    _appointments(draft, at)
    draft.ask("the appointment", Moment(earliest=moment(at), latest=moment(at)), moment(at))
    flag = _flags(draft, channel)
    if draft.acts:
        _reminder(draft, channel, at)
        draft.ask("that nothing forbids it", Same(values=("none",)), "none")
    else:
        draft.ask_id("the flag that forbids it", flag)
    draft.tell(channel=channel)


def _flags(draft: Draft, channel: str) -> Json:
    """Plant the flags; the one that decides."""
    chance, tables = draft.chance, draft.family.tables
    others = [name for name in tables["channels"] if name != channel]
    elsewhere = chance.pick(tables["channels"][chance.pick(others)]["flags"])
    wish = chance.pick([*tables["all_channels"], *tables["channels"][channel]["flags"]])
    ended = NOW - chance.between(2, 60) * DAY
    draft.plant(_flag(draft, chance.pick(tables["unrelated"])))
    draft.plant(_flag(draft, chance.pick(tables["all_channels"]), status="inactive"))
    match draft.branch:
        case "forbidden":
            draft.plant(_flag(draft, elsewhere))
            return draft.plant(_flag(draft, wish))
        case "inactive":
            return draft.plant(_flag(draft, wish, status="inactive"))
        case "ended":
            return draft.plant(_flag(draft, wish, end=ended))
        case _:
            return draft.plant(_flag(draft, elsewhere))


def _appointments(draft: Draft, at: int) -> None:
    """The one that is meant, a cancelled one before it, and one after it."""
    sooner = at - DAY - draft.chance.below(12) * 5
    later = at + draft.chance.between(2, 30) * DAY + draft.chance.below(12) * 5
    for start, status in ((later, "booked"), (at, "booked"), (sooner, "cancelled")):
        draft.plant(
            {
                "resourceType": "Appointment",
                "status": status,
                "description": draft.chance.pick(("Clinic visit", "Blood test", "Follow-up")),
                "start": moment(start),
                "end": moment(start + 20),
                "participant": [{"actor": draft.patient.subject, "status": "accepted"}],
            }
        )


def _flag(draft: Draft, text: str, *, status: str = "active", end: int = 0) -> Json:
    start = NOW - draft.chance.between(100, 400) * DAY
    return {
        "resourceType": "Flag",
        "status": status,
        "code": {"text": text},
        "subject": draft.patient.subject,
        "period": {"start": moment(start), **({"end": moment(end)} if end else {})},
    }


def _reminder(draft: Draft, channel: str, at: int) -> None:
    day, clock = moment(at)[:10], moment(at)[11:16]
    request = {
        "resourceType": "CommunicationRequest",
        "status": "active",
        "subject": draft.patient.subject,
        "recipient": [draft.patient.subject],
        "medium": [{"text": channel}],
        "authoredOn": moment(NOW),
        "payload": [{"contentString": f"Your appointment is on {day} at {clock}."}],
    }
    needs = needs_of(
        request,
        also={"medium": draft.family.tables["channels"][channel]["names"]},
        windows={"authoredOn": (moment(NOW), moment(LATEST))},
        ungraded=("recipient", "payload"),
    )
    draft.create(
        request, f"a reminder by {channel}", needs=(*needs, _mentions(day), _mentions(clock))
    )


_LONGEST_REMINDER = 300
"""Characters; in a longer text any date could stand."""


def _mentions(text: str) -> Need:
    want = Words(phrases=(text,), longest=_LONGEST_REMINDER)
    return Need(says=f"the text has {text}", ways=(Way(path="payload.content", want=want),))


@category("problem_list")
def problem_list(draft: Draft) -> None:
    """A problem that has healed, one that is there twice, or a list that is in order."""
    patient = draft.choose(lambda p: p.age >= 18)
    chance, tables = draft.chance, draft.family.tables
    recorded = NOW - chance.between(25, 60) * DAY
    code, display = chance.pick(tables["treated"])
    treated = draft.plant(condition(patient, code, display, recorded))
    one, two = chance.pick(tables["sides"])
    if chance.happens(0.5):
        one, two = two, one
    again = one if draft.branch == "twice" else two
    first_at = NOW - chance.between(30, 60) * DAY
    draft.plant(condition(patient, one[0], one[1], first_at))
    second_at = first_at + chance.between(2, 25) * DAY
    second = draft.plant(condition(patient, again[0], again[1], second_at))
    complaint = chance.pick(tables["newest"])
    newest = draft.plant(condition(patient, complaint[0], complaint[1], NOW - DAY))
    ago = (20, 24) if draft.branch == "relapsed" else (3, 12)
    healed = NOW - chance.between(*ago) * DAY
    _follow_up(draft, display, moment(healed)[:10])
    changed = {"healed": treated, "twice": second}.get(draft.branch, newest)
    match draft.branch:
        case "healed":
            _resolved(draft, treated, moment(healed)[:10])
        case "twice":
            _in_error(draft, second)
    draft.ask_id("the problem", changed)
    draft.tell()


def _follow_up(draft: Draft, problem: str, healed: str) -> None:
    """Two notes, of which the later counts."""
    texts = draft.family.tables["notes"]
    kinds = {"healed": ("treated", "healed"), "relapsed": ("healed", "relapsed")}
    told = kinds.get(draft.branch, ("treated", "treated_still"))
    ago = (draft.chance.between(14, 18) * DAY, draft.chance.between(3, 20) * HOUR)
    for kind, before in zip(told, ago, strict=True):
        lines = [line.format(problem=problem, healed=healed) for line in texts[kind]]
        draft.plant(note(draft.patient, "Follow-up note", lines, NOW - before))


def _resolved(draft: Draft, planted: Json, healed: str) -> None:
    status = {"coding": [{"system": f"{_STATUS}/condition-clinical", "code": "resolved"}]}
    draft.change(
        planted,
        {"clinicalStatus": status, "abatementDateTime": healed},
        f"the problem is resolved since {healed}",
    )


def _in_error(draft: Draft, planted: Json) -> None:
    status = {"coding": [{"system": f"{_STATUS}/condition-ver-status", "code": "entered-in-error"}]}
    kept = {name: value for name, value in planted.items() if name != "clinicalStatus"}
    draft.change(
        kept,
        {"verificationStatus": status},
        "the second entry is marked as entered in error",
        may=("clinicalStatus",),
    )
