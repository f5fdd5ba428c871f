"""Small environments of Gymnasium, for tests."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Count(gymnasium.Env):
    """What was done is added to a drawn number; an episode of 2 or 4 steps ends, one of 3 or 5 is cut off."""

    observation_space = spaces.Box(-1e6, 1e6, (2,), np.float64)
    action_space = spaces.Discrete(3)
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None, least=2):
        self.render_mode, self._least = render_mode, least

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps, self._number = 0, float(self.np_random.integers(100))
        self._length = self._least + int(self.np_random.integers(4))
        return self._shown(), self._told()

    def step(self, action):
        self._steps += 1
        self._number += float(np.sum(action)) + float(self.np_random.integers(3))
        over, is_even = self._steps == self._length, self._length % 2 == 0
        return self._shown(), self._number, over and is_even, over and not is_even, self._told()

    def render(self):
        return np.full([4, 6, 3], self._steps, np.uint8)

    def _shown(self):
        return np.array([self._number, self._steps])

    def _told(self):
        return {}


class Masked(Count):
    """The last action is illegal in every second step; whoever takes it is told so by an error."""

    def step(self, action):
        if not self.mask()[action]:
            raise ValueError(f"{action} is illegal")
        return super().step(action)

    def mask(self):
        return np.array([1, 1, self._steps % 2], np.int8)

    def _told(self):
        return {"action_mask": self.mask()}


class MaskInView(Masked):
    """The same, whose mask is part of the observation."""

    observation_space = spaces.Dict({"observation": Count.observation_space, "action_mask": spaces.MultiBinary(3)})

    def _shown(self):
        return {"observation": super()._shown(), "action_mask": self.mask()}

    def _told(self):
        return {}


class Disagreeing(MaskInView):
    """Both ways, which say something else from the third step on."""

    def _told(self):
        return {"action_mask": self.mask() if self._steps < 2 else np.ones(3, np.int8)}


class Shared(Count):
    """Two seats at once: each does something else, and is paid what it did; over is over for both."""

    observation_space = spaces.Tuple([Count.observation_space, spaces.Discrete(10)])
    action_space = spaces.Tuple([spaces.Discrete(3), spaces.Discrete(2)])

    def _shown(self):
        return super()._shown(), self._steps

    def step(self, action):
        observation, _, terminated, truncated, info = super().step(action)
        return observation, [float(a) for a in action], terminated, truncated, info


class Apart(Shared):
    """One of the two ends before the other."""

    def step(self, action):
        observation, rewards, *_ = super().step(action)
        return observation, rewards, [True, False], False, {}


class Hybrid(Count):
    """What is done has two parts, one of them continuous."""

    action_space = spaces.Dict({"turn": spaces.Box(-1.0, 1.0, (2,), np.float32), "shoot": spaces.Discrete(2)})

    def step(self, action):
        assert action in self.action_space
        return super().step(action["turn"])


class Bars(gymnasium.Env):
    """An image of a bar somewhere, which lies (0) or stands (1): to say which pays 1, once."""

    observation_space = spaces.Box(0, 255, (9, 9, 1), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        image, (row, column) = np.zeros([9, 9, 1], np.uint8), self.np_random.integers(1, 8, 2)
        self._stands = bool(self.np_random.integers(2))
        image[row - 1 : row + 2, column] = 255 * self._stands
        image[row, column - 1 : column + 2] = 255 * (not self._stands)
        image[row, column] = 255
        self._image = image
        return image, {}

    def step(self, action):
        return self._image, float(action == self._stands), True, False, {}


class Doubled(gymnasium.ObservationWrapper):
    """A wrapper: everything twice as large."""

    def observation(self, observation):
        return 2 * observation


class OldOne:
    """Not a gymnasium.Env."""


gymnasium.register("Count-v0", Count, max_episode_steps=4)
gymnasium.register("Shared-v0", Shared)
