"""Boards of PettingZoo, in two planes: what a Q network can know of them."""

from typing import Any

import tensorflow as tf

from imagents.environments.boards.features import LineFeatures
from imagents.environments.boards.grid import Grid
from imagents.errors import InputError
from imagents.seats import num_actions, own_action_spec, own_view


def network(environment, name: str, line: int) -> dict[str, Any]:
    """Arguments of a `QNetwork` that sees lines.

    Where there is an action for each column stones fall, and a board whose columns are reversed means the same.

    Args:
      environment: the environment.
      name: what it is called in messages.
      line: how many stones in a row win.

    Raises:
      InputError: if its agents do not see a board of such lines.
    """
    view = own_view(environment.time_step_spec().observation, 0)
    shape = () if tf.nest.is_nested(view) else tuple(view.shape)
    if len(shape) != 3 or shape[2] != 2 or line > max(shape):
        raise InputError(
            f"line = {line}: {name} does not show a board of [rows, columns, 2] with room for it, but {view}"
        )
    rows, columns, _ = shape
    falls = num_actions(own_action_spec(environment.action_spec(), 0)) == columns
    features = LineFeatures(Grid(name, rows, columns, line, gravity=falls))
    return {
        "features": lambda planes: features(tf.transpose(planes, [0, 3, 1, 2])),
        "mirror": columns if falls else 0,
    }
