"""The lives behind the charts: who lives, what they have, take, and are admitted for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import msgspec

from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.tables import (
    CHILD_UNTIL,
    INFANT_UNTIL,
    Band,
    Stay,
    conditions,
    medicines,
    panels,
    stays,
)
from bedside.scenarios.library import people
from bedside.scenarios.synthetic import TODAY

__all__ = ["DAY", "HOUR", "NOW", "Admission", "Illness", "Life", "Size", "Taken", "Visit", "draw"]

HOUR, DAY = 60, 24 * 60
"""In minutes, as all moments are; a moment counts from the first day of year 1."""
NOW = (date.fromisoformat(TODAY).toordinal() * 24 + 9) * 60
"""Nine in the morning of the day on which every encounter takes place."""

_YEAR = 365
_STAYS_SINCE = 4 * _YEAR
_FORGOTTEN = 0.05
"""Share of visits that the patient missed."""
_CHANGED = 0.25
"""Share of long-standing medicines whose dose was changed once."""
_STOPPED = 0.15
_ALLERGIC = 0.22
_ALLERGENS = (
    ("penicillin", "medication", "Rash"),
    ("sulfamethoxazole", "medication", "Rash"),
    ("ibuprofen", "medication", "Wheezing"),
    ("codeine", "medication", "Vomiting"),
    ("peanut", "food", "Swelling of the lips"),
    ("shellfish", "food", "Hives"),
    ("latex", "environment", "Itching"),
    ("grass pollen", "environment", "Sneezing"),
)
_VACCINES = ("Influenza vaccine", "Pneumococcal vaccine", "Tetanus and diphtheria vaccine")
_CHILD_VACCINES = (
    "Measles, mumps and rubella vaccine",
    "Diphtheria, tetanus and pertussis vaccine",
)


class Size(msgspec.Struct, frozen=True):
    """How large a population is.

    Attributes:
        patients: how many people.
        years: how far back visits go.
        admitted: share who are ever admitted.
        admissions: at most so many each.
    """

    patients: int
    years: int
    admitted: float
    admissions: int


class Illness(NamedTuple):
    """A chronic condition since a moment."""

    name: str
    since: int


class Taken(NamedTuple):
    """A medicine from a moment until another, or until now.

    Attributes:
        dose: place in the medicine's doses.
        reason: the chronic condition or the stay it is for.
        admission: place of the admission in which it is given; None: at home.
    """

    name: str
    dose: int
    start: int
    end: int | None
    reason: str
    admission: int | None = None


class Visit(NamedTuple):
    """A visit to the clinic, and the panels that are taken there."""

    at: int
    panels: tuple[str, ...]


class Admission(NamedTuple):
    """A stay in hospital; intensive care, if any, from arrival until `icu_until`.

    Attributes:
        treated: when treatment starts.
        severity: how bad it is, in thousandths of the usual.
    """

    name: str
    arrival: int
    icu_until: int
    discharge: int
    treated: int
    severity: int

    @property
    def stay(self) -> Stay:
        """What is known of such stays."""
        return stays()[self.name]


class Life(msgspec.Struct, frozen=True):
    """A person. `number` names them in the population."""

    number: int
    given: str
    family: str
    female: bool
    birth: int
    illnesses: tuple[Illness, ...]
    taken: tuple[Taken, ...]
    allergies: tuple[tuple[str, str, str], ...]
    vaccines: tuple[tuple[str, int], ...]
    visits: tuple[Visit, ...]
    admissions: tuple[Admission, ...]

    def age(self, moment: int) -> int:
        """Years at a moment."""
        born, then = date.fromordinal(self.birth // DAY), date.fromordinal(moment // DAY)
        return then.year - born.year - ((then.month, then.day) < (born.month, born.day))

    def band(self, moment: int) -> Band:
        """The band of the age at a moment."""
        if moment >= birthday(self.birth, CHILD_UNTIL):
            return "adult"
        return "child" if moment >= birthday(self.birth, INFANT_UNTIL) else "infant"


@lru_cache(maxsize=4096)
def birthday(birth: int, years: int) -> int:
    """The moment at which somebody turns so many years old."""
    born = date.fromordinal(birth // DAY)
    try:
        day = born.replace(year=born.year + years)
    except ValueError:
        day = date(born.year + years, 3, 1)
    return day.toordinal() * DAY


def draw(seed: int, number: int, size: Size) -> Life:
    """The life of one person of a population."""
    chance = Chance(seed, "life", number)
    female = chance.happens(0.52)
    stock = people()
    age = _age(chance)
    birth = NOW - (age * _YEAR + age // 4 + chance.between(1, 360)) * DAY
    birth -= birth % DAY
    illnesses = tuple(_illnesses(chance, age, birth))
    admissions = tuple(_admissions(chance, birth, illnesses, size))
    allergies = (chance.pick(_ALLERGENS),) if chance.happens(_ALLERGIC) else ()
    home = [t for t in _home(chance, illnesses) if t.name not in {name for name, _, _ in allergies}]
    ward = [taken for i, a in enumerate(admissions) for taken in _given(chance, i, a)]
    return Life(
        number=number,
        given=chance.pick(stock.given_female if female else stock.given_male),
        family=chance.pick(stock.family),
        female=female,
        birth=birth,
        illnesses=illnesses,
        taken=tuple(home + ward),
        allergies=allergies,
        vaccines=tuple(_vaccines(chance, age, birth)),
        visits=tuple(_visits(chance, birth, illnesses, admissions, size)),
        admissions=admissions,
    )


def _age(chance: Chance) -> int:
    """One in five is a child; the others are older than a town's people, as patients are."""
    if chance.happens(0.2):
        return chance.between(0, 17)
    return max(chance.between(18, 92), chance.between(18, 92) - 20)


def _illnesses(chance: Chance, age: int, birth: int) -> Iterator[Illness]:
    for name, condition in conditions().items():
        has, back = chance.happens(condition.share), chance.between(90, 9 * _YEAR)
        if has and condition.ages[0] <= age <= condition.ages[1]:
            earliest = birth + condition.onset * _YEAR * DAY
            since = max(earliest, NOW - back * DAY) + chance.between(8, 17) * HOUR
            if since < NOW - 60 * DAY:
                yield Illness(name, since)


def _home(chance: Chance, illnesses: tuple[Illness, ...]) -> Iterator[Taken]:
    """Long-standing medicines; each is started once, may change its dose, may be stopped."""
    started: set[str] = set()
    for illness in illnesses:
        for choices in conditions()[illness.name].medicines:
            name = chance.pick(choices)
            if not name or name in started:
                continue
            started.add(name)
            doses = len(medicines()[name].doses)
            dose, start = chance.below(doses), illness.since + chance.between(0, 45) * DAY
            changed = start + chance.between(90, 400) * DAY
            if doses > 1 and chance.happens(_CHANGED) and changed < NOW:
                yield Taken(name, dose, start, changed, illness.name)
                dose, start = (dose + 1) % doses, changed
            ended = start + chance.between(120, 700) * DAY
            stops = chance.happens(_STOPPED) and ended < NOW
            yield Taken(name, dose, start, ended if stops else None, illness.name)


def _admissions(
    chance: Chance, birth: int, illnesses: tuple[Illness, ...], size: Size
) -> Iterator[Admission]:
    """Each in a part of the years of its own, for what fits the age and the illnesses then."""
    if not chance.happens(size.admitted):
        return
    count = chance.between(1, size.admissions)
    earliest = max(birth + 30 * DAY, NOW - _STAYS_SINCE * DAY)
    slot = (NOW - 3 * DAY - earliest) // count
    for place in range(count):
        begins = earliest + place * slot
        age = (begins - birth) // (_YEAR * DAY)
        had = {"", *(illness.name for illness in illnesses if illness.since < begins)}
        fitting = {
            name: stay
            for name, stay in stays().items()
            if stay.ages[0] <= age <= stay.ages[1] and stay.needs in had
        }
        if not fitting:
            continue
        name = chance.weighted(tuple(fitting), [stay.weight for stay in fitting.values()])
        stay = fitting[name]
        ward = chance.between(stay.days[0] * 24, stay.days[1] * 24)
        icu = chance.between(stay.icu_days[0] * 24, stay.icu_days[1] * 24)
        icu = icu if chance.happens(stay.icu) else 0
        room = slot // HOUR - ward - icu
        if room <= 24:
            continue
        arrival = begins + chance.below(room) * HOUR + chance.below(60)
        yield Admission(
            name=name,
            arrival=arrival,
            icu_until=arrival + icu * HOUR,
            discharge=arrival + (icu + ward) * HOUR,
            treated=arrival + chance.between(45, 360),
            severity=chance.between(700, 1300),
        )


def _given(chance: Chance, place: int, admission: Admission) -> Iterator[Taken]:
    for name in admission.stay.medicines:
        until = admission.treated + chance.between(3, 7) * DAY
        yield Taken(
            name,
            chance.below(len(medicines()[name].doses)),
            admission.treated + chance.between(0, 90),
            min(until, admission.discharge - HOUR),
            admission.name,
            place,
        )


def _visits(
    chance: Chance,
    birth: int,
    illnesses: tuple[Illness, ...],
    admissions: tuple[Admission, ...],
    size: Size,
) -> Iterator[Visit]:
    """At the pace of the illness that is followed most closely; else about once a year."""
    months = min([conditions()[illness.name].months for illness in illnesses], default=12)
    adult = NOW - birth >= 18 * _YEAR * DAY
    months = min(months, 4) if NOW - birth < 2 * _YEAR * DAY else months
    day = max(birth // DAY + 20, NOW // DAY - size.years * _YEAR) + chance.between(0, 60)
    due = dict.fromkeys((illness.name for illness in illnesses), 0)
    while day < NOW // DAY - 2:
        at = day * DAY + chance.between(8 * 60, 17 * 60)
        if not chance.happens(_FORGOTTEN) and not _inside(at, admissions):
            wanted: set[str] = set()
            for illness in illnesses:
                if illness.since < at and due[illness.name] <= at:
                    wanted.update(conditions()[illness.name].panels)
                    due[illness.name] = at + conditions()[illness.name].months * 25 * DAY
            if not wanted and adult and chance.happens(0.4):
                wanted = {"metabolic", "blood_count"}
            yield Visit(at, tuple(panel for panel in panels() if panel in wanted))
        day += months * 30 + chance.between(-12, 20)


def _inside(at: int, admissions: tuple[Admission, ...]) -> bool:
    return any(a.arrival - DAY <= at <= a.discharge + DAY for a in admissions)


def _vaccines(chance: Chance, age: int, birth: int) -> Iterator[tuple[str, int]]:
    if age < 18:
        for name in _CHILD_VACCINES:
            at = birth + chance.between(370, 500) * DAY + 10 * HOUR
            if at < NOW - DAY and chance.happens(0.9):
                yield name, at
        return
    for name in _VACCINES:
        if chance.happens(0.55):
            yield name, NOW - chance.between(20, 5 * _YEAR) * DAY
