"""From the resource that a perfect doctor writes to what is demanded of any doctor's.

What the model resource says is demanded, and nothing else; so the chart accepts at least one way to
meet every demand. Each element may be said in any of the ways that mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bedside.scenarios.chart_case import Need, Way
from bedside.scenarios.comparators import Amount, Comparator, Concept, Moment, Refers, Same, Words

__all__ = ["Json", "concept", "elements_of", "needs_of"]

Json = dict[str, Any]

ROOM = 1.3
"""A note may be this many times as long as a perfect doctor's."""
_UNGRADED = frozenset({"resourceType", "meta", "id", "text"})
_DOSE = "dosageInstruction.doseAndRate.dose"
_RATE = "dosageInstruction.doseAndRate.rate"
_REPEAT = "dosageInstruction.timing.repeat"
_TIMES = {
    1: ("once a day", "daily", "qd", "once daily", "every day", "every 24 hours", "q24h"),
    2: ("twice a day", "bid", "twice daily", "every 12 hours", "q12h"),
    3: ("three times a day", "tid", "three times daily", "every 8 hours", "q8h"),
    4: ("four times a day", "qid", "four times daily", "every 6 hours", "q6h"),
}
ROUTES = {
    "oral": ("oral", "po", "by mouth", "per os", "orally", "oral route"),
    "intravenous": ("intravenous", "iv", "intravenously", "intravenous route"),
    "subcutaneous": ("subcutaneous", "sc", "sq", "subcut", "subcutaneously"),
    "intramuscular": ("intramuscular", "im", "intramuscularly"),
    "inhaled": ("inhaled", "inhalation", "by inhalation"),
    "topical": ("topical", "topically", "on the skin"),
    "rectal": ("rectal", "per rectum", "pr"),
}


def concept(value: Json, also: Sequence[str] = ()) -> Concept:
    """What means the same as a CodeableConcept: one of its codes, or one of its names."""
    codings = value.get("coding", [])
    names = [value.get("text"), *(coding.get("display") for coding in codings), *also]
    codes = tuple(f"{c.get('system', '')}|{c['code']}" for c in codings if "code" in c)
    return Concept(codes=codes, names=tuple(dict.fromkeys(name for name in names if name)))


def elements_of(resource: Json) -> tuple[str, ...]:
    """What a resource says, as in ``dosageInstruction.route``."""
    doses = resource.get("dosageInstruction", [])
    parts = [part for dose in doses for part in dose.get("doseAndRate", ())]
    return (
        *resource,
        *(f"dosageInstruction.{name}" for dose in doses for name in dose),
        *(f"dosageInstruction.doseAndRate.{name}" for part in parts for name in part),
    )


def needs_of(
    resource: Json,
    *,
    also: Mapping[str, Sequence[str]] | None = None,
    windows: Mapping[str, tuple[str, str]] | None = None,
    phrases: Sequence[str] = (),
    ungraded: Sequence[str] = (),
    room: float = ROOM,
) -> tuple[Need, ...]:
    """What another resource must say to mean the same as this one.

    Args:
        resource: as a perfect doctor writes it.
        also: further names that a concept may go by, by element.
        windows: (earliest, latest) for elements that are times; the default is the very moment.
        phrases: what its free text (`note`) must hold; the default is the whole note.
        ungraded: elements that are only there because FHIR wants them.
        room: how many times as long as this one's a note may be; 0: as long as it likes.
    """
    builder = _Builder(also or {}, windows or {}, tuple(phrases), room)
    skip = _UNGRADED | set(ungraded)
    return tuple(
        need
        for name, value in resource.items()
        if name not in skip
        for need in builder.needs(name, value)
    )


class _Builder:
    def __init__(
        self,
        also: Mapping[str, Sequence[str]],
        windows: Mapping[str, tuple[str, str]],
        phrases: tuple[str, ...],
        room: float,
    ) -> None:
        self._also = also
        self._windows = windows
        self._phrases = phrases
        self._room = room

    def needs(self, name: str, value: Any) -> Iterator[Need]:
        """The needs that come of one element."""
        special: dict[str, Callable[[Any], Iterator[Need]]] = {
            "dosageInstruction": self._dosage,
            "note": self._note,
            "component": self._components,
        }
        if name in special:
            yield from special[name](value)
        elif name in ("subject", "patient", "for"):
            yield _need(f"it is for {value['reference']}", name, Refers(to=value["reference"]),
                        fault="patient")  # fmt: skip
        else:
            yield from self._plain(name, value)

    def _plain(self, name: str, value: Any) -> Iterator[Need]:
        path = _PATHS.get(name, name)
        if isinstance(value, list):
            for item in value:
                yield from self._plain(name, item)
        elif isinstance(value, bool):
            yield _need(f"{name} is {str(value).lower()}", path, Same(values=(value,)))
        elif isinstance(value, str):
            yield self._text(name, path, value)
        elif isinstance(value, int | float):
            yield _need(f"{name} is {value:g}", path, Amount(value=value))
        elif "reference" in value:
            yield _need(f"{name} is {value['reference']}", path, Refers(to=value["reference"]))
        elif "value" in value:
            yield _need(f"{name} is {_told(value)}", path, _amount(value))
        elif "start" in value or "end" in value:
            for end in ("start", "end"):
                if end in value:
                    yield self._text(f"{name}.{end}", f"{path}.{end}", value[end])
        elif "coding" in value or "text" in value or "code" in value:
            wanted = concept(value if "code" not in value else {"coding": [value]},
                             self._also.get(name, ()))  # fmt: skip
            shown = value.get("text") or wanted.names[:1] or wanted.codes[:1]
            said = shown if isinstance(shown, str) else "".join(shown)
            paths = (path, *_ELSEWHERE.get(name, ()))
            ways = tuple(Way(path=each, want=wanted) for each in paths)
            yield Need(says=f"{name} is {said}", ways=ways, key=name in _KEYS)
        else:
            raise ValueError(f"no rule says how '{name}' is graded")

    def _text(self, name: str, path: str, value: str) -> Need:
        if name in self._windows:
            low, high = self._windows[name]
            wanted: Comparator = Moment(earliest=low, latest=high)
            return _need(f"{name} is from {low} to {high}", path, wanted)
        if len(value) >= 10 and value[:4].isdigit() and value[4] == "-":
            return _need(f"{name} is {value}", path, Moment(earliest=value, latest=value))
        return _need(f"{name} is {value}", path, Same(values=(value,)))

    def _note(self, value: list[Json]) -> Iterator[Need]:
        text = tuple(note["text"] for note in value)
        longest = round(self._room * sum(map(len, text)))
        wanted = Words(phrases=self._phrases or text, longest=longest)
        yield _need("the note says what it should", "note.text", wanted)

    def _components(self, value: list[Json]) -> Iterator[Need]:
        for component in value:
            coding = component["code"]["coding"][0]
            known = f"system = '{coding['system']}' and code = '{coding['code']}'"
            path = f"component.where(code.coding.where({known}).exists()).value"
            said = f"{coding.get('display', coding['code'])} is {_told(component['valueQuantity'])}"
            yield _need(said, path, _amount(component["valueQuantity"]))

    def _dosage(self, value: list[Json]) -> Iterator[Need]:
        (dosage,) = value
        for part in dosage.get("doseAndRate", ()):
            dose = part.get("doseQuantity")
            if dose:
                yield _need(f"the dose is {_told(dose)}", _DOSE, _amount(dose))
            if "rateQuantity" in part:
                yield _rate(part["rateQuantity"], dose)
        if "route" in dosage:
            route = dosage["route"]
            also = ROUTES.get(route.get("text", ""), ())
            yield _need(f"the route is {route.get('text')}", "dosageInstruction.route",
                        concept(route, also))  # fmt: skip
        repeat = dosage.get("timing", {}).get("repeat", {})
        if "frequency" in repeat:
            yield _often(repeat["frequency"])
        if "asNeededBoolean" in dosage:
            yield _need("as needed", "dosageInstruction.asNeeded",
                        Same(values=(dosage["asNeededBoolean"],)))  # fmt: skip


_PATHS = {
    "medicationCodeableConcept": "medication.ofType(CodeableConcept)",
    "valueQuantity": "value",
    "valueString": "value",
    "valueCodeableConcept": "value",
    "effectiveDateTime": "effective",
    "occurrenceDateTime": "occurrence",
    "performedDateTime": "performed",
    "onsetDateTime": "onset",
    "abatementDateTime": "abatement",
}
"""How FHIRPath names elements of several types."""
_ELSEWHERE = {"medicationCodeableConcept": ("contained.ofType(Medication).code",)}
"""Where an element may stand instead."""
_KEYS = frozenset({"medicationCodeableConcept", "code", "vaccineCode"})
"""What a resource is about: with another one it is another order altogether."""


def _need(
    says: str, path: str, want: Comparator, *, fault: Any = "value", key: bool = False
) -> Need:
    return Need(says=says, ways=(Way(path=path, want=want),), fault=fault, key=key)


def _amount(quantity: Json) -> Amount:
    unit = quantity.get("code") or quantity.get("unit") or ""
    return Amount(value=quantity["value"], unit=unit, tolerance=abs(quantity["value"]) / 1000)


def _told(quantity: Json) -> str:
    return f"{quantity['value']:g} {quantity.get('unit') or quantity.get('code') or ''}".strip()


def _rate(rate: Json, dose: Json | None) -> Need:
    """A rate, or the time that the dose runs over: an amount per time, or a time."""
    ways = [Way(path=_RATE, want=_amount(rate))]
    unit = rate.get("code") or rate.get("unit") or ""
    if dose and unit.endswith("/h"):
        hours = dose["value"] / rate["value"]
        ways += [
            Way(path=f"{_REPEAT}.where(durationUnit = 'h').duration", want=Amount(value=hours)),
            Way(path=f"{_REPEAT}.where(durationUnit = 'min').duration",
                want=Amount(value=hours * 60)),
        ]  # fmt: skip
    return Need(says=f"the rate is {_told(rate)}", ways=tuple(ways))


def _often(times: int) -> Need:
    ways = (
        Way(path=f"{_REPEAT}.where(period = 1 and periodUnit = 'd').frequency",
            want=Amount(value=times)),
        Way(path=f"{_REPEAT}.where(frequency = 1 and periodUnit = 'h').period",
            want=Amount(value=24 / times)),
        Way(path="dosageInstruction.timing.code", want=Concept(names=_TIMES[times])),
    )  # fmt: skip
    return Need(says=f"it is given {_TIMES[times][0]}", ways=ways)
