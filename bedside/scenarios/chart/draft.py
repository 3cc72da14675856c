"""A chart case while it is written: its patient, what is planted in the chart, what is demanded.

Everything up to two days before the encounter comes from the patient's life in the population;
what decides a task is planted after that, so the truth of a case is known without reading a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bedside.core.errors import CaseError
from bedside.core.seeds import opaque_id
from bedside.fhir_server.jsontext import decode, encode
from bedside.fhir_server.validation import validate
from bedside.scenarios.case import Limits
from bedside.scenarios.chart.expect import Json, elements_of, needs_of
from bedside.scenarios.chart.family import Family
from bedside.scenarios.chart_case import (
    Asked,
    Ban,
    ChartCase,
    GoldRequest,
    Need,
    Standing,
    Write,
)
from bedside.scenarios.comparators import Comparator, Refers
from bedside.scenarios.hospital import SEED
from bedside.scenarios.hospital.chart import figure
from bedside.scenarios.hospital.draws import Chance
from bedside.scenarios.hospital.lives import DAY, NOW, Life
from bedside.scenarios.hospital.resources import Writer, moment
from bedside.scenarios.synthetic import SYNTHETIC

__all__ = ["LATEST", "ROOM", "Draft", "Patient"]

LIMITS = Limits(turns=30, minutes=240)
LATEST = NOW + LIMITS.minutes
"""What is done now is done between `NOW` and this minute."""
ROOM = 60
"""Days that somebody must have been unseen to have orders planted: no note should know of them."""
SOURCE = "synthetic, by Bedside (Apache-2.0)"


class Patient:
    """Somebody in the population.

    Attributes:
        life: what is known of them.
        id: of the Patient resource.
        name: given and family name.
        mrn: medical record number.
        subject: a reference to them.
        unseen: days since their last visit or stay; the notes of the population know nothing later.
    """

    def __init__(self, life: Life) -> None:
        self.life = life
        self.id = opaque_id(SEED, "patient", life.number)
        self.resource = Writer(life, self.id).patient()
        self.name = f"{life.given} {life.family}"
        self.mrn: str = self.resource["identifier"][0]["value"]
        self.birth_date: str = self.resource["birthDate"]
        self.subject: Json = {"reference": f"Patient/{self.id}"}
        self.age = life.age(NOW)
        ends = (*(visit.at for visit in life.visits), *(stay.discharge for stay in life.admissions))
        self.unseen = (NOW - max(ends, default=life.birth)) // DAY

    def takes(self, *names: str) -> bool:
        """Whether one of these medicines (by their name in medicines.toml) is taken at home now."""
        return any(t.name in names and t.end is None for t in self.life.taken)

    def has(self, *names: str) -> bool:
        """Whether one of these illnesses (by their name in conditions.toml) is there."""
        return any(illness.name in names for illness in self.life.illnesses)

    def bears(self, *substances: str) -> bool:
        """Whether none of these is among the allergies of their life."""
        return not {name for name, _, _ in self.life.allergies}.intersection(substances)

    def kilograms(self, at: int = NOW) -> float:
        """What they usually weigh at a moment."""
        return figure(self.life, SEED, at).kilograms


class Draft:
    """One case of a category.

    Attributes:
        family: the category's data file.
        branch: the situation to be written.
        chance: all that is random in the case.
        patient: who it is about; set by :meth:`choose`.
    """

    def __init__(
        self, name: str, family: Family, branch: str, case_id: str, seed: int, pool: Sequence[Life]
    ) -> None:
        self.family = family
        self.branch = branch
        self.chance = Chance(seed, "task")
        self.patient: Patient
        self._name = name
        self._id = case_id
        self._pool = pool
        self._planted: list[Json] = []
        self._writes: list[Write] = []
        self._standing: list[Standing] = []
        self._bans: list[Ban] = []
        self._asked: list[Asked] = []
        self._gold: list[GoldRequest] = []
        self._gold_answer: list[Any] = []
        self._unordered = False
        self._task = ""

    @property
    def acts(self) -> bool:
        """Whether something must be written in this branch."""
        return self.branch in self.family.acts

    def choose(self, fits: Callable[[Patient], bool] = lambda _: True) -> Patient:
        """Choose the patient: one of the population, alive now, that fits.

        Raises:
            CaseError: nobody in the population fits.
        """
        begin = self.chance.below(len(self._pool))
        for step in range(len(self._pool)):
            patient = Patient(self._pool[(begin + step) % len(self._pool)])
            if fits(patient):
                self.patient = patient
                return patient
        raise CaseError(f"chart task '{self._name}', branch '{self.branch}': nobody fits")

    def plant(self, resource: Json) -> Json:
        """Put a resource into the chart at the start; it is given an id and the synthetic tag.

        Raises:
            CaseError: it is not valid R4.
        """
        head = {
            "resourceType": resource["resourceType"],
            "id": resource.get("id") or opaque_id(self._id, "planted", len(self._planted)),
            "meta": {"tag": [SYNTHETIC]},
        }
        planted = {**head, **{k: v for k, v in resource.items() if k not in head}}
        self._demand_valid(planted)
        self._planted.append(planted)
        return planted

    def create(
        self,
        resource: Json,
        says: str,
        *,
        also: Mapping[str, Sequence[str]] | None = None,
        windows: Mapping[str, tuple[str, str]] | None = None,
        phrases: Sequence[str] = (),
        ungraded: Sequence[str] = (),
        needs: Sequence[Need] | None = None,
    ) -> None:
        """Demand a new resource that says what this one says; see :func:`needs_of`.

        Args:
            resource: as a perfect doctor creates it; valid R4. Its `authoredOn`, if it has one, may
                be any moment of the encounter unless `windows` says otherwise.
            says: the demand in words.
            needs: what is demanded, where it is not what :func:`needs_of` makes of the resource.

        Elements that this resource does not have may only be there where they change nothing, see
        :func:`bedside.agents.surplus.surplus`.

        Raises:
            CaseError: it is not valid R4.
        """
        self._demand_valid(resource)
        type = resource["resourceType"]
        found = needs_of(
            resource,
            also=also,
            windows={"authoredOn": (moment(NOW), moment(LATEST)), **(windows or {})},
            phrases=phrases,
            ungraded=ungraded,
        ) if needs is None else tuple(needs)  # fmt: skip
        self._writes.append(
            Write(
                id=f"write-{len(self._writes) + 1}",
                says=says,
                select=f"entry.resource.ofType({type})",
                needs=found,
                elements=elements_of(resource),
            )
        )
        self._gold.append(GoldRequest(method="POST", path=type, body=resource))

    def change(
        self,
        planted: Json,
        elements: Json,
        says: str,
        *,
        may: Sequence[str] = (),
        also: Mapping[str, Sequence[str]] | None = None,
        windows: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Demand that a planted resource is changed so that it has these elements.

        Args:
            planted: what :meth:`plant` gave.
            elements: as they are afterwards.
            says: the demand in words.
            may: further elements that may be changed.

        Raises:
            CaseError: it would not be valid R4.
        """
        after = {**planted, **elements}
        self._demand_valid(after)
        type = planted["resourceType"]
        self._writes.append(
            Write(
                id=f"write-{len(self._writes) + 1}",
                says=says,
                select=f"entry.resource.ofType({type})",
                target=planted["id"],
                needs=needs_of(elements, also=also, windows=windows),
                may_change=(*elements, "statusReason", "note", *may),
            )
        )
        path = f"{type}/{planted['id']}"
        self._gold.append(GoldRequest(method="PUT", path=path, body=after))

    def ban(self, type: str, says: str, *needs: Need) -> None:
        """Forbid changed resources of a type that meet all these needs."""
        select = f"entry.resource.ofType({type})"
        self._bans.append(
            Ban(id=f"ban-{len(self._bans) + 1}", says=says, select=select, needs=needs)
        )

    def hold(self, says: str, search: str, path: str) -> None:
        """Demand that a FHIRPath over the result of a search of the final chart is true."""
        number = len(self._standing) + 1
        self._standing.append(Standing(id=f"holds-{number}", says=says, search=search, path=path))

    def ask(self, says: str, want: Comparator, gold: Any) -> None:
        """Demand a value in the answer; `gold` is how a perfect doctor gives it."""
        self._asked.append(Asked(says=says, want=want))
        self._gold_answer.append(gold)

    def ask_id(self, says: str, planted: Json) -> None:
        """Demand the id of a planted resource in the answer."""
        to = f"{planted['resourceType']}/{planted['id']}"
        self.ask(says, Refers(to=to), planted["id"])

    def in_any_order(self) -> None:
        """The values of the answer are a set."""
        self._unordered = True

    def tell(self, **slots: Any) -> None:
        """Write the task in one of the category's wordings; ``{name}``, ``{mrn}`` and
        ``{birth_date}`` are of the patient."""
        known = {
            "name": self.patient.name,
            "mrn": self.patient.mrn,
            "birth_date": self.patient.birth_date,
            "now": moment(NOW),
            **slots,
        }
        wording = self.chance.pick(self.family.wordings)
        self._task = "\n".join(
            part.format(**known).strip() for part in (wording, self.family.context)
        )

    def finished(self) -> ChartCase:
        """The case.

        Raises:
            CaseError: it asks for nothing, or its branch says other than it does.
        """
        try:
            return ChartCase(
                id=self._id,
                category=self._name,
                branch=self.branch,
                task=self._task,
                patient_id=self.patient.id,
                acts=self.acts,
                chart=tuple(self._planted),
                writes=tuple(self._writes),
                standing=tuple(self._standing),
                bans=tuple(self._bans),
                answer=tuple(self._asked),
                unordered=self._unordered,
                gold=tuple(self._gold),
                gold_answer=tuple(self._gold_answer),
                limits=LIMITS,
                source=f"{SOURCE}. {self.family.source}",
            )
        except ValueError as error:
            raise CaseError(f"chart task '{self._name}', branch '{self.branch}': {error}") from None

    def _demand_valid(self, resource: Json) -> None:
        for issue in validate(decode(encode(resource))):
            raise CaseError(
                f"chart task '{self._name}', branch '{self.branch}': {resource['resourceType']}: "
                f"{issue.expression}: {issue.diagnostics}"
            )
