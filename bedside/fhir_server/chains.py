"""Chained parameters and ``_has``: what a resource refers to, and what refers to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bedside.fhir_server import definitions
from bedside.fhir_server.clauses import Clause, Deferred, Store, bound_clause, id_clause
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.parameters import Param, ParameterSet
from bedside.fhir_server.population import Record
from bedside.fhir_server.referring import referred_to, refers_to

__all__ = ["chained", "reverse_chained"]

MakeClause = Callable[[ParameterSet, str, str, str], Clause | Deferred]


def chained(
    parameters: ParameterSet,
    param: Param,
    type: str,
    rest: str,
    value: str,
    make: MakeClause,
) -> Deferred:
    """The clause of ``param:type.rest=value``: a resource referred to meets the rest.

    Raises:
        Refusal: 400, the parameter is no reference, or none of its targets can meet the rest.
    """
    if param.kind != "reference":
        raise _invalid(f"'{param.name}' is a {param.kind} parameter; only a reference is followed "
                       f"by '.{rest}'.")  # fmt: skip
    if type and type not in definitions.resource_types():
        raise _invalid(f"'{param.name}:{type}': '{type}' is no resource type.")
    inner = _inner_clauses(parameters, param, type, rest, value, make)

    def made(store: Store) -> Clause:
        clauses = {target: bound_clause(each, store) for target, each in inner.items()}
        if param.inner:
            return _holding(param, clauses)
        found = [
            record for target, each in clauses.items() for record in store.find(target, (each,))
        ]
        return refers_to(param, found)

    return made


def _holding(param: Param, clauses: Mapping[str, Clause]) -> Clause:
    """The clause that a resource meets in which one stands that meets the clause of its type."""

    def test(record: Record) -> bool:
        return any(
            clauses[node["resourceType"]].test(Record({"id": "", **node}, b""))
            for node in param.nodes(record.resource)
            if node.get("resourceType") in clauses
        )

    return Clause(param, test)


def _inner_clauses(
    parameters: ParameterSet, param: Param, type: str, rest: str, value: str, make: MakeClause
) -> dict[str, Clause | Deferred]:
    targets = (type,) if type else param.targets or definitions.resource_types()
    inner: dict[str, Clause | Deferred] = {}
    refusal = None
    for target in targets:
        try:
            inner[target] = make(parameters, target, rest, value)
        except Refusal as error:
            refusal = refusal or error
    if not inner:
        raise refusal or _invalid(f"'{param.name}' refers to nothing.")
    return inner


def reverse_chained(
    parameters: ParameterSet, type: str, name: str, value: str, make: MakeClause
) -> Deferred:
    """The clause of ``_has:OTHER:reference:rest=value``: one that refers here meets the rest.

    Raises:
        Refusal: 400, it is not of that form.
    """
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise _invalid(f"'{name}': write _has:TYPE:REFERENCE:PARAMETER=VALUE, such as "
                       "_has:Observation:patient:code=1234-5.")  # fmt: skip
    _, other, reference, rest = parts
    if other not in definitions.resource_types():
        raise _invalid(f"'{name}': '{other}' is no resource type.")
    of_other = parameters.of(other)
    param = of_other.get(reference)
    if param is None or param.kind != "reference":
        known = ", ".join(sorted(n for n, p in of_other.items() if p.kind == "reference"))
        raise _invalid(f"'{name}': '{reference}' is no reference of {other}. References are: "
                       f"{known}.")  # fmt: skip
    inner = make(parameters, other, rest, value)

    def made(store: Store) -> Clause:
        done = bound_clause(inner, store)
        found = store.find(other, (done,))
        ids = {id for record in found for kind, id in record.values(param) if kind == type}
        if param.canonical:
            ids |= {each.id for record in found for each in referred_to(store, param, record, type)}
        return id_clause(parameters, type, frozenset(ids))

    return made


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid", message)
