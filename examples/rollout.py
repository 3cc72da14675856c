"""A Gymnasium rollout: python examples/rollout.py"""

import gymnasium

env = gymnasium.make("bedside:bedside/Consult-v0", split="train")
observation, info = env.reset(seed=7)
env.action_space.seed(7)
print(observation["text"])

total, done = 0.0, False
while not done:
    action = env.action_space.sample()  # your policy here: text or the JSON of an action
    observation, reward, terminated, truncated, info = env.step(action)
    print(f"> {action}\n{observation['text']}")
    total += float(reward)
    done = terminated or truncated

print(f"ended by {info['ending']}, return {total:.3f}")
