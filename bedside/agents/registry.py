"""How doctors are found by name, given their options, and built for one encounter."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.agents.base import Doctor
from bedside.core.errors import BedsideError, DoctorError, UserError
from bedside.core.options import read_options
from bedside.core.seeds import opaque_id
from bedside.scenarios.suite import AnyCase, Suite

if TYPE_CHECKING:
    from bedside.agents.models import Model

__all__ = [
    "DoctorInfo",
    "DoctorSpec",
    "build",
    "known_privilege",
    "list_doctors",
    "load_module",
    "resolve",
    "source_digest",
]

BUILT_IN: Mapping[str, str] = {
    "nothing": "bedside.agents.baselines:NothingDoctor",
    "constant": "bedside.agents.baselines:ConstantDoctor",
    "random": "bedside.agents.baselines:RandomDoctor",
    "no-information": "bedside.agents.baselines:NoInformationDoctor",
    "stuffer": "bedside.agents.baselines:StufferDoctor",
    "oracle": "bedside.agents.oracle:OracleDoctor",
    "interviewer": "bedside.agents.interviewer:InterviewerDoctor",
    "human": "bedside.agents.human:HumanDoctor",
    "llm": "bedside.agents.llm:LLMDoctor",
    "text": "bedside.agents.text_doctor:TextDoctor",
}


class DoctorSpec(msgspec.Struct, frozen=True):
    """A doctor as the user names it.

    Attributes:
        name: a built-in name, ``pkg.mod:Class`` or ``path/to/file.py:Class``.
        args: its options, as text.
    """

    name: str
    args: dict[str, str] = {}


class DoctorInfo(msgspec.Struct, frozen=True):
    """A built-in doctor as ``bedside list doctors`` shows it."""

    name: str
    privileged: bool
    about: str


def list_doctors() -> tuple[DoctorInfo, ...]:
    """The built-in doctors, floors first."""
    classes = {name: resolve(name) for name in BUILT_IN}
    return tuple(
        DoctorInfo(name, cls.privileged, (inspect.getdoc(cls) or "").split("\n")[0])
        for name, cls in classes.items()
    )


def build(spec: DoctorSpec, *, case: AnyCase, suite: Suite, model: Model | None = None) -> Doctor:
    """Build the doctor for one encounter.

    Only a privileged doctor is shown the case and the suite, through its classmethod ``brief``.

    Args:
        model: answers a thinking doctor's requests instead of its own model.

    Raises:
        DoctorError: there is no such doctor, its options are wrong, or it cannot be built.
    """
    doctor = _built(spec, case, suite)
    if model is not None and hasattr(doctor, "decide"):
        doctor.model = model  # type: ignore[attr-defined]
    return doctor


def _built(spec: DoctorSpec, case: AnyCase, suite: Suite) -> Doctor:
    cls = resolve(spec.name)
    try:
        if cls.privileged:
            brief: Callable[..., Doctor] = cls.brief  # type: ignore[attr-defined]
            return brief(case, suite, **_options(spec, brief, given=("case", "suite")))
        return cls(**_options(spec, cls))
    except BedsideError:
        raise
    except (Exception, SystemExit) as error:
        raise DoctorError(
            f"doctor '{spec.name}' cannot be built: {type(error).__name__}: {error}"
        ) from error


def known_privilege(name: str) -> bool | None:
    """Whether a built-in doctor is privileged; None for any other, whose code is not run to see."""
    built_in = name in BUILT_IN or name in BUILT_IN.values()
    return resolve(name).privileged if built_in else None


def source_digest(name: str) -> str:
    """sha256 of the source file of a custom doctor's module; "" for a built-in one, or no file.

    Raises:
        DoctorError: there is no such doctor.
    """
    if name in BUILT_IN:
        return ""
    resolve(name)
    module_name = name.rpartition(":")[0]
    file = module_name
    if not module_name.endswith(".py"):
        file = getattr(sys.modules[module_name], "__file__", None) or ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if Path(file).is_file() else ""


@cache
def resolve(name: str) -> type[Doctor]:
    """The class of a doctor.

    Raises:
        DoctorError: the name, file, module or class cannot be found, or the class is no doctor.
    """
    module_name, colon, class_name = BUILT_IN.get(name, name).rpartition(":")
    if not colon:
        raise DoctorError(_unknown_name(name))
    module = load_module(module_name)
    cls = getattr(module, class_name, None)
    if not isinstance(cls, type):
        classes = [n for n, value in vars(module).items() if _defined_in(value, module)]
        raise DoctorError(
            f"doctor '{name}': '{module_name}' has no class '{class_name}'; "
            f"its classes are: {', '.join(classes) or 'none'}"
        )
    _check_contract(name, cls)
    return cls


def _unknown_name(name: str) -> str:
    near = get_close_matches(name, BUILT_IN, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return (
        f"there is no doctor '{name}'.{hint} Built-in: {', '.join(BUILT_IN)}. "
        "Your own: 'pkg.mod:Class' or 'path/to/file.py:Class'."
    )


def load_module(module_name: str) -> types.ModuleType:
    """The module of that name, or in that file if the name ends with ``.py``.

    Raises:
        DoctorError: it cannot be found or imported.
    """
    try:
        if module_name.endswith(".py"):
            return _load_file(Path(module_name))
        return importlib.import_module(module_name)
    except DoctorError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module_name.split(".")[0]:
            raise DoctorError(
                f"doctor module '{module_name}' cannot be found; install it, "
                "or give its file as 'path/to/file.py:Class'"
            ) from None
        raise DoctorError(
            f"doctor module '{module_name}' cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _load_file(path: Path) -> types.ModuleType:
    if not path.is_file():
        raise DoctorError(f"doctor file '{path}' does not exist")
    name = f"bedside_doctor_{opaque_id(str(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DoctorError(f"doctor file '{path}' is no Python module")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _defined_in(value: Any, module: types.ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _check_contract(name: str, cls: type) -> None:
    if not issubclass(cls, Doctor):
        raise DoctorError(
            f"doctor '{name}': {cls.__name__} must be a subclass of bedside.agents.base.Doctor"
        )
    if cls.act is Doctor.act and not hasattr(cls, "decide"):
        raise DoctorError(f"doctor '{name}': {cls.__name__} must define act(self, observation)")
    if cls.privileged and not hasattr(cls, "brief"):
        raise DoctorError(
            f"doctor '{name}': {cls.__name__} is privileged and must define "
            "a classmethod brief(cls, case, suite)"
        )


def _options(
    spec: DoctorSpec, builder: Callable[..., Any], given: tuple[str, ...] = ()
) -> dict[str, Any]:
    who = f"doctor '{spec.name}'"
    try:
        return read_options(spec.args, builder, who=who, flag="--doctor-arg", given=given)
    except UserError as error:
        raise DoctorError(str(error)) from None
