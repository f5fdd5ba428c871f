"""What a seat of an environment from here sees and does, in spaces and arrays as Gymnasium and PettingZoo have them."""

import gymnasium
import numpy as np
import tensorflow as tf
from gymnasium import spaces
from tf_agents.specs import tensor_spec

from imagents.learning.perspective import Perspective, Sight
from imagents.seats import num_actions


def spaces_of(perspective: Perspective) -> tuple[gymnasium.Space, spaces.Discrete, int]:
    """What a seat sees and does, and the number of its first action."""
    spec = perspective.environment_action_spec
    first = int(spec.minimum)
    return _space(perspective.sight_spec.view), spaces.Discrete(num_actions(spec), start=first), first


def mask_of(sight: Sight) -> np.ndarray | None:
    """What is legal, int8 `[B, A]`; None where everything is."""
    return sight.legal_moves.numpy().astype(np.int8) if tf.is_tensor(sight.legal_moves) else None


def arrays_of(view, space: gymnasium.Space, copy: int | None = None):
    """A view in the arrays of its space: of one copy, or of all."""
    if isinstance(space, spaces.Dict):
        return {key: arrays_of(view[key], part, copy) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(arrays_of(x, part, copy) for x, part in zip(view, space.spaces))
    array = np.asarray(view) if copy is None else np.asarray(view)[copy]
    return np.array(array, space.dtype)


def _space(spec) -> gymnasium.Space:
    """The space of a nest of specs."""
    if isinstance(spec, dict):
        return spaces.Dict({key: _space(part) for key, part in spec.items()})
    if isinstance(spec, (tuple, list)):
        return spaces.Tuple([_space(part) for part in spec])
    shape, dtype = tuple(spec.shape), spec.dtype.as_numpy_dtype
    if spec.dtype.is_bool:
        return spaces.MultiBinary(shape)
    bounds = (spec.minimum, spec.maximum) if isinstance(spec, tensor_spec.BoundedTensorSpec) else (None, None)
    whole = spec.dtype.min, spec.dtype.max
    low, high = (np.broadcast_to(a if a is not None else b, shape).astype(dtype) for a, b in zip(bounds, whole))
    return spaces.Box(low, high, shape, dtype)
