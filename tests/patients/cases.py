"""A hand-made patient, and one plain question for each topic."""

from __future__ import annotations

from bedside.patients.scripted import ScriptedPatient
from bedside.scenarios.case import Fact, Person, Temperament

TEMPERAMENTS: tuple[Temperament, ...] = ("sanguine", "melancholic", "choleric", "phlegmatic")


def _fact(line: str) -> Fact:
    identifier, topic, disclosure, present, text, *terms = (p.strip() for p in line.split("|"))
    return Fact.model_validate(
        {
            "id": identifier,
            "topic": topic,
            "disclosure": disclosure,
            "present": present == "+",
            "text": text,
            "terms": tuple(terms),
        }
    )


FACTS = tuple(
    _fact(line)
    for line in """
rash      | complaint    | opening    | + | I have a red, itchy rash on my elbows | rash
start     | onset        | open       | + | It started about three weeks ago | when | start
spread    | course       | volunteered| + | It has slowly spread
site      | site         | open       | + | On both elbows and the scalp
skin      | character    | volunteered| + | The skin looks thick and scaly | scaly
sleep     | severity     | open       | + | It keeps me awake at night
fever     | associated   | direct     | - | No fever. | fever
cough     | associated   | direct     | - | I don't have a cough | cough
joints    | associated   | direct     | + | My finger joints are stiff in the morning | joint
stress    | trigger      | open       | + | Stress makes it worse
sun       | relief       | open       | + | Sunshine helps
cream     | tried        | open       | + | I tried a moisturiser
tonsils   | past         | open       | + | I had tonsillitis as a child
lisinopril| medication   | open       | + | I take lisinopril every morning | lisinopril
penicillin| allergy      | direct     | + | I am allergic to penicillin
father    | family       | open       | + | My father has psoriasis
smoke     | social       | trust      | + | I smoke ten cigarettes a day | smoke
teacher   | work         | open       | + | I work as a teacher
idea      | ideas        | trust      | + | I think it might be the new soap
worry     | concerns     | trust      | + | I worry that it is contagious
hope      | expectations | trust      | + | I would like to sleep again
""".strip().splitlines()
)

FRAGMENTS = tuple(
    _fact(line)
    for line in """
double  | complaint  | opening | + | Double vision
climb   | associated | open    | + | Difficulty climbing stairs
weak    | associated | open    | + | Weakness in upper limbs
worse   | trigger    | open    | + | worsens after physical activity
rest    | relief     | open    | + | Improvement of symptoms after rest
month   | onset      | open    | + | 1-month history
pain    | associated | direct  | - | no chest pain
past    | past       | direct  | + | No significant past medical history.
crohn   | past       | open    | + | Crohn disease diagnosed 2 years ago
smoker  | social     | open    | - | Non-smoker
wine    | social     | open    | + | drinks wine occasionally
job     | work       | open    | + | Works as a graphic designer.
""".strip().splitlines()
)

QUESTIONS = {
    "complaint": "What brings you in today?",
    "onset": "When did it start?",
    "course": "How has it changed over time?",
    "site": "Where is it?",
    "character": "What does it feel like?",
    "severity": "How bad is it?",
    "associated": "Do you have any other symptoms?",
    "trigger": "What makes it worse?",
    "relief": "What makes it better?",
    "tried": "Have you tried anything for it?",
    "past": "Do you have any past medical conditions?",
    "surgery": "Have you had any operations?",
    "medication": "Do you take any medicines?",
    "allergy": "Do you have any allergies?",
    "family": "Are there any diseases in your family?",
    "social": "Do you smoke or drink alcohol?",
    "work": "What do you do for a living?",
    "travel": "Have you travelled recently?",
    "contact": "Has anyone around you had the same?",
    "pregnancy": "Could you be pregnant?",
    "ideas": "What do you think it is?",
    "concerns": "What worries you most?",
    "expectations": "What are you hoping for?",
    "identity": "How old are you?",
}


def patient(
    temperament: Temperament = "phlegmatic",
    *,
    facts: tuple[Fact, ...] = FACTS,
    seed: int = 1,
    companion: bool = False,
) -> ScriptedPatient:
    person = Person(
        name="Ada Stone", age=40, sex="female", temperament=temperament, companion=companion
    )
    return ScriptedPatient(person, facts, seed)
