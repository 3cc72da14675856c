"""The Gymnasium contract, by Gymnasium's own checker and by what its users do."""

from __future__ import annotations

import json
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import CaseError
from bedside.envs.spaces import Actions, UnicodeText

ID = "bedside:bedside/Consult-v0"
FINISH = '{"type":"finish","diagnoses":[{"name":"none","primary":true}]}'


def test_check_env_has_nothing_to_say() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ID).unwrapped)


def test_reset_is_deterministic() -> None:
    one, two = gymnasium.make(ID), gymnasium.make(ID)
    for env in (one, two):
        env.action_space.seed(3)
    first, second = one.reset(seed=5), two.reset(seed=5)
    assert first == second
    for _ in range(10):
        assert one.step(one.action_space.sample()) == two.step(two.action_space.sample())


def test_reset_takes_a_case() -> None:
    env = gymnasium.make(ID)
    case = env.unwrapped.suite.cases[3].id  # type: ignore[attr-defined]
    _, info = env.reset(seed=0, options={"case": case})
    assert info["case"] == case


def test_train_is_unlimited_and_disjoint_from_test() -> None:
    env = gymnasium.make(ID, split="train")
    test_ids = {case.id for case in env.unwrapped.suite.cases}  # type: ignore[attr-defined]
    seen = {env.reset(seed=seed)[1]["case"] for seed in range(60)}
    assert len(seen) == 60
    assert not seen & test_ids


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"case": "nope"}, "no case 'nope'"),
        ({"split": "dev"}, "'train' or 'test'"),
        ({"cases": "x"}, "unknown reset option 'cases'"),
    ],
)
def test_bad_options_say_what_to_mend(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CaseError, match=says):
        gymnasium.make(ID).reset(options=options)


def rollout(reward: str) -> tuple[list[float], dict[str, Any]]:
    env = gymnasium.make(ID, reward=reward)
    env.reset(seed=11)
    rewards = []
    for action in ("I am sorry to hear that. When did it start?", "Do you take medicines?", FINISH):
        _, step_reward, terminated, truncated, info = env.step(action)
        rewards.append(float(step_reward))
    assert terminated and not truncated
    return rewards, info


def test_rewards_sum_to_the_score() -> None:
    rewards, info = rollout("change")
    assert sum(rewards) == pytest.approx(info["score"])
    final, info = rollout("final")
    assert final == [0.0, 0.0, info["score"]]


def test_limits_truncate() -> None:
    env = gymnasium.make(ID)
    env.reset(seed=1)
    truncated = False
    while not truncated:
        *_, terminated, truncated, info = env.step('{"type":"calculate","expression":"1"}')
        assert not terminated
    assert info["ending"] == "turn_limit"


def test_info_is_plain_json() -> None:
    env = gymnasium.make(ID)
    _, info = env.reset(seed=1)
    assert json.loads(json.dumps(info)) == info
    *_, info = env.step("{")
    assert json.loads(json.dumps(info)) == info
    assert info["error"]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"vectorization_mode": "sync"},
        {"vectorization_mode": "async", "vector_kwargs": {"shared_memory": False}},
    ],
    ids=["sync", "async"],
)
def test_vector_environments(kwargs: dict[str, Any]) -> None:
    kwargs.setdefault("vector_kwargs", {})["autoreset_mode"] = AutoresetMode.SAME_STEP
    envs = gymnasium.make_vec(ID, num_envs=2, **kwargs)
    observations, _ = envs.reset(seed=3)
    assert len(observations["text"]) == 2
    _, rewards, terminated, _, _ = envs.step((FINISH, "Where is it?"))
    assert list(terminated) == [True, False]
    assert rewards.shape == (2,)
    observations, _, terminated, _, _ = envs.step(("Hello", "Hello"))
    assert not np.any(terminated)
    assert list(observations["turn"]) == [1, 2]
    envs.close()


def test_ansi_rendering() -> None:
    env = gymnasium.make(ID, render_mode="ansi")
    observation, _ = env.reset(seed=1)
    assert env.render() == observation["text"]


@given(st.text())
def test_any_encodable_text_is_in_the_space(text: str) -> None:
    assert text in UnicodeText() or any(0xD800 <= ord(char) < 0xE000 for char in text)


def test_the_text_spaces() -> None:
    assert "\ud800" not in UnicodeText()
    assert 3 not in UnicodeText()
    assert "abcd" not in UnicodeText(3)
    assert UnicodeText(3) == UnicodeText(3) != UnicodeText(4)
    for space in (UnicodeText(), Actions()):
        space.seed(1)
        first = [space.sample() for _ in range(20)]
        space.seed(1)
        assert first == [space.sample() for _ in range(20)]
        assert all(sample in space for sample in first)
        with pytest.raises(gymnasium.error.Error):
            space.sample(mask=1)
