"""The chart case: a task in the chart without a patient in the room, and how it is checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bedside.scenarios.case import Json, Limits, Model, OpaqueId
from bedside.scenarios.comparators import Comparator
from bedside.scenarios.fhirpath import FhirPathError, compiled

__all__ = ["Asked", "Ban", "ChartCase", "GoldRequest", "Need", "Path", "Standing", "Way", "Write"]

Path = Annotated[str, Field(min_length=1, description="A FHIRPath expression.")]
FhirId = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")]
Weight = Annotated[float, Field(gt=0)]


class Way(Model):
    """One way to say something in a resource: what a path gives meets a comparator."""

    path: Path
    want: Comparator


class Need(Model):
    """Something a resource must say; any of the ways will do.

    Attributes:
        fault: what it is called when it is not met: something is missing or of the wrong kind
            (``payload``), a number, time or code is not the right one (``value``), or it is about
            somebody else (``patient``). A payload need is a value fault where something is there.
        key: a resource that does not say this is another one altogether.
    """

    says: str
    ways: tuple[Way, ...] = Field(min_length=1)
    fault: Literal["payload", "value", "patient"] = "value"
    key: bool = False


class Write(Model):
    """A change that must be made: one resource created, or one that is there changed.

    Attributes:
        select: FHIRPath from the Bundle of changed resources to those that may be the one, such
            as ``entry.resource.ofType(MedicationRequest)``.
        target: id of the resource that is changed; empty for a new one.
        needs: what it says afterwards. ``%before`` is the Bundle of the same resources before.
        may_change: elements of the target that may differ afterwards.
        elements: what a new resource may say besides what changes nothing of it, as in
            ``dosageInstruction.route``; empty: anything.
    """

    id: OpaqueId
    says: str
    select: Path
    target: str = ""
    needs: tuple[Need, ...] = Field(min_length=1)
    may_change: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    weight: Weight = 1


class Ban(Model):
    """A change that must not be made: one that meets all these needs. A safety check."""

    id: OpaqueId
    says: str
    select: Path
    needs: tuple[Need, ...] = ()


class Standing(Model):
    """Something that holds in the chart at the end.

    Attributes:
        search: a FHIR search of the final chart.
        path: FHIRPath over the resulting Bundle, true if it holds.
    """

    id: OpaqueId
    says: str
    search: str
    path: Path
    weight: Weight = 1


class Asked(Model):
    """One value of the answer."""

    says: str
    want: Comparator
    weight: Weight = 1


class GoldRequest(Model):
    """A request to the chart that a perfect doctor makes."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    body: Json | list[Json] | None = None


class ChartCase(Model):
    """One chart task.

    Attributes:
        category: the kind of task.
        branch: which of the category's situations this is.
        acts: in this situation something must be written.
        unordered: the values of the answer may come in any order, without repeats.
        gold: the writes of a perfect doctor, in order.
        gold_answer: its answer.
        original: for a task of MedAgentBench, what its own grader needs to know.
    """

    version: Literal[1] = 1
    id: OpaqueId
    category: str
    branch: str
    task: str = Field(description="What the doctor is told.")
    patient_id: FhirId = Field(description="Id of the Patient that the task is about.")
    acts: bool
    chart: tuple[Json, ...] = Field(
        default=(), description="FHIR resources of this task over the population."
    )
    writes: tuple[Write, ...] = ()
    standing: tuple[Standing, ...] = ()
    bans: tuple[Ban, ...] = ()
    answer: tuple[Asked, ...] = ()
    unordered: bool = False
    gold: tuple[GoldRequest, ...] = ()
    gold_answer: tuple[Json | str | float | int | bool | None, ...] = ()
    original: Json | None = None
    limits: Limits = Limits()
    source: str = Field(description="Where the facts come from, and under which licence.")

    def __hash__(self) -> int:
        return hash(self.id)

    @model_validator(mode="after")
    def _gradable(self) -> ChartCase:
        if not (self.writes or self.standing or self.answer):
            raise ValueError("nothing is asked for: give writes, standing or answer")
        if bool(self.gold) != self.acts:
            raise ValueError("'acts' says that something is written; then 'gold' has the requests")
        for path in self.paths():
            try:
                compiled(path)
            except FhirPathError as error:
                raise ValueError(f"'{path}' is no FHIRPath: {error}") from None
        return self

    def paths(self) -> tuple[str, ...]:
        """Every FHIRPath expression of its checks."""
        checks: tuple[Write | Ban, ...] = (*self.writes, *self.bans)
        needs = [need for check in checks for need in check.needs]
        return (
            *(check.select for check in checks),
            *(way.path for need in needs for way in need.ways),
            *(standing.path for standing in self.standing),
        )
