"""B games of poker side by side as one TF-Agents environment, in which two seats act in turn.

Its observation is a dictionary, and its reward is per seat, float32 `[B, 2]`, 0 until the game ends:

    seat           int32 `[B]`: who is asked; at an end whoever did not act last
    legal_moves    bool `[B, A]`: what that one may do; at an end what is legal at the start
    views          a tuple, what each seat sees: bool `[B, K]`, its own card, the public card, and the bets

A card is one-hot by its rank, with one boolean more for its suit where there are two, False for the first of them; all
False before it is shown. The bets are, for each round, whether seat 0 began with a check, and whether there was a first
raise, and a second one. To whoever is asked that tells every history of bets from every other.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.drawing import Picture
from imagents.environments.cards.drawing import description, picture, text
from imagents.environments.cards.rules import Poker
from imagents.environments.native import Native, as_actions, check_room
from imagents.errors import InputError
from imagents.randomness import make_generator, uniform
from imagents.seats import PASS, variables_for
from imagents.xla import bits

_GAME_BYTES = 100  # of memory that a step takes for each game, at the least


class State(NamedTuple):
    """Everything but the random numbers, per game.

    deal: int32 `[B]`, everybody's cards, a row of `Poker.deals`; node: int32 `[B]`, the bets, one of `Poker.nodes`.
    """

    deal: tf.Tensor
    node: tf.Tensor


class PokerEnvironment(Native):
    """A `TFEnvironment` that plays B games of poker at once.

    Args:
      rules: the game.
      batch_size: number of parallel games B.
      seed: of the environment's own generator, from which cards are dealt.

    Raises:
      InputError: for a batch size below 1, or for which there is no memory.
    """

    num_seats = 2

    def __init__(self, rules: Poker, batch_size: int = 1, seed: int = 0):
        check_room(batch_size, "games of poker", _GAME_BYTES, "game")
        self.rules, self._tables, self.action_names = rules, _Tables(rules), rules.actions
        view = tf.TensorSpec([self._tables.view_size], tf.bool)
        observation = {
            "seat": tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1),
            "legal_moves": tf.TensorSpec([rules.width], tf.bool),
            "views": (view, view),
        }
        super().__init__(
            ts.time_step_spec(observation, tf.TensorSpec([2], tf.float32, "reward")),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, rules.width - 1, name="action"),
            batch_size,
        )
        self._generator = make_generator(seed, "environment")
        self._state = variables_for(self._first_state())

    def time_step_at(self, state: State) -> ts.TimeStep:
        """What is shown in given positions, of any number of games."""
        deal, node = self._tables.of_deal(state.deal), self._tables.of_node(state.node)
        better = tf.where(node["folded"] == 0, deal["better"] - 1, 2 * node["folded"] - 3)
        won = tf.cast(better * node["stake"], tf.float32)
        return ts.TimeStep(
            step_type=node["step_type"],
            reward=tf.stack([won, 0.0 - won], axis=1),
            discount=tf.where(node["step_type"] == ts.StepType.LAST, 0.0, 1.0),
            observation={
                "seat": node["seat"],
                "legal_moves": bits(node["legal"], self.rules.width),
                "views": self._tables.views(node, deal),
            },
        )

    def text(self, copy: int = 0) -> str:
        """A game as a line: the cards by name, and the actions, round by round."""
        return text(self.rules, *self._position(copy))

    def describe(self, copy: int, seat: int) -> str:
        """What a seat knows of a game, in words."""
        return description(self.rules, *self._position(copy), seat)

    def picture(self, copy: int = 0) -> Picture:
        """A game as a table with all cards, also those that a seat does not see."""
        return picture(self.rules, *self._position(copy))

    def _position(self, copy: int) -> tuple[int, int]:
        return tuple(int(x[copy]) for x in self.get_state())

    def _first_state(self) -> State:
        """New games for all B."""
        drawn = tf.cast(uniform(self._generator, [self.batch_size]) * len(self.rules.deals), tf.int32)
        return State(drawn, tf.zeros([self.batch_size], tf.int32))

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = as_actions(action, self.batch_size, "one for each of the {} games")
        before, first = self.get_state(), self._first_state()
        over = self._tables.of_node(before.node)["step_type"] == ts.StepType.LAST
        if tf.executing_eagerly():
            self._check(action, before.node, over)
        entry = before.node * self.rules.width + tf.clip_by_value(action, 0, self.rules.width - 1)
        played = tf.where(action == PASS, before.node, tf.gather(self._tables.child, entry))
        self.set_state(State(tf.where(over, first.deal, before.deal), tf.where(over, first.node, played)))
        return self.current_time_step()

    def _current_time_step(self) -> ts.TimeStep:
        return self.time_step_at(self.get_state())

    def _check(self, action: tf.Tensor, node: tf.Tensor, over: tf.Tensor) -> None:
        legal = self.rules.legal[node.numpy()]  # [B, A]
        given = action.numpy()
        fits = (given[:, np.newaxis] == np.arange(self.rules.width)) & legal
        for game in np.flatnonzero(~fits.any(axis=1) & (given != PASS) & ~over.numpy())[:1]:
            known = ", ".join(f"{number} {self.rules.actions[number]}" for number in np.flatnonzero(legal[game]))
            raise InputError(f"action {given[game]} is illegal in game {game}: legal actions are {known}")


class _Tables:
    """The rules as words of 32 bits to gather: one says all of a node, another one all of a deal.

    In eleven tables, one for each of these numbers, most of a step's time went into gathering.

    Attributes:
      node, deal: int32 `[n]` and `[deals]`, the words.
      child: int32 `[n A]`, the rules' own, flat.
      view_size: number of booleans K of a view.
    """

    def __init__(self, rules: Poker):
        rounds, ends = len(rules.raises), rules.seat < 0
        step_type = np.where(ends, ts.StepType.LAST, ts.StepType.MID)
        step_type[0] = ts.StepType.FIRST
        before = {int(child): rules.seat[n] for n in np.flatnonzero(~ends) for child in rules.child[n]}
        seat = np.array([1 - before[n] if end else rules.seat[n] for n, end in enumerate(ends)])
        legal = np.where(ends[:, np.newaxis], rules.legal[0], rules.legal)
        missing = [(0,) * (rounds - len(bets.history)) for bets in rules.nodes]
        checked = np.array([bets.checked + none for bets, none in zip(rules.nodes, missing)], bool)[..., np.newaxis]
        raised = np.array([bets.raised + none for bets, none in zip(rules.nodes, missing)])[..., np.newaxis]
        said = np.concatenate([checked, raised > np.arange(rules.most_raises)], axis=2).reshape(len(ends), -1)
        self.node, self._node = _packed(
            step_type=step_type, seat=seat, legal=_number(legal), shown=rules.shown, bets=_number(said),
            stake=np.where(ends, [min(bets.paid) for bets in rules.nodes], 0),
            folded=np.array([bets.folded + 1 for bets in rules.nodes]),
        )  # fmt: skip
        cards = np.arange(rules.ranks * rules.suits)[:, np.newaxis]
        suit = cards % rules.suits == np.arange(1, rules.suits)  # none of them is the first suit
        card = np.concatenate([cards // rules.suits == np.arange(rules.ranks), suit], axis=1)
        first, second, public = _number(card)[rules.deals[:, [0, 1, -1]]].T
        self.deal, self._deal = _packed(first=first, second=second, public=public, better=rules.better + 1)
        self.child, self._public_at, self._bets_at = rules.child.ravel(), card.shape[1], card.shape[1] * rounds
        self.view_size = self._bets_at + said.shape[1]

    def of_node(self, node: tf.Tensor) -> dict[str, tf.Tensor]:
        """What there is to say of nodes, each int32 `[B]`."""
        return self._node(tf.gather(self.node, node))

    def of_deal(self, deal: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same of deals."""
        return self._deal(tf.gather(self.deal, deal))

    def views(self, node: dict, deal: dict) -> tuple[tf.Tensor, tf.Tensor]:
        """What both seats see, bool `[B, K]`."""
        common = node["bets"] * 2**self._bets_at + node["shown"] * deal["public"] * 2**self._public_at
        return tuple(bits(common + own, self.view_size) for own in (deal["first"], deal["second"]))


def _number(values: np.ndarray) -> np.ndarray:
    """Booleans `[..., n]` as the bits of integers `[...]`, the first one the lowest."""
    return (values << np.arange(values.shape[-1])).sum(axis=-1)


def _packed(**fields: np.ndarray):
    """Fields of small numbers from 0, each `[n]`, as int32 `[n]`, and what takes such words apart again."""
    words, places, at = 0, {}, 0
    for name, values in fields.items():
        width = int(values.max()).bit_length()
        words, places[name], at = words + (values.astype(np.int32) << at), (at, 2**width - 1), at + width
    shift = tf.bitwise.right_shift
    return words.astype(np.int32), lambda x: {n: shift(x, at) & most for n, (at, most) in places.items()}
