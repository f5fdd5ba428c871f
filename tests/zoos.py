"""Small environments of PettingZoo, for tests: their episodes are scripts."""

import copy

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv

SPACE = spaces.Box(-1e6, 1e6, (2,), np.float64)


class AtOnce(ParallelEnv):
    """Each step shows the next row of a script: by agent what it sees (None: nothing), is paid, and its flags.

    Rows of who is gone have no entry of it. What was done is in `done`.
    """

    metadata = {"name": "at_once"}

    def __init__(self, rows, names="abc", masks=None):
        self.possible_agents, self._rows, self._masks = list(names), rows, masks or {}
        self.render_mode, self.done = None, []

    def observation_space(self, agent):
        return SPACE

    def action_space(self, agent):
        return spaces.Discrete(2 + self.possible_agents.index(agent))  # no two are alike

    def reset(self, seed=None, options=None):
        self._at, self.seed = 0, seed
        return self._show()[::4]

    def step(self, actions):
        assert self.agents, "nothing steps on when all are gone"
        self.done.append(actions)
        self._at += 1
        return self._show()

    def _show(self):
        row = self._rows[self._at]
        flags = {name: (entry[2:] or [""])[0] for name, entry in row.items()}
        self.agents = [name for name, flag in flags.items() if not flag]
        seen = {name: np.array([entry[0], self._at]) for name, entry in row.items() if entry[0] is not None}
        paid = {name: entry[1] for name, entry in row.items()}
        infos = {name: copy.copy(self._masks.get(self._at, {})) for name in row}
        return seen, paid, {n: "E" in f for n, f in flags.items()}, {n: "L" in f for n, f in flags.items()}, infos


class InTurn(AECEnv):
    """Each step is by the next of a script, `(name, what all are paid then, who ends then)`, each as by PettingZoo.

    An agent sees the number of the step. Who ends is a text of names, small ones for an end, large ones for a cut-off;
    a name after a "-" is gone without notice, one after a "+" is there from then on.
    """

    metadata = {"name": "in_turn"}

    def __init__(self, script, names="ab", alike=True, mask=None, late=""):
        self.possible_agents, self._script, self._alike, self._mask = list(names), script, alike, mask
        self._late, self.render_mode, self.done = late, None, []

    def observation_space(self, agent):
        return SPACE if not self._masks_view else spaces.Dict(observation=SPACE, action_mask=spaces.MultiBinary(2))

    @property
    def _masks_view(self):
        return self._mask is not None and "view" in self._mask

    def action_space(self, agent):
        return spaces.Discrete(2 if self._alike else 2 + self.possible_agents.index(agent))

    def reset(self, seed=None, options=None):
        self._at, self._skip_agent_selection = 0, None
        self.agents = [name for name in self.possible_agents if name not in self._late]
        for attribute, value in (("rewards", 0), ("_cumulative_rewards", 0), ("terminations", False),
                                 ("truncations", False)):  # fmt: skip
            setattr(self, attribute, dict.fromkeys(self.agents, value))
        self.agent_selection = self._script[0][0]
        self._tell()

    def _tell(self):
        own = (*self._mask["info"], None)[self._at] if self._mask and "info" in self._mask else None
        told = {"action_mask": np.array(own, np.int8)} if own else {}
        self.infos = {name: told if name == self.agent_selection else {} for name in self.agents}

    def observe(self, agent):
        seen = np.array([self._at, self.possible_agents.index(agent)], float)
        if not self._masks_view:
            return seen
        is_asked = agent == self.agent_selection and self._at < len(self._mask["view"])
        return {"observation": seen, "action_mask": np.int8(self._mask["view"][self._at] if is_asked else [0, 0])}

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        _, paid, ends = self._script[self._at]
        self.done.append((agent, action))
        self._cumulative_rewards[agent], self._at = 0, self._at + 1
        self.rewards = {name: paid.get(name, 0) for name in self.agents}
        self._accumulate_rewards()
        sign = ""
        for name in ends:
            if name in "-+":
                sign = name
            elif sign == "+":
                self._join(name)
            elif sign == "-":
                self.agents.remove(name)
            else:
                self.terminations[name.lower()], self.truncations[name.lower()] = name.islower(), name.isupper()
        if self._at < len(self._script):
            self.agent_selection = self._script[self._at][0]
        self._deads_step_first()
        self._tell()

    def _join(self, name):
        self.agents.append(name)
        self.rewards[name] = self._cumulative_rewards[name] = 0
        self.terminations[name] = self.truncations[name] = False
