"""Doctors are found by name, given typed options, and every mistake is told clearly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bedside.agents.base import Doctor
from bedside.agents.baselines import StufferDoctor
from bedside.agents.models import ScriptedModel
from bedside.agents.registry import DoctorSpec, build, known_privilege, list_doctors, resolve
from bedside.core.errors import DoctorError
from bedside.fhir_server.population import Population
from bedside.scenarios.case import Case, Fact, Person, Truth
from bedside.scenarios.suite import Suite

CASE = Case(
    id="case-1",
    task="See the patient.",
    person=Person(name="Ada Alder", age=40, sex="female", temperament="sanguine"),
    facts=(Fact(id="f1", topic="complaint", text="my skin itches", disclosure="opening"),),
    patient_id="p1",
    truth=Truth(diagnosis="eczema", code="L20.9", explanation=("f1",)),
    source="test",
)
CUSTOM = """
from __future__ import annotations
from bedside.agents.base import Doctor

class Typed(Doctor):
    def __init__(self, count: int, ratio: float | None = None, loud: bool = False, name="x"):
        self.options = (count, ratio, loud, name)
    def act(self, observation):
        return "hello"

class Open(Doctor):
    def __init__(self, **options):
        self.options = options
    def act(self, observation):
        return "hello"

class Mute(Doctor):
    pass

class Plain:
    def act(self, observation):
        return "hello"

class Sly(Doctor):
    privileged = True
    def act(self, observation):
        return "hello"

class Knowing(Doctor):
    privileged = True
    @classmethod
    def brief(cls, case: Case, suite: Suite, depth: int = 1):
        doctor = cls()
        doctor.seen = (case.id, suite.name, depth)
        return doctor
    def act(self, observation):
        return "hello"
"""


@pytest.fixture(scope="module")
def suite() -> Suite:
    return Suite(
        name="tiny",
        version="1",
        cases=(CASE,),
        population=Population.of(()),
        labels=("eczema", "psoriasis"),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CUSTOM)
    return path


class Silent:
    """An agent that speaks MedAgentBench's text protocol."""

    def inference(self, history: list[dict[str, str]]) -> str:
        return "FINISH([])"


def build_from(suite: Suite, name: str, /, **args: str) -> Doctor:
    return build(DoctorSpec(name, args), case=CASE, suite=suite)


def test_every_built_in_doctor_can_be_built(suite: Suite) -> None:
    needed = {"llm": {"model": "openai/stub"}, "text": {"agent": f"{__name__}:Silent"}}
    for info in list_doctors():
        doctor = build_from(suite, info.name, **needed.get(info.name, {}))
        assert isinstance(doctor, Doctor)
        assert info.about.endswith(".")


def test_only_the_doctors_that_know_more_are_privileged() -> None:
    assert {info.name for info in list_doctors() if info.privileged} == {"oracle", "interviewer"}


def test_options_are_converted_by_their_annotation(suite: Suite, file: Path) -> None:
    name = f"{file}:Typed"
    doctor = build_from(suite, name, count="3", ratio="0.5", loud="yes", name="7")
    assert doctor.options == (3, 0.5, True, "7")  # type: ignore[attr-defined]
    stuffer = build_from(suite, "stuffer", all_primary="true")
    assert isinstance(stuffer, StufferDoctor)
    assert stuffer.all_primary


def test_open_ended_options_arrive_as_text(suite: Suite, file: Path) -> None:
    doctor = build_from(suite, f"{file}:Open", anything="1")
    assert doctor.options == {"anything": "1"}  # type: ignore[attr-defined]


def test_a_privileged_custom_doctor_is_briefed(suite: Suite, file: Path) -> None:
    doctor = build_from(suite, f"{file}:Knowing", depth="4")
    assert doctor.seen == ("case-1", "tiny", 4)  # type: ignore[attr-defined]


def test_the_same_file_is_loaded_once(file: Path) -> None:
    assert resolve(f"{file}:Typed") is resolve(f"{file}:Typed")


def test_a_model_replaces_a_thinking_doctors_own(suite: Suite) -> None:
    model = ScriptedModel(lambda request: "hello")
    spec = DoctorSpec("llm", {"model": "openai/stub"})
    assert build(spec, case=CASE, suite=suite, model=model).model is model  # type: ignore[attr-defined]
    assert not hasattr(build(DoctorSpec("nothing"), case=CASE, suite=suite, model=model), "model")


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("interviwer", {}, "Did you mean 'interviewer'?"),
        ("zzz", {}, "Built-in: nothing, constant"),
        ("no_such_pkg.mod:Doc", {}, "cannot be found"),
        ("bedside.agents.baselines:Nobody", {}, "NothingDoctor"),
        ("bedside.agents.baselines:undetermined", {}, "has no class 'undetermined'"),
        ("missing.py:Doc", {}, "'missing.py' does not exist"),
        ("llm", {}, "needs the argument 'model'; give it with --doctor-arg model=..."),
        ("llm", {"model": "m", "temprature": "1"}, "it takes: model, base_url, temperature"),
        ("llm", {"model": "m", "temperature": "hot"}, "'temperature' must be a number, not 'hot'"),
        ("stuffer", {"all_primary": "maybe"}, "'all_primary' must be true or false"),
        ("interviewer", {"questions": "2.5"}, "'questions' must be a whole number"),
        ("oracle", {"case": "x"}, "takes no argument 'case'; it takes: none"),
        ("nothing", {"x": "1"}, "it takes: none"),
    ],
)
def test_mistakes_are_told(suite: Suite, name: str, args: dict[str, str], said: str) -> None:
    with pytest.raises(DoctorError) as caught:
        build(DoctorSpec(name, args), case=CASE, suite=suite)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        ("Mute", "must define act(self, observation)"),
        ("Plain", "must be a subclass of bedside.agents.base.Doctor"),
        ("Sly", "must define a classmethod brief"),
        ("Nobody", "its classes are: Typed, Open, Mute, Plain, Sly, Knowing"),
    ],
)
def test_a_class_that_is_no_doctor_is_refused(file: Path, cls: str, said: str) -> None:
    with pytest.raises(DoctorError) as caught:
        resolve(f"{file}:{cls}")
    assert said in str(caught.value)


def test_an_error_inside_a_custom_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    with pytest.raises(DoctorError, match="cannot be imported: ZeroDivisionError"):
        resolve(f"{path}:Doc")


@pytest.mark.parametrize("body", ["1 / 0", "raise SystemExit(0)"])
def test_an_error_while_a_doctor_is_built_is_named(suite: Suite, tmp_path: Path, body: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(
        "from bedside.agents.base import Doctor\n"
        "class Broken(Doctor):\n"
        f"    def __init__(self):\n        {body}\n"
        "    def act(self, observation):\n        return ''\n"
    )
    with pytest.raises(DoctorError, match=r"broken\.py:Broken' cannot be built: (Zero|SystemE)"):
        build_from(suite, f"{path}:Broken")


def test_a_strangers_code_is_not_run_to_see_its_privilege(tmp_path: Path) -> None:
    path = tmp_path / "trap.py"
    path.write_text("raise SystemExit(1)\n")
    assert known_privilege(f"{path}:Trap") is None
    assert known_privilege("oracle") is True
    assert known_privilege("nothing") is False


def test_finding_a_doctor_imports_nothing_heavy() -> None:
    program = (
        "import sys; from bedside.agents.registry import list_doctors; list_doctors(); "
        "print([m for m in ('litellm', 'networkx', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
