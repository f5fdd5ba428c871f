"""One board game as a TF-Agents environment of numpy arrays."""

import tensorflow as tf
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import BoardGameEnvironment, State


class BoardGamePyEnvironment(py_environment.PyEnvironment):
    """One game as a TF-Agents `PyEnvironment`: the same rules through numpy arrays.

    Args:
      game: the rules.
      **kwargs: as for `BoardGameEnvironment`, without `batch_size`.
    """

    def __init__(self, game: BoardGame, **kwargs):
        super().__init__(handle_auto_reset=True)
        self._environment = BoardGameEnvironment(game, **kwargs)

    def observation_spec(self):
        return tensor_spec.to_nest_array_spec(self._environment.observation_spec())

    def action_spec(self) -> array_spec.BoundedArraySpec:
        return tensor_spec.to_nest_array_spec(self._environment.action_spec())

    def reward_spec(self):
        return tensor_spec.to_nest_array_spec(self._environment.reward_spec())

    def _reset(self) -> ts.TimeStep:
        return self._first_game(self._environment.reset())

    def _step(self, action) -> ts.TimeStep:
        return self._first_game(self._environment.step(tf.reshape(action, [1])))

    def get_state(self) -> tuple[ts.TimeStep, State]:
        """The time step and the state of the game, to be kept and set again later."""
        return self._current_time_step, self._environment.get_state()

    def set_state(self, state: tuple[ts.TimeStep, State]) -> None:
        """Puts back what `get_state` gave."""
        self._current_time_step, environment_state = state
        self._environment.set_state(environment_state)

    def render(self, mode: str = "human") -> str:
        return self._environment.render()

    @staticmethod
    def _first_game(time_step: ts.TimeStep) -> ts.TimeStep:
        return tf.nest.map_structure(lambda x: x[0].numpy(), time_step)
