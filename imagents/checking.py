"""Does an environment keep to the contract of `imagents.seats`? Random episodes tell, and name what does not hold."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tf_agents.environments import tf_environment
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.errors import InputError
from imagents.seats import (
    PASS,
    acts_at_once,
    close,
    is_asked,
    lived,
    num_actions,
    num_seats,
    own_action_spec,
    own_legal_moves,
    shows,
    turns,
)

_EPISODES = 2  # that are played in each copy
_FIRST, _LAST = int(ts.StepType.FIRST), int(ts.StepType.LAST)
_SEED = 1  # another one than that of the environment that is looked at first


def check_environment(
    environment: tf_environment.TFEnvironment | Callable[[int, int], tf_environment.TFEnvironment],
    max_steps: int = 2_000,
) -> list[str]:
    """Plays random episodes and says what does not keep to the contract of `imagents.seats`.

    Args:
      environment: the environment, which is reset and left somewhere in an episode; or a function (batch_size, seed)
        that makes it, so that it can be made twice and its seed be tried.
      max_steps: steps to play at most; a warning says if no episode ended within them.

    Returns:
      A sentence for each kind of fault, naming where it was first seen; none if the environment is sound.

    Raises:
      InputError: if it is no `TFEnvironment`.
    """
    makes = not isinstance(environment, tf_environment.TFEnvironment) and callable(environment)
    checked = environment(2, 0) if makes else environment
    if not isinstance(checked, tf_environment.TFEnvironment):
        raise InputError(
            f"the environment is a {type(checked).__name__}: a TFEnvironment is needed; a PyEnvironment becomes one by "
            "tf_agents.environments.tf_py_environment.TFPyEnvironment"
        )
    inspection = _Inspection(checked)
    if inspection.specs_fit():
        inspection.play(max_steps)
        inspection.compare_seeds(environment if makes else None)
    if makes:
        close(checked)
    return list(inspection.faults.values())


def misfits(environment: tf_environment.TFEnvironment, time_step: ts.TimeStep) -> Iterator[tuple[str, str]]:
    """How a time step, whose numbers need not be known, differs from its spec: (kind, sentence) for each difference."""
    spec, copies = environment.time_step_spec(), environment.batch_size or 1
    try:
        tf.nest.assert_same_structure(time_step, spec)
    except (TypeError, ValueError):
        yield "structure", f"a time step has another structure than its spec: {time_step!r}"[:200]
        return
    for x, leaf in zip(tf.nest.flatten(time_step), tf.nest.flatten(spec), strict=True):
        if not _fits(x, leaf, copies):
            found, needed = f"{x.dtype.name} {tuple(x.shape)}", f"{leaf.dtype.name} {(copies, *leaf.shape)}"
            yield "spec", f"{leaf.name or 'a tensor'} of a time step is {found}: {needed} is needed"


def _fits(x: tf.Tensor, spec: tf.TensorSpec, copies: int) -> bool:
    return x.shape.is_compatible_with((copies, *spec.shape)) and x.dtype == spec.dtype


class _Inspection:
    """What is known of an environment, and the faults found so far, one per kind."""

    def __init__(self, environment: tf_environment.TFEnvironment):
        self.environment, self.faults = environment, {}
        self.seats, self.copies = num_seats(environment), environment.batch_size or 1
        self._limit, self._random = 0, np.random.default_rng(0)
        self._kept = []  # (what was shown, a copy of it then)
        self._has_acted = np.zeros([self.copies, self.seats], bool)  # in its present life
        self._steps = np.zeros(self.copies, int)  # of the present episode

    def _fault(self, kind: str, sentence: str) -> None:
        self.faults.setdefault(kind, sentence)

    # Specs

    def specs_fit(self) -> bool:
        """Whether the specs are those of so many seats."""
        environment, seats = self.environment, self.seats
        spec, action_spec = environment.time_step_spec(), environment.action_spec()
        reward = tuple(spec.reward.shape)
        if hasattr(environment, "num_seats") and reward != (seats,):
            self._fault("reward", f"a copy's reward has shape {reward}: ({seats},) is needed, an entry per seat")
        if acts_at_once(environment) and len(action_spec) != seats:
            self._fault("actions", f"the action spec has {len(action_spec)} entries: one per seat is needed, {seats}")
        observation = spec.observation
        for key, shape in (("seat", ()), ("acts", (seats,)), ("step_types", (seats,)), ("discounts", (seats,))):
            if shows(observation, key) and tuple(observation[key].shape) != shape:
                found = tuple(observation[key].shape)
                self._fault(key, f"{key} has shape {found} in one copy: {shape} is needed")
        if shows(observation, "step_types") != shows(observation, "discounts"):
            self._fault("lives", "step_types and discounts come together: one of them is missing")
        for key in ("views", "legal_moves"):
            parts = observation[key] if shows(observation, key) else ()
            if isinstance(parts, (tuple, list)) and parts and len(parts) != seats:
                self._fault(key, f"{key} has {len(parts)} entries: one per seat is needed, {seats}")
        if self.faults:
            return False
        for seat in range(seats):
            self._mask_fits(seat, own_legal_moves(observation, seat), own_action_spec(action_spec, seat))
        return not self.faults

    def _mask_fits(self, seat: int, mask, spec) -> None:
        if not tf.nest.flatten(mask):
            return
        if not (isinstance(spec, tensor_spec.BoundedTensorSpec) and spec.dtype.is_integer and spec.shape.rank == 0):
            self._fault("mask", f"seat {seat} has legal_moves, and actions {spec}: one bounded integer is needed")
            return
        count = num_actions(spec)
        if tuple(mask.shape) != (count,) or mask.dtype != tf.bool:
            self._fault(
                "mask", f"legal_moves of seat {seat} is {mask.dtype.name} {tuple(mask.shape)} in one copy: "
                f"bool ({count},) is needed, true where legal"
            )  # fmt: skip

    # Play

    def play(self, max_steps: int) -> None:
        """Random episodes, a few in each copy."""
        ended, last = np.zeros(self.copies, int), self.environment.reset()
        self._limit = _known_limit(self.environment)  # what a bridge wraps is there once it was reset
        if not self._look(last):
            return
        if (last.step_type.numpy() != _FIRST).any():
            self._fault("reset", "reset returned a time step that is not FIRST")
        for _ in range(max_steps):
            for seats in turns(self.environment):
                if not self._step(seats):
                    return
                ended += self.environment.current_time_step().step_type.numpy() == _LAST
            if (ended >= _EPISODES).all():
                break
        if not ended.any():
            warnings.warn(
                f"no episode ended within {max_steps} rounds of random play: does the environment ever say LAST? If its"
                " episodes are longer than that, give max_steps",
                stacklevel=3,
            )
        for shown, then in self._kept:
            if not np.array_equal(np.asarray(shown), then, equal_nan=then.dtype.kind == "f"):
                self._fault("alias", "an observation changed after it was returned: it has to be a copy of the state")

    def _step(self, seats: tuple[int, ...]) -> bool:
        """One step before which these seats act. Returns whether play can go on."""
        before = self.environment.current_time_step()
        over = before.step_type.numpy() == _LAST
        asked = {seat: is_asked(before, seat).numpy() for seat in range(self.seats)}
        in_turn = not acts_at_once(self.environment)
        if in_turn and not (over | np.any(list(asked.values()), axis=0)).all():
            self._fault("nobody", "nobody is asked in a running copy: where seats act in turn it would wait for ever")
            return False
        actions = tuple(self._action(before, seat, asked[seat], in_turn) for seat in seats)
        after = self.environment.step(actions[0] if in_turn else actions)
        if not self._look(after):
            return False
        moved = over | asked[seats[0]] | (not in_turn)
        self._steps = np.where(over, 0, self._steps + moved)
        if (over & (after.step_type.numpy() == _LAST)).any():
            self._fault("no reset", "LAST follows LAST: the step after a copy's LAST has to begin its next episode "
                        "(a PyEnvironment with handle_auto_reset=True does)")  # fmt: skip
            return False
        if (over & (after.step_type.numpy() != _FIRST)).any():
            self._fault("begin", "the step after a LAST returned no FIRST")
        if (~over & moved & (after.step_type.numpy() == _FIRST)).any():
            self._fault("first", "FIRST follows a step that was not LAST")
        self._check_held(before, after, ~moved)
        for seat in range(self.seats):
            acted = asked[seat] if seat in seats else np.zeros(self.copies, bool)
            self._check_life(before, after, seat, acted, moved)
        self._check_end(after)
        return True

    def _action(self, time_step: ts.TimeStep, seat: int, asked: np.ndarray, in_turn: bool):
        """Random legal actions of a seat; `PASS` where it has to."""
        spec = own_action_spec(self.environment.action_spec(), seat)
        mask = own_legal_moves(time_step.observation, seat)
        if tf.nest.flatten(mask):
            legal = np.asarray(mask)
            if (asked & ~legal.any(axis=1)).any():
                self._fault("no move", f"seat {seat} is asked and has no legal move")
            draws = self._random.random(legal.shape) * legal
            action = tf.constant(draws.argmax(axis=1) + spec.minimum, spec.dtype)
        else:
            # Not TensorFlow's: what that draws depends on how often it has drawn before.
            random = np.random.RandomState(self._random.integers(2**31))
            drawn = array_spec.sample_spec_nest(tensor_spec.to_nest_array_spec(spec), random, [self.copies])
            action = tf.nest.map_structure(tf.constant, drawn)
        is_told = shows(time_step.observation, "seat") or shows(time_step.observation, "acts")
        return tf.where(asked, action, tf.cast(PASS, spec.dtype)) if in_turn and is_told else action

    # What is looked at in every time step

    def _look(self, time_step: ts.TimeStep) -> bool:
        """Whether a time step is as the specs say; keeps it, to see whether it stays."""
        spec, sound = self.environment.time_step_spec(), True
        for kind, sentence in misfits(self.environment, time_step):
            self._fault(kind, sentence)
            if kind == "structure":
                return False
            sound = False
        for x, leaf in zip(tf.nest.flatten(time_step), tf.nest.flatten(spec), strict=True):
            if isinstance(leaf, tensor_spec.BoundedTensorSpec) and _fits(x, leaf, self.copies) and not (
                (np.asarray(x) >= leaf.minimum).all() and (np.asarray(x) <= leaf.maximum).all()
            ):
                self._fault("bounds", f"{leaf.name or 'a tensor'} of a time step left its bounds, "
                            f"{np.min(leaf.minimum)} to {np.max(leaf.maximum)}")  # fmt: skip
        if not all(np.isfinite(x).all() for x in (time_step.reward.numpy(), time_step.discount.numpy())):
            self._fault("finite", "a reward or a discount is infinite or NaN")
        if len(self._kept) < 10_000:
            shown = [*tf.nest.flatten(time_step.observation), *_inner_observations(self.environment)]
            self._kept += [(x, np.array(x)) for x in shown]
        return sound

    def _check_held(self, before: ts.TimeStep, after: ts.TimeStep, held: np.ndarray) -> None:
        same = [
            np.array_equal(np.asarray(x)[held], np.asarray(y)[held])
            for x, y in zip(tf.nest.flatten(before.observation), tf.nest.flatten(after.observation), strict=True)
        ]
        same.append(np.array_equal(before.step_type.numpy()[held], after.step_type.numpy()[held]))
        if not all(same) or after.reward.numpy()[held].any() or (after.discount.numpy()[held] != 1).any():
            self._fault("held", f"a copy went on although its action was PASS ({PASS}): it has to answer with the same "
                        "time step, reward 0 and discount 1")  # fmt: skip

    def _check_life(self, before, after, seat: int, acted: np.ndarray, moved: np.ndarray) -> None:
        was, now = (lived(x, seat).step_type.numpy() for x in (before, after))
        observation, over = after.observation, after.step_type.numpy() == _LAST
        began = (now == _FIRST) & (was != _FIRST)
        self._has_acted[:, seat] = np.where(began, False, self._has_acted[:, seat] | acted)
        if shows(observation, "step_types"):
            dead = (was == _LAST) & (now == _LAST) & moved
            reward = after.reward.numpy()
            paid = reward[:, seat] if reward.ndim == 2 else reward
            if (paid[dead] != 0).any():
                self._fault("paid", f"seat {seat} was paid after its LAST and before its next FIRST")
            acts = observation["acts"].numpy()[:, seat] if shows(observation, "acts") else False
            if (acts & (now == _LAST) & ~over).any():
                self._fault("asked", f"seat {seat} was asked after its LAST and before its next FIRST")
            if (self._has_acted[:, seat] & (now == _FIRST)).any():
                self._fault("acted", f"seat {seat} has acted, and its step type is FIRST still")
            if ((was == _LAST) & (now == int(ts.StepType.MID)) & moved).any():
                self._fault("risen", f"seat {seat} goes on after its LAST without a FIRST")
            if (self._has_acted[:, seat] & over & (now != _LAST)).any():
                self._fault("alive", f"the episode is at its LAST, and the life of seat {seat}, who has acted, is not")

    def _check_end(self, after: ts.TimeStep) -> None:
        last, discount = after.step_type.numpy() == _LAST, after.discount.numpy()
        if ((discount < 0) | (discount > 1)).any():
            self._fault("discount", f"a discount is {discount.min()} to {discount.max()}: 0 to 1 is needed")
        if self._limit and (last & (discount == 0) & (self._steps == self._limit)).any():
            self._fault("limit", f"the limit of {self._limit} steps is reported as an end, with discount 0: "
                        "a cut-off keeps discount 1")  # fmt: skip
        for seat in range(self.seats):
            own, mask = lived(after, seat), own_legal_moves(after.observation, seat)
            cut = (own.step_type.numpy() == _LAST) & (own.discount.numpy() > 0) & self._has_acted[:, seat]
            if tf.nest.flatten(mask) and (cut & ~np.asarray(mask).any(axis=1)).any():
                self._fault("cut", f"seat {seat} was cut off, with discount 1, where no move is legal: what "
                            "comes after cannot be worth anything")  # fmt: skip

    # Seeds

    def compare_seeds(self, make: Callable | None) -> None:
        """The same seed and the same actions have to give the same episodes."""
        runs = []
        for _ in range(2):
            again = make(2, _SEED) if make else self.environment
            if not make and not _seed(again):
                return
            runs.append(self._trace(again))
            if make:
                close(again)
        if not all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in zip(*runs, strict=True)):
            self._fault("seed", "the same seed and the same actions gave other episodes: something is drawn elsewhere")

    @staticmethod
    def _trace(environment: tf_environment.TFEnvironment) -> list[np.ndarray]:
        other = _Inspection(environment)
        found = [np.asarray(x) for x in tf.nest.flatten(environment.reset())]
        for _ in range(20):
            for seats in turns(environment):
                if not other._step(seats):
                    return found
                found += [np.asarray(x) for x in tf.nest.flatten(environment.current_time_step())]
        return found


def _known_limit(environment) -> int:
    """The tightest limit on an episode's steps that a wrapper of TF-Agents or of Gym sets; 0 if none does."""
    limits = []
    for one in _inner_environments(environment):
        found = [getattr(one, name, None) for name in ("_duration", "_max_episode_steps")]
        limits += [int(limit) for limit in found if isinstance(limit, (int, np.integer)) and limit > 0]
    return min(limits, default=0)


def _seed(environment) -> bool:
    """Seeds whatever can be seeded; says whether anything can."""
    seeded = False
    for one in _inner_environments(environment):
        try:
            one.seed(_SEED)
            seeded = True
        except (AttributeError, NotImplementedError, TypeError):
            pass
    return seeded


def _inner_environments(environment):
    """What an environment wraps, from the outside in."""
    seen = []
    waiting = [environment]
    while waiting:
        one = waiting.pop(0)
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        attributes = vars(one) if hasattr(one, "__dict__") else {}
        waiting += [attributes.get(name) for name in ("_env", "env", "_gym_env", "_wrapped_env")]
        waiting += list(attributes.get("_envs", ()))
    return seen


def _inner_observations(environment) -> list[np.ndarray]:
    """What PyEnvironments inside have returned last, as they hold it."""
    steps = [getattr(one, "_current_time_step", None) for one in _inner_environments(environment)[1:]]
    leaves = [leaf for step in steps if isinstance(step, ts.TimeStep) for leaf in tf.nest.flatten(step.observation)]
    return [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]
