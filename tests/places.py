"""Places for motivations in tests: one agent, who sees what it is said to see."""

import tensorflow as tf
from tf_agents.specs import tensor_spec

from imagents.learning.decisions import Decision
from imagents.learning.motives import Moment, Place
from imagents.learning.perspective import Sight


def place(
    view=None, actions: int = 2, copies: int = 1, seats: int = 1, seat: int = 0, state=(), floats: int = 0
) -> Place:
    """Where a motivation is at home; a view is 3 floats if nothing is said."""
    view = tf.TensorSpec([3], tf.float32) if view is None else view
    action = tensor_spec.BoundedTensorSpec([], tf.int32, 0, actions - 1)
    if floats:
        action = tensor_spec.BoundedTensorSpec([floats], tf.float32, -1.0, 1.0)
    return Place("player_1", seat, seats, copies, Sight(view, ()), action, state, 0)


def decisions(views, actions, next_views=None) -> Decision:
    """Decisions of these views and actions, which pay nothing."""
    views, actions = tf.convert_to_tensor(views), tf.convert_to_tensor(actions)
    next_views = views if next_views is None else tf.convert_to_tensor(next_views)
    zeros = tf.zeros([views.shape[0]])
    return Decision(views, (), actions, (), (), (), zeros, zeros + 1.0, next_views, ())


def moment(time_step, view=(), asked=True, before=(), after=()) -> Moment:
    """A moment of one copy or more; it counts but where a life begins."""
    counts = ~time_step.is_first()
    return Moment(time_step, counts, tf.fill(counts.shape, asked), Sight(view, ()), before, after)
