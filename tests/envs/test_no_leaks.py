"""Nothing a doctor sees gives the diagnosis away, unless a doctor ordered the test that says so.

The words looked for are derived here, from the names of the diagnosis and of its codes, and not by
the leak check that the importer uses: the judge is not the judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from bedside.core.actions import tool_schemas
from bedside.core.errors import ActionError
from bedside.envs.visit import Visit
from bedside.scenarios import catalogue
from bedside.scenarios.case import Case, Temperament, Truth
from bedside.scenarios.files import check_cases
from bedside.scenarios.suite import Suite
from tests.envs.watcher import QUESTIONS, Seen, Watcher, in_the_room, talk, with_temperament

STEM = 6

GENERAL = {
    "unspecified": "a rest category of ICD-10-CM, of another, charted illness",
    "without": "a word of ICD-10-CM titles, and of findings",
    "complications": "of diabetes, which is charted",
    "allergic": "a charted allergy, or hay fever",
    "allergies": "the task and the patient speak of allergies in every case",
    "allergyintolerance": "the type of a resource",
    "disease": "gastro-esophageal reflux disease, which is charted",
    "general": "general practice, in every task",
    "period": "an element of an Encounter",
    "primary": "primary diagnosis, primary school, primary hypertension",
}
"""Words in consult charts and findings that stand in the titles of codes, whatever they are of."""

JUDGED: dict[str, dict[str, str]] = {
    "caries": {
        "smooth": "smooth raised weals are looked for in every skin",
        "surface": "the surface of a lump is looked at in every skin",
    },
    "contact dermatitis": {"hydrocortisone": "a charted allergy; ICD-10-CM has 'hydrocarbons'"},
    "dental calculus": {"calculate": "the name of an action"},
    "keratosis pilaris": {
        "thickened": "looked for on every nose; the code is of 'other epidermal thickening'",
        "thickening": "from rubbing, which is looked for in every skin",
        "creases": "a place that is asked about in every skin; Q82.8 has palmar creases",
    },
    "lichen planus": {"hypertension": "charted; ICD-10-CM has 'hypertrophic'"},
    "tonsillitis": {"throat": "the part of the body that was complained of and examined"},
    "onychomycosis": {
        "tenail": "what hurts is what the patient came with",
        "tenails": "what hurts is what the patient came with",
    },
    "6357e5ff0299": {"active": "an element of a resource", "infectious": "a name for serology"},
    "ae360bd0ba23": {
        "position": "what brings the dizziness on: the history cannot be told without it",
        "positive": "a result, not a form of 'positional'",
    },
    "2a656f73cb53": {"diseases": "hereditary ones, which are denied"},
    "2999cb8969c2": {"chronically": "'chronically ill' is how the patient looks"},
    "e2c5d7e8a0a0": {"complete": "a complete blood count"},
    "ee3412f6908c": {"disorder": "another, named disorder in the history"},
    "c744adc19007": {"bleeding": "what the patient came with"},
    "cfb1e3e4988d": {
        "congenital": "in a family history that is denied",
        "diseases": "in a family history that is denied",
    },
    "78ad6a688d26": {"kidney": "an organ that was examined"},
    "e4714a05c915": {"system": "an element of a resource"},
    "6afbe820494b": {"disorders": "a general word"},
    "dce5c195aa08": {"pelvic": "an examination and a test are of that part of the body"},
    "6514c76971e4": {
        "distress": "what the newborn is brought for; the name only adds 'syndrome'",
        "respiratory": "a body system, and the respiratory rate",
    },
    "4b3a09f10a05": {"infant": "who the patient is"},
    "be46c72e3449": {"situation": "'oriented to situation', not a form of 'situational'"},
    "7383eb7cae93": {"uterine": "an organ that was examined"},
}
"""Why a word that begins as one of the diagnosis does is no leak, by diagnosis or imported case."""


class Hit(NamedTuple):
    """A word that shares its beginning with a name of the diagnosis, where it was read."""

    case: str
    word: str
    where: str


@cache
def icd_names(codes: tuple[str, ...]) -> tuple[str, ...]:
    """What ICD-10-CM calls the codes: descriptions and inclusion terms."""
    import simple_icd_10_cm as icd

    return tuple(
        name
        for code in codes
        for name in (icd.get_description(code), *icd.get_inclusion_term(code))
    )


def level(text: str) -> str:
    """Lowercase, and one spelling for British and American words."""
    return re.sub(r"[ao]e", "e", text.lower())


@cache
def giveaway(names: tuple[str, ...], terms: tuple[str, ...]) -> re.Pattern[str]:
    """Words that begin as a word of six letters or more of any name, and the names as wholes."""
    words = re.findall(r"[^\W\d_]+", level(" ".join((*names, *terms))))
    stems = sorted({word[:STEM] for word in words if len(word) >= STEM})
    parts = [part.strip() for name in names for part in re.split(r"[()\[\]]", level(name))]
    wholes = [re.escape(part) for part in parts if len(part) > 1]
    return re.compile("|".join([rf"\b(?:{'|'.join(wholes)})s?\b", *(rf"\b{s}\w*" for s in stems)]))


def pattern_of(truth: Truth) -> re.Pattern[str]:
    codes = tuple(filter(None, (truth.code, *truth.accepted_codes)))
    return giveaway((truth.diagnosis, *truth.synonyms), icd_names(codes))


def names_of(case: Case) -> tuple[str, ...]:
    return case.truth.diagnosis, *case.truth.synonyms


def everything(suite: Suite, case: Case) -> Iterator[Seen]:
    """All that can be read of a case, whoever of the four temperaments the patient has."""
    briefed = Watcher(suite, case)
    in_the_room(briefed)
    yield from briefed.seen
    yield from briefed.stored()
    yield from (Seen("tools", json.dumps(tool)) for tool in tool_schemas())
    briefing = briefed.env.encounter.briefing
    assert briefing.labels == suite.labels
    yield Seen("id", briefing.patient_id)
    yield Seen("id", case.id)
    for items in (case.facts, case.findings, case.tests, case.photos):
        yield from (Seen("id", item.id) for item in items)
    for temperament in get_args(Temperament):
        patient = Watcher(*with_temperament(suite, case, temperament))
        talk(patient, (*QUESTIONS, *(f"Is it {name}?" for name in names_of(case))))
        yield from patient.seen


def hits(suite: Suite) -> set[Hit]:
    """Every word seen that begins as a word of the case's diagnosis does.

    What stands word for word in every case of the suite, as the tools do, tells nothing of one.
    """
    seen = {case: set(everything(suite, case)) for case in suite.cases}
    shared = set.intersection(*seen.values())
    return {
        Hit(case.id, word, where)
        for case, texts in seen.items()
        for where, text in texts - shared
        for word in pattern_of(case.truth).findall(level(text))
    }


def unjudged(suite: Suite) -> list[Hit]:
    """The hits that nobody has looked at and found harmless, in this case or this diagnosis."""
    judged = {
        case.id: {*JUDGED.get(case.id, {}), *JUDGED.get(case.truth.diagnosis, {}), *GENERAL}
        for case in suite.cases
    }
    return sorted(hit for hit in hits(suite) if hit.word not in judged[hit.case])


def imported(folder: Path) -> Suite:
    return catalogue.load(f"agentclinic:{folder / 'agentclinic' / 'medqa.jsonl'}")


def test_no_consult_case_gives_itself_away() -> None:
    assert unjudged(catalogue.load("consult")) == []


def test_no_imported_case_gives_itself_away_and_no_judgement_is_stale(test_data: Path) -> None:
    suite = imported(test_data)
    found = {(hit.case, hit.word) for hit in hits(suite)}
    ids = {case.id for case in suite.cases}
    judged = {(key, word) for key, words in JUDGED.items() if key in ids for word in words}
    assert found == judged


def test_a_result_that_states_the_diagnosis_is_listed_by_the_check(test_data: Path) -> None:
    suite = imported(test_data)
    listed = " ".join(check_cases(suite.cases).telling_results)
    stated = [
        (case.id, number)
        for case in suite.cases
        for number, test in enumerate(case.tests)
        if any(level(name) in level(test.text) for name in names_of(case) if len(name) > STEM)
    ]
    assert stated
    assert [s for s in stated if f"{s[0]}: tests[{s[1]}].text" not in listed] == []


def affirms(reply: str) -> bool:
    return (
        re.match(r"\W*(?:yes|yeah|right|exactly|correct|that's (?:it|right))\b", reply, re.I)
        is not None
    )


def confirmed(suite: Suite) -> list[tuple[str, str]]:
    """Names that the patient says yes to, though not to a word that means nothing instead."""
    found = []
    for case in suite.cases:
        names = names_of(case)
        nothing = [pattern_of(case.truth).sub("zorbl", level(name)) for name in names]
        for temperament in get_args(Temperament):
            patient = Watcher(*with_temperament(suite, case, temperament))
            for name, control in zip(names, nothing, strict=True):
                (reply,) = talk(patient, [f"Is it {name}?"])
                if affirms(reply) and not affirms(talk(patient, [f"Is it {control}?"])[0]):
                    found.append((case.id, f"{name}: {reply}"))
    return found


def test_no_patient_confirms_the_diagnosis(test_data: Path) -> None:
    assert confirmed(catalogue.load("consult")) == []
    assert confirmed(imported(test_data)) == []


def test_a_label_means_something_to_patients_who_have_it_only_if_it_does_to_others() -> None:
    suite = catalogue.load("consult")
    understood: dict[str, set[str]] = {label: set() for label in suite.labels}
    for case in suite.cases:
        patient = Watcher(suite, case)
        (blank,) = talk(patient, ["Is it zorbl?"])
        for label in suite.labels:
            if talk(patient, [f"Is it {label}?"]) != [blank]:
                understood[label].add(case.truth.diagnosis)
    assert [label for label, diagnoses in understood.items() if diagnoses == {label}] == []


def planted(**changes: Any) -> Suite:
    """Two consult cases, the first of which is changed; its diagnosis is acne."""
    suite = catalogue.load("consult")
    acne = next(case for case in suite.cases if case.truth.diagnosis == "acne")
    other = next(case for case in suite.cases if case.truth.diagnosis == "psoriasis")
    fields = acne.model_dump(mode="json") | changes
    case = Case.model_validate(fields)
    return Suite("planted", "1", (case, other), suite.population, suite.labels)


def acne_with(field: str, **changes: Any) -> dict[str, Any]:
    """The first item of a field of the acne case, changed, among the others."""
    first, *rest = planted().cases[0].model_dump(mode="json")[field]
    return {field: [first | changes, *rest]}


PLANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "task": ("opening", {"task": "A case of acne. The patient's id is unknown."}),
    "a label line that is not the suite's": ("opening", {"task": "The diagnosis is one of: acne."}),
    "opening words": ("opening", acne_with("facts", text="It is my acne")),
    "another form": ("opening", acne_with("facts", text="It is vulgarly bad")),
    "finding": ("finding", acne_with("findings", text="Acne all over.")),
    "name of a test": ("order", acne_with("tests", name="Acne panel")),
    "id of a fact": ("id", acne_with("facts", id="acne-1")),
    "id of the case": ("file name", {"id": "acne-1"}),
    "id in an index line": ("index line", {"id": "acne-1"}),
    "id in the info": ("info", {"id": "acne-1"}),
    "name of the patient": ("chart", acne_with("chart", name=[{"text": "Ann Acne"}])),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_leak_is_found(plant: str) -> None:
    where, changes = PLANTS[plant]
    assert where in {hit.where for hit in unjudged(planted(**changes))}


@pytest.mark.parametrize("disclosure", ["volunteered", "open", "direct", "trust"])
def test_a_leak_planted_in_what_the_patient_knows_is_found(disclosure: str) -> None:
    facts = planted().cases[0].model_dump(mode="json")["facts"]
    told = next(n for n, fact in enumerate(facts) if fact["topic"] == "ideas")
    facts[told] |= {"text": "I think it is acne", "disclosure": disclosure}
    assert "patient" in {hit.where for hit in unjudged(planted(facts=facts))}


def test_a_leak_planted_in_a_refusal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def order(visit: Visit, name: str) -> Any:
        raise ActionError(f"'{name}' does not help in {visit._case.truth.diagnosis}.")

    monkeypatch.setattr(Visit, "_order", order)
    assert {"refusal", "info"} <= {hit.where for hit in unjudged(planted())}


def test_the_words_looked_for_do_not_come_from_the_package() -> None:
    truth = Truth(diagnosis="Goldflam disease (MG)", synonyms=("erb syndrome",), code="G70.00")
    found = pattern_of(truth).findall(level("goldflams MG; Erb syndrome, a myasthenic; erb; mgs"))
    assert found == ["goldflams", "mg", "erb syndrome", "myasthenic", "mgs"]


def test_the_tools_are_the_same_for_every_case() -> None:
    assert tool_schemas() is tool_schemas()
