"""The encounter as a Gymnasium environment."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium as gym
import msgspec
from gymnasium import spaces

from bedside.core.actions import Station
from bedside.core.errors import CaseError, DoctorError
from bedside.core.flow import Reply, Request, drive
from bedside.core.observation import Observation
from bedside.core.trace import Ended, Refused
from bedside.envs.encounter import Encounter
from bedside.envs.spaces import Actions, UnicodeText
from bedside.scenarios import catalogue
from bedside.scenarios.chart_case import ChartCase
from bedside.scenarios.suite import AnyCase, Suite

__all__ = ["EncounterEnv"]

_MANY = 2**31
_TERMINAL = ("finished", "patient_left")


class EncounterEnv(gym.Env[dict[str, Any], str]):
    """One doctor and one chart, with a patient (``bedside/Consult-v0``) or without one
    (``bedside/Chart-v0``).

    ## Action space
    Unicode text: the JSON of an action, for example ``{"type": "examine", "what": "skin"}``. Any
    other text is said to the patient. ``step`` also takes action models and mappings. What cannot
    be carried out comes back as an observation of kind ``error`` and costs a turn.
    :func:`bedside.core.actions.tool_schemas` describes every action of a consult, or of
    ``"chart"``, as JSON Schema; a chart task ends with ``{"type": "answer", "values": [...]}``.

    ## Observation space
    A dict:

    | key | space | meaning |
    |---|---|---|
    | ``kind`` | text | briefing, patient, result, chart, error or end |
    | ``text`` | text | everything there is to see, readable |
    | ``data`` | text | the same as JSON where there is structure, else ``null`` |
    | ``photos`` | sequence of dicts | ``id``, ``media_type``, ``data`` (base64); ``()`` so far |
    | ``turn``, ``turns_left`` | discrete | actions taken and remaining |
    | ``minute``, ``minutes_left`` | discrete | the encounter's clock |

    ## Reward
    ``reward="change"``: the change of the score by this step; over an episode it sums to the final
    score in [0, 1]. ``reward="final"``: the final score at the end, 0 before.

    ## End
    Terminated when the doctor finishes or the patient leaves; truncated at the limit of turns or
    minutes.

    ## Reset
    ``options={"case": id}`` picks a case, ``options={"split": "train"}`` draws from the unlimited
    train split (seeds disjoint from the test split's); otherwise a case of the test split is drawn.

    ``info`` is plain JSON: ``case`` (opaque id), ``patient`` ("" in a chart task, where the patient
    is to be found), ``ending``, ``error``, and ``score``, which is None until the end. The reward
    of ``"change"`` tells how right each step was: it is for training. Evaluate with ``"final"``,
    and never hand a doctor its reward.

    Args:
        suite: name of a suite, or a suite.
        split: the split to draw from when ``reset`` does not say.
        reward: ``"change"`` or ``"final"``.
        render_mode: ``"ansi"`` or None; :meth:`render` gives the last exchange as text.

    Raises:
        CaseError: no such suite, case or split.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self,
        suite: str | Suite = "consult",
        *,
        split: Literal["train", "test"] = "test",
        reward: Literal["change", "final"] = "change",
        render_mode: str | None = None,
    ) -> None:
        self.suite = catalogue.load(suite) if isinstance(suite, str) else suite
        if reward not in ("change", "final"):
            raise CaseError(f"reward is 'change' or 'final', not '{reward}'")
        self._check_split(split)
        self.split = split
        self.reward_mode = reward
        self.render_mode = render_mode
        self.action_space = Actions(_station(self.suite))
        self.observation_space = spaces.Dict(
            {
                "kind": UnicodeText(16),
                "text": UnicodeText(),
                "data": UnicodeText(),
                "photos": spaces.Sequence(
                    spaces.Dict(
                        {
                            "id": UnicodeText(64),
                            "media_type": UnicodeText(64),
                            "data": UnicodeText(50_000_000),
                        }
                    )
                ),
                "turn": spaces.Discrete(_MANY),
                "turns_left": spaces.Discrete(_MANY),
                "minute": spaces.Discrete(_MANY),
                "minutes_left": spaces.Discrete(_MANY),
            }
        )
        self._encounter: Encounter | None = None
        self._score = 0.0
        self._text = ""

    @property
    def encounter(self) -> Encounter:
        """The running encounter: trace, chart and sheet.

        Raises:
            gymnasium.error.ResetNeeded: there is none yet.
        """
        if self._encounter is None:
            raise gym.error.ResetNeeded("call reset() first")
        return self._encounter

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin a new encounter; see the class for `options`.

        Raises:
            CaseError: an option is unknown, or names no case or split.
        """
        super().reset(seed=seed)
        case = self._choose(options or {})
        self._encounter = Encounter(case, suite=self.suite, seed=self._draw(2**63 - 1))
        self._score = 0.0
        observation = drive(self._encounter.open(), _nobody)
        return self._observe(observation), self._info()

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Take one action; see the class for what it may be."""
        encounter = self.encounter
        observation = drive(encounter.act(action), _nobody)
        before, self._score = self._score, encounter.score
        reward = self._score - before
        if self.reward_mode == "final":
            reward = self._score if observation.done else 0.0
        ended = encounter.events[-1]
        ending = ended.ending if isinstance(ended, Ended) else None
        terminated = ending in _TERMINAL
        truncated = ending is not None and not terminated
        return self._observe(observation), reward, terminated, truncated, self._info()

    def render(self) -> str | None:
        """The last observation as text, in mode ``ansi``."""
        return self._text if self.render_mode == "ansi" else None

    def _choose(self, options: dict[str, Any]) -> AnyCase:
        unknown = set(options) - {"case", "split"}
        if unknown:
            raise CaseError(f"unknown reset option '{min(unknown)}'; known are 'case' and 'split'")
        split = self._check_split(options.get("split", self.split))
        if "case" in options:
            return self.suite.case(options["case"])
        if split == "train" and self.suite.sample is not None:
            return self.suite.sample(self._draw(2**31))
        return self.suite.cases[self._draw(len(self.suite.cases))]

    def _check_split(self, split: str) -> str:
        if split not in ("train", "test"):
            raise CaseError(f"split is 'train' or 'test', not '{split}'")
        if split == "train" and self.suite.sample is None:
            raise CaseError(f"suite '{self.suite.name}' has no train split")
        return split

    def _draw(self, below: int) -> int:
        return int(self.np_random.integers(below))

    def _observe(self, seen: Observation) -> dict[str, Any]:
        self._text = seen.text
        return {
            "kind": seen.kind,
            "text": seen.text,
            "data": msgspec.json.encode(seen.data).decode(),
            "photos": tuple(msgspec.to_builtins(photo) for photo in seen.photos),
            "turn": seen.turn,
            "turns_left": seen.turns_left,
            "minute": seen.minute,
            "minutes_left": seen.minutes_left,
        }

    def _info(self) -> dict[str, Any]:
        last = self.encounter.events[-1]
        return {
            "case": self.encounter.case.id,
            "patient": self.encounter.briefing.patient_id,
            "ending": last.ending if isinstance(last, Ended) else "",
            "error": last.reason if isinstance(last, Refused) else "",
            "score": self._score if self.encounter.over else None,
        }


def _station(suite: Suite) -> Station:
    return "chart" if any(isinstance(case, ChartCase) for case in suite.cases) else "consult"


def _nobody(request: Request) -> Reply:
    raise DoctorError(f"this environment has nobody to answer a {type(request).__name__}")
