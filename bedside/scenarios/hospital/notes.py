"""What is written about a visit or a stay. The text says what the chart says."""

from __future__ import annotations

from collections.abc import Iterable

from bedside.scenarios.hospital.course import Values
from bedside.scenarios.hospital.lives import HOUR, Admission, Life, Taken
from bedside.scenarios.hospital.resources import dose_text, moment
from bedside.scenarios.hospital.tables import conditions, medicines

__all__ = ["admission_note", "clinic_note", "discharge_summary"]


def clinic_note(life: Life, at: int, vitals: Values) -> str:
    """A visit: who, what is known, what was measured, what is taken."""
    return "\n".join(
        (
            f"Clinic note, {_date(at)}. {_who(life, at)}",
            f"Problems: {_problems(life, at)}.",
            f"Medicines: {_list(_taken_at(life, at))}.",
            f"Allergies: {_allergies(life)}.",
            f"BP {vitals['systolic']}/{vitals['diastolic']} mmHg, "
            f"heart rate {vitals['heart_rate']}/min, temperature {vitals['temperature'] / 10} C.",
            "Synthetic record.",
        )
    )


def admission_note(life: Life, admission: Admission) -> str:
    """Why somebody is admitted, and what they took until then."""
    at = admission.arrival
    return "\n".join(
        (
            f"Admission note, {_date(at)}. {_who(life, at)}",
            f"Admitted for: {admission.stay.display}.",
            f"Known problems: {_problems(life, at)}.",
            f"Medicines before admission: {_list(_taken_at(life, at))}.",
            f"Allergies: {_allergies(life)}.",
            "Synthetic record.",
        )
    )


def discharge_summary(life: Life, admission: Admission, given: list[Taken]) -> str:
    """What was found and done, and what is taken from now on."""
    icu = (admission.icu_until - admission.arrival) // (24 * HOUR)
    where = f" Intensive care for {icu} days." if icu else ""
    done = f" {admission.stay.procedure} was done." if admission.stay.procedure else ""
    treated = ", ".join(dict.fromkeys(medicines()[taken.name].name for taken in given))
    return "\n".join(
        (
            f"Discharge summary, {_date(admission.discharge)}. {_who(life, admission.discharge)}",
            f"In hospital from {_date(admission.arrival)} for {admission.stay.display}.{where}",
            f"Treated with {treated}.{done}",
            f"Medicines at discharge: {_list(_taken_at(life, admission.discharge))}.",
            f"Allergies: {_allergies(life)}.",
            "Synthetic record.",
        )
    )


def _who(life: Life, at: int) -> str:
    sex = "female" if life.female else "male"
    return f"{life.given} {life.family}, {life.age(at)} years, {sex}."


def _problems(life: Life, at: int) -> str:
    known = [conditions()[i.name].display for i in life.illnesses if i.since <= at]
    return "; ".join(known) or "none known"


def _taken_at(life: Life, at: int) -> list[Taken]:
    home = [taken for taken in life.taken if taken.admission is None and taken.start <= at]
    return [taken for taken in home if taken.end is None or taken.end > at]


def _list(taken: Iterable[Taken]) -> str:
    return "; ".join(f"{medicines()[t.name].name} {dose_text(t)}" for t in taken) or "none"


def _allergies(life: Life) -> str:
    return ", ".join(allergen for allergen, _, _ in life.allergies) or "none known"


def _date(at: int) -> str:
    return moment(at)[:10]
