"""A walk: whoever goes on to the right end of a line is paid 1, and at the left end there is nothing.

B copies side by side, all in tensors, so that one compiled program plays and trains. Try it:

    imagents train --environment imagents.templates.environment:make --parallel-games 64 --steps 20000 --discount 0.9
    imagents watch RUN --environment imagents.templates.environment:make

What an environment may say besides (several seats, whose turn it is, legal moves, views of their own, lives) is in
`help(imagents.seats)`; `imagents.check_environment(make)` tells whether it keeps to that.
"""

import imagents  # before TensorFlow: it chooses Keras 2, which TF-Agents needs  # isort: skip

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

PLACES = 9
LIMIT = 20  # steps of an episode, after which it is cut off
LEFT, RIGHT = 0, 1


def make(batch_size: int, seed: int) -> "Walk":
    """What `--environment MODULE:FUNCTION` calls."""
    return Walk(batch_size, seed)


class Walk(tf_environment.TFEnvironment, tf.Module):
    """B walkers, each on a line of its own.

    Observation: float32 `[B, PLACES]`, one-hot, the place. Action: int32 `[B]`, LEFT or RIGHT. Reward: float32 `[B]`.
    Discount: 0 at either end, where an episode ends, and 1 where the limit cuts it off.

    Args:
      batch_size: number of copies B.
      seed: of where episodes begin.
    """

    action_names = ("left", "right")

    def __init__(self, batch_size: int, seed: int):
        tf.Module.__init__(self, name="walk")
        observation = tensor_spec.BoundedTensorSpec([PLACES], tf.float32, 0.0, 1.0, "observation")
        action = tensor_spec.BoundedTensorSpec([], tf.int32, LEFT, RIGHT, "action")
        tf_environment.TFEnvironment.__init__(self, ts.time_step_spec(observation), action, batch_size)
        # All that is drawn comes from a generator of its own, and all that changes is in variables: so a run that was
        # stopped goes on as if it had not been.
        self._random = imagents.make_generator(seed, "environment")
        self._place = tf.Variable(tf.fill([batch_size], PLACES // 2), trainable=False)
        self._steps = tf.Variable(tf.zeros([batch_size], tf.int32), trainable=False)

    def get_state(self):
        """What a checkpoint keeps beside the variables of the generator."""
        return self._place.read_value(), self._steps.read_value()

    def set_state(self, state) -> None:
        """Puts it back."""
        self._place.assign(state[0])
        self._steps.assign(state[1])

    def _reset(self) -> ts.TimeStep:
        self.set_state((self._first_places(), tf.zeros_like(self._steps)))
        return self._current_time_step()

    def _step(self, action) -> ts.TimeStep:
        place, steps = self.get_state()
        # The step after a copy's last one begins its next episode, whatever the action was.
        begins = self._current_time_step().is_last()
        moved = place + tf.where(tf.cast(action, tf.int32) == RIGHT, 1, -1)
        self.set_state((tf.where(begins, self._first_places(), moved), tf.where(begins, 0, steps + 1)))
        return self._current_time_step()

    def _current_time_step(self) -> ts.TimeStep:
        place, steps = self.get_state()
        has_ended = (place == 0) | (place == PLACES - 1)
        later = tf.where(has_ended | (steps == LIMIT), ts.StepType.LAST, ts.StepType.MID)
        return ts.TimeStep(
            step_type=tf.where(steps == 0, ts.StepType.FIRST, later),
            reward=tf.where(place == PLACES - 1, 1.0, 0.0),
            discount=tf.where(has_ended, 0.0, 1.0),
            observation=tf.one_hot(place, PLACES),
        )

    def _first_places(self) -> tf.Tensor:
        """Any place but the two ends."""
        bits = self._random.uniform_full_int([self.batch_size], tf.uint32)  # the same eagerly and compiled by XLA
        return 1 + tf.cast(bits % (PLACES - 2), tf.int32)

    def text(self, copy: int = 0) -> str:
        """What `imagents watch` shows in the terminal."""
        place = int(self._place[copy])
        return "." * place + "o" + "." * (PLACES - 1 - place)

    def frame(self, copy: int = 0) -> np.ndarray:
        """What `imagents watch --record` films, uint8 `[height, width, 3]`."""
        image, place = np.full([24, 24 * PLACES, 3], 240, np.uint8), int(self._place[copy])
        image[4:20, 24 * place + 4 : 24 * place + 20] = (217, 95, 2)
        return image
