"""A doctor of your own: bedside run --suite consult --doctor examples/my_doctor.py:MyDoctor"""

from bedside.agents.base import Briefing, Doctor
from bedside.core.actions import BaseAction, Create, Diagnosis, Examine, Finish, Say
from bedside.core.observation import Observation


class MyDoctor(Doctor):
    """Asks two questions, looks, records a guess and ends."""

    def begin(self, briefing: Briefing) -> None:
        guess = briefing.labels[0] if briefing.labels else "viral infection"
        patient = {"reference": f"Patient/{briefing.patient_id}"}
        condition = {"resourceType": "Condition", "subject": patient, "code": {"text": guess}}
        self.plan = [
            Say(text="I am sorry you are unwell. When did it start?"),
            Say(text="Do you have any allergies?"),
            Examine(what="skin"),
            Create(resource=condition),
            Finish(diagnoses=(Diagnosis(name=guess, primary=True),), plan="Review in a week."),
        ]

    def act(self, observation: Observation) -> BaseAction:
        return self.plan[observation.turn]
