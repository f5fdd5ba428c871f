"""Spaces as Gymnasium has them, between what one seat's environment gives and takes and flat arrays.

    seen                                                      done
    Discrete(n)      one-hot, float32 [n]                     one integer, from `start` on
    MultiDiscrete    one-hot each, one after the other        one integer, of their product
    MultiBinary      int8 as it is                            one integer, of their product
    Box              float32; integers as they are, so that   float32, or integers, within its bounds
                     images stay uint8
    Dict, Tuple      nests of these; Text is left out         nests of these

A mask of legal actions comes in `info["action_mask"]`, or in a dictionary of observations under the same name, beside
which `observation`, if that is all there is, is the view. Ones are legal.
"""

from collections.abc import Callable, Iterator

import gymnasium
import numpy as np
from gymnasium import spaces

from imagents.bridges.worlds import Leaf, leaves
from imagents.errors import InputError, brief

MASK = "action_mask"
_MOST_ACTIONS = 4096  # of a product


class Seat:
    """What one seat sees and does.

    Args:
      observation_space, action_space: its own.
      info: one that it is given with an observation; whether there is a mask in it, it is in all.

    Attributes:
      view, actions: nests of `Leaf`s.
      legal: how many actions its masks are about; 0 without masks.
      notes: what is left out, in sentences.

    Raises:
      InputError: for a space that nothing here can see or do.
    """

    def __init__(self, observation_space: gymnasium.Space, action_space: gymnasium.Space, info: dict | None = None):
        self._mask_in_info = MASK in (info or {})
        self._mask_in_view = isinstance(observation_space, spaces.Dict) and MASK in observation_space.spaces
        self._inner = self._mask_in_view and {*observation_space.spaces} == {MASK, "observation"}
        self._masks = self._mask_in_view or self._mask_in_info
        space = observation_space
        if self._mask_in_view:
            rest = {key: part for key, part in observation_space.spaces.items() if key != MASK}
            space = rest["observation"] if self._inner else spaces.Dict(rest)
        self.notes = []
        self.view, self._write = _seen(space, self.notes)
        self.actions, self._read = _done(action_space)
        if not leaves(self.view):
            raise InputError(f"the observation space {brief(observation_space)} leaves nothing to see")
        numbered = isinstance(self.actions, Leaf) and self.actions.shape == () and self.actions.dtype == "int32"
        if self._masks and not numbered:
            raise InputError(f"there are masks of legal actions, and the actions are {brief(action_space)}")
        self.legal = int(self.actions.high - self.actions.low) + 1 if self._masks else 0
        self._parts = np.ravel(getattr(action_space, "nvec", ()))  # how many of each, where there are several

    def see(self, observation, info: dict, is_asked: bool = True) -> tuple[list[np.ndarray], np.ndarray | None]:
        """The arrays of the view, flat, and the mask, bool `[legal]`, or None.

        Args:
          observation, info: what the seat is given.
          is_asked: whether it acts next; else `info` may say nothing of a mask, which then is all False.

        Raises:
          InputError: for a mask that is missing, comes unexpectedly, does not fit, or contradicts another one.
        """
        mask = self._mask(observation, info, is_asked) if self._masks or MASK in info else None
        if self._mask_in_view:
            observation = observation["observation"] if self._inner else observation
        arrays = []
        self._write(observation, arrays)
        return arrays, mask

    def do(self, actions: Iterator):
        """The action that the environment takes, of the next of these flat leaves."""
        return self._read(actions)

    def _mask(self, observation, info: dict, is_asked: bool) -> np.ndarray:
        if not self._masks:
            raise InputError(f"info has {MASK} here, and had none where the first episode began")
        if self._mask_in_info and MASK not in info:
            if is_asked:
                raise InputError(f"info has no {MASK} here, and had one where the first episode began")
            if not self._mask_in_view:
                return np.zeros(self.legal, bool)
        found = [info[MASK]] if MASK in info else []
        found += [observation[MASK]] if self._mask_in_view else []
        masks = [self._product(np.asarray(mask, bool)) for mask in found]
        if len(masks) == 2 and not np.array_equal(*masks):
            raise InputError(f"the {MASK} of the observation and that of info disagree")
        return masks[0]

    def _product(self, mask: np.ndarray) -> np.ndarray:
        """The mask of a product of the masks of its parts, one after the other."""
        if mask.shape == (self.legal,):
            return mask
        if len(self._parts) and mask.shape == (self._parts.sum(),):
            whole = np.ones(1, bool)
            for part in np.split(mask, np.cumsum(self._parts)[:-1]):
                whole = np.logical_and.outer(whole, part).ravel()
            return whole
        raise InputError(f"{MASK} has shape {mask.shape}: ({self.legal},) is needed, an entry per action")


def _seen(space: gymnasium.Space, notes: list[str]) -> tuple[object, Callable]:
    """The nest that shows a space, and what adds an observation's arrays to a list, in the order of `leaves`."""
    if isinstance(space, spaces.Discrete):
        rows, start = np.eye(int(space.n), dtype=np.float32), int(space.start)
        return Leaf((int(space.n),), "float32", 0.0, 1.0), lambda x, out: out.append(rows[int(x) - start])
    if isinstance(space, spaces.MultiDiscrete):
        ends, start = np.cumsum(space.nvec.ravel()), space.start.ravel()
        first = ends - space.nvec.ravel() - start

        def one_hot(x, out):
            row = np.zeros(ends[-1], np.float32)
            row[np.ravel(x) + first] = 1.0
            out.append(row)

        return Leaf((int(ends[-1]),), "float32", 0.0, 1.0), one_hot
    if isinstance(space, spaces.MultiBinary):
        return Leaf(space.shape, "int8", 0, 1), lambda x, out: out.append(x)
    if isinstance(space, spaces.Box):
        dtype = "float32" if space.dtype.kind == "f" else space.dtype.name
        bounded = np.isfinite(space.low.astype(dtype)).all() and np.isfinite(space.high.astype(dtype)).all()
        bounds = (space.low.astype(dtype), space.high.astype(dtype)) if bounded and space.shape else (None, None)
        return Leaf(space.shape, dtype, *map(_one_if_alike, bounds)), lambda x, out: out.append(x)
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return _seen_parts(space, notes)
    raise InputError(f"the observation space {brief(space)}: {type(space).__name__} cannot be seen here")


def _seen_parts(space: spaces.Dict | spaces.Tuple, notes: list[str]) -> tuple[object, Callable]:
    is_dict = isinstance(space, spaces.Dict)
    parts = {key: space[key] for key in sorted(space.spaces)} if is_dict else dict(enumerate(space.spaces))
    left_out = [key for key, part in parts.items() if part.dtype is not None and np.dtype(part.dtype).kind == "U"]
    notes += [f"{key!r} of its observations is text, which is left out" for key in left_out]
    seen = {key: _seen(part, notes) for key, part in parts.items() if key not in left_out}
    writers = [(key, write) for key, (_, write) in seen.items()]

    def write_all(x, out):
        for key, write in writers:
            write(x[key], out)

    nests = {key: nest for key, (nest, _) in seen.items()}
    return (nests if is_dict else tuple(nests.values())), write_all


def _done(space: gymnasium.Space) -> tuple[object, Callable]:
    """The nest of what is done in a space, and what makes the space's action of the next leaves."""
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return Leaf((), "int32", start, start + int(space.n) - 1), lambda actions: int(next(actions))
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
        counts = space.nvec if isinstance(space, spaces.MultiDiscrete) else np.full(space.shape, 2)
        start = getattr(space, "start", 0)
        if (count := int(np.prod(counts, dtype=float))) > _MOST_ACTIONS:
            raise InputError(f"the action space {brief(space)} has {count} actions: {_MOST_ACTIONS} can be numbered")
        shape, dtype, sizes = space.shape, space.dtype, counts.ravel()
        return Leaf((), "int32", 0, count - 1), lambda actions: (
            np.reshape(np.unravel_index(int(next(actions)), sizes), shape) + start
        ).astype(dtype)
    if isinstance(space, spaces.Box):
        if not space.is_bounded():
            raise InputError(f"the action space {brief(space)} has no bounds: nobody can act at random in it")
        dtype = "float32" if space.dtype.kind == "f" else "int32"
        low, high = space.low.astype(dtype), space.high.astype(dtype)
        leaf = Leaf(space.shape, dtype, _one_if_alike(low), _one_if_alike(high))
        return leaf, lambda actions: np.asarray(np.clip(np.asarray(next(actions), space.dtype), space.low, space.high))
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        is_dict = isinstance(space, spaces.Dict)
        parts = {key: space[key] for key in sorted(space.spaces)} if is_dict else dict(enumerate(space.spaces))
        done = {key: _done(part) for key, part in parts.items()}
        nests = {key: nest for key, (nest, _) in done.items()}
        readers = [(key, read) for key, (_, read) in done.items()]
        if is_dict:
            return nests, lambda actions: {key: read(actions) for key, read in readers}
        return tuple(nests.values()), lambda actions: tuple(read(actions) for _, read in readers)
    raise InputError(f"the action space {brief(space)}: {type(space).__name__} cannot be acted in here")


def _one_if_alike(bound: np.ndarray | None):
    """A bound as one number, where it is the same everywhere."""
    if bound is None or not bound.size or (bound != bound.flat[0]).any():
        return bound
    return bound.flat[0]
