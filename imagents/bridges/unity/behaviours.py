"""A behaviour of Unity's: what its agents see and do, between the messages and flat arrays; no TensorFlow.

    seen                                            done
    vectors and buffers    float32, as they are     one discrete branch, or several    one integer, of their product
    images in PNG          uint8 [H, W, channels]   continuous actions                 float32 [n], -1 to 1
    images as numbers      float32 [H, W, channels] both                               a dictionary of the two
"""

import io
import math

import numpy as np
from PIL import Image

from imagents.bridges.unity.messages import PNG
from imagents.bridges.worlds import Leaf
from imagents.errors import InputError

_MOST_ACTIONS = 4096  # of a product
_PNG_HEADER = b"\x89PNG\r\n\x1a\n"


class Behaviour:
    """What agents of one name have in common.

    Args:
      parameters: a BrainParametersProto.
      info: the AgentInfoProto of one of its agents.
      channels_first: whether images are [channels, height, width].

    Attributes:
      name: its name, with the team behind it where there are teams.
      view: a `Leaf`, or a tuple of them, one for each sensor.
      actions: a `Leaf`, or a dictionary of `continuous` and `discrete`.
      legal: how many actions its masks are about; 0 where actions are not numbered alone.

    Raises:
      InputError: for more combinations of discrete actions than can be numbered.
    """

    def __init__(self, parameters, info, channels_first: bool):
        self.name, self._channels_first = parameters.brain_name, channels_first
        self._continuous, self.branches = _actions_of(parameters)
        count = math.prod(self.branches)
        if count > _MOST_ACTIONS:
            raise InputError(f"{self.name} has {count} combinations of actions: {_MOST_ACTIONS} can be numbered")
        self._shapes = [tuple(each.shape) for each in info.observations]
        leaves = tuple(self._leaf(each) for each in info.observations)
        if not leaves:
            raise InputError(f"{self.name} has no sensors: its agents see nothing")
        self.view = leaves if len(leaves) > 1 else leaves[0]
        continuous, discrete = Leaf((self._continuous,), "float32", -1.0, 1.0), Leaf((), "int32", 0, count - 1)
        self.actions = {"continuous": continuous, "discrete": discrete} if self.branches else continuous
        if not self._continuous:
            self.actions = discrete
        self.legal = 0 if self._continuous else count

    def see(self, info) -> list[np.ndarray]:
        """The arrays of an agent's view, flat.

        Raises:
          InputError: for something else than it saw at first.
        """
        shapes = [tuple(each.shape) for each in info.observations]
        if shapes != self._shapes:
            raise InputError(f"agent {info.id} of {self.name} sees {shapes}, and at first it was {self._shapes}")
        return [self._array(each) for each in info.observations]

    def masks(self, info) -> list[np.ndarray]:
        """For each branch what an agent may do, bools; Unity says the opposite, what it may not.

        Raises:
          InputError: if that is nothing at all.
        """
        forbidden = np.array(info.action_mask, bool)
        if len(forbidden) != sum(self.branches):
            forbidden = np.zeros(sum(self.branches), bool)
        masks = np.split(~forbidden, np.cumsum(self.branches)[:-1]) if self.branches else []
        if not all(mask.any() for mask in masks):
            raise InputError(f"agent {info.id} of {self.name} is forbidden every action of a branch")
        return masks

    def product(self, masks: list[np.ndarray]) -> np.ndarray:
        """The mask of the numbered actions, bool `[legal]`."""
        whole = np.ones(1, bool)
        for mask in masks:
            whole = np.logical_and.outer(whole, mask).ravel()
        return whole

    def act(self, actions: list, masks: list[np.ndarray]) -> tuple[list[float], list[int]]:
        """What an agent does, continuous and discrete, of the leaves of its action.

        Beside continuous actions nobody is told what is forbidden: such a choice becomes the first that is not.
        """
        continuous = np.clip(actions[0], -1.0, 1.0).tolist() if self._continuous else []
        discrete = np.unravel_index(int(actions[-1]), self.branches) if self.branches else ()
        return continuous, [int(i) if mask[i] else int(mask.argmax()) for i, mask in zip(discrete, masks)]

    def nothing(self, info) -> tuple[list[float], list[int]]:
        """What is said for an agent that was asked, and has no seat: zeros, or what is not forbidden."""
        return [0.0] * self._continuous, [int(mask.argmax()) for mask in self.masks(info)]

    def _leaf(self, observation) -> Leaf:
        shape = tuple(observation.shape)
        shape = (*shape[1:], shape[0]) if len(shape) == 3 and self._channels_first else shape
        return Leaf(shape, "uint8", 0, 255) if observation.compression_type == PNG else Leaf(shape, "float32")

    def _array(self, observation) -> np.ndarray:
        shape = tuple(observation.shape)
        channels = len(shape) == 3 and shape[0 if self._channels_first else 2]
        if observation.compression_type == PNG:
            return _pixels(observation.compressed_data, channels, list(observation.compressed_channel_mapping))
        array = np.array(observation.float_data.data, np.float32)
        if array.size != math.prod(shape):
            raise InputError(f"{self.name}: a sensor shows {array.size} numbers where its shape is {shape}")
        array = array.reshape(shape)
        return np.moveaxis(array, 0, 2) if channels and self._channels_first else array


def _actions_of(parameters) -> tuple[int, list[int]]:
    """How many continuous actions there are, and the sizes of the discrete branches."""
    spec, sizes = parameters.action_spec, list(parameters.vector_action_size_deprecated)
    if spec.num_continuous_actions or spec.num_discrete_actions:
        return spec.num_continuous_actions, list(spec.discrete_branch_sizes)
    return (sizes[0], []) if parameters.vector_action_space_type_deprecated else (0, sizes)  # before version 1.3


def _pixels(data: bytes, channels: int, mapping: list[int]) -> np.ndarray:
    """An image, uint8 `[H, W, channels]`, of PNG files one behind the other, of three channels each.

    A mapping says for each channel of the files which one of the image it belongs to, -1 for none; those that belong
    to the same one are all alike, and their mean is taken. Without it, one channel is the mean of three.
    """
    parts = [_PNG_HEADER + part for part in data.split(_PNG_HEADER)[1:]]
    try:
        pixels = np.concatenate([np.array(Image.open(io.BytesIO(part)).convert("RGB")) for part in parts], axis=2)
    except (OSError, ValueError):
        raise InputError("an image that was sent as PNG is damaged") from None
    mapping = (mapping or ([0, 0, 0] if channels == 1 else list(range(channels))))[: pixels.shape[2]]
    found = [[i for i, target in enumerate(mapping) if target == channel] for channel in range(channels)]
    if not all(found):
        raise InputError(f"an image of {channels} channels was sent as {pixels.shape[2]}, which are {mapping}")
    return np.stack([np.rint(pixels[:, :, own].mean(axis=2)) for own in found], axis=2).astype(np.uint8)
