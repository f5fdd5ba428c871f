"""What environments written in tensors have in common: B copies in one `TFEnvironment`, whose state is in variables."""

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.environments import tf_environment

from imagents.drawing import Drawn
from imagents.errors import InputError
from imagents.process import check_memory, check_tensorflow
from imagents.seats import assign, values_of


class Native(Drawn, tf_environment.TFEnvironment, tf.Module):
    """An environment of B copies that draws itself, and whose state is all in `_state`, a nest of variables.

    Args:
      time_step_spec, action_spec: what it shows and takes, without the batch dimension.
      batch_size: number of copies B.
    """

    def __init__(self, time_step_spec, action_spec, batch_size: int):
        tf.Module.__init__(self, name="environment")
        tf_environment.TFEnvironment.__init__(self, time_step_spec, action_spec, batch_size)

    def get_state(self):
        """The state of all copies, to be kept and set again later."""
        return values_of(self._state)

    def set_state(self, state) -> None:
        """Puts back what `get_state` gave."""
        assign(self._state, state)


def check_room(batch_size: int, what: str, bytes_per_copy: int, copy: str = "copy") -> None:
    """Raises an InputError for a batch size below 1, or for which there is no memory.

    Args:
      batch_size: number of copies B.
      what: B of these take the memory.
      bytes_per_copy: that a step takes, at the least.
      copy: what one of them is called.
    """
    if batch_size < 1:
        raise InputError(f"batch_size = {batch_size}: an environment needs at least 1 {copy}")
    check_tensorflow()
    check_memory(f"{batch_size} {what}", batch_size * bytes_per_copy)


def as_actions(action, batch_size: int, needed: str = "one for each of the {} copies") -> tf.Tensor:
    """Actions as int32 `[B]`.

    Args:
      action: numbers.
      batch_size: number of copies B.
      needed: what there has to be, with a place for B.

    Raises:
      InputError: if they are not so many.
    """
    action = tf.cast(tf.convert_to_tensor(action), tf.int32)
    check_actions(action, [batch_size], needed.format(batch_size))
    return action


def check_actions(actions: tf.Tensor, shape: Sequence[int], needed: str) -> None:
    """Raises an InputError unless actions have that shape."""
    if actions.shape != [*shape]:
        raise InputError(f"actions have shape {tuple(actions.shape)}: {needed} is needed, shape {tuple(shape)}")


def joint_actions(action: Sequence, batch_size: int, num_seats: int, copies: str = "copies") -> tf.Tensor:
    """What all seats do at once, int32 `[B, N]`.

    Args:
      action: numbers `[B]`, for each seat.
      batch_size, num_seats: B and N.
      copies: what the B of them are called.

    Raises:
      InputError: if they are not so many.
    """
    actions = tf.stack([tf.cast(tf.convert_to_tensor(each), tf.int32) for each in action], axis=1)
    if actions.shape != [batch_size, num_seats]:
        given = f"{actions.shape[1]} times {actions.shape[0]} actions"
        raise InputError(f"{given}: {num_seats} seats times {batch_size} {copies} are needed")
    return actions
