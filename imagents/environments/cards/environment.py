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
from tf_agents.environments import tf_environment
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.environments.cards.rules import Poker
from imagents.errors import InputError
from imagents.process import check_memory, check_tensorflow
from imagents.randomness import make_generator, uniform
from imagents.seats import PASS, assign, values_of, variables_for
from imagents.xla import bits

_GAME_BYTES = 100  # of memory that a step takes for each game, at the least


class State(NamedTuple):
    """Everything but the random numbers, per game.

    deal: int32 `[B]`, everybody's cards, a row of `Poker.deals`; node: int32 `[B]`, the bets, one of `Poker.nodes`.
    """

    deal: tf.Tensor
    node: tf.Tensor


class PokerEnvironment(tf_environment.TFEnvironment, tf.Module):
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
        if batch_size < 1:
            raise InputError(f"batch_size = {batch_size}: an environment needs at least 1 game")
        check_tensorflow()
        check_memory(f"{batch_size} games of poker", batch_size * _GAME_BYTES)
        self.rules, self._tables = rules, _Tables(rules)
        view = tf.TensorSpec([self._tables.view_size], tf.bool)
        observation = {
            "seat": tensor_spec.BoundedTensorSpec([], tf.int32, 0, 1),
            "legal_moves": tf.TensorSpec([rules.width], tf.bool),
            "views": (view, view),
        }
        tf.Module.__init__(self, name="environment")
        tf_environment.TFEnvironment.__init__(
            self,
            ts.time_step_spec(observation, tf.TensorSpec([2], tf.float32, "reward")),
            tensor_spec.BoundedTensorSpec([], tf.int32, 0, rules.width - 1, name="action"),
            batch_size,
        )
        self._generator = make_generator(seed, "environment")
        self._state = variables_for(self._first_state())

    def get_state(self) -> State:
        """The state of all games, to be kept and set again later."""
        return values_of(self._state)

    def set_state(self, state: State) -> None:
        """Puts back what `get_state` gave."""
        assign(self._state, state)

    def time_step_at(self, state: State) -> ts.TimeStep:
        """What is shown in given positions, of any number of games."""
        tables, (deal, node) = self._tables, state
        public = tf.gather(tables.public, deal) * tf.gather(tables.shown, node) + tf.gather(tables.bets, node)
        own = tf.gather(tables.own, deal)  # [B, 2]
        won = tf.gather(tables.won, node * len(self.rules.deals) + deal)
        return ts.TimeStep(
            step_type=tf.gather(tables.step_type, node),
            reward=tf.stack([won, -won], axis=1),
            discount=tf.gather(tables.discount, node),
            observation={
                "seat": tf.gather(tables.seat, node),
                "legal_moves": bits(tf.gather(tables.legal, node), self.rules.width),
                "views": tuple(bits(own[:, seat] + public, tables.view_size) for seat in range(2)),
            },
        )

    def render(self) -> str:
        """All games as text, a line each: the cards by number, and the actions by name, round by round."""
        lines = []
        for deal, node in zip(*(x.numpy() for x in self.get_state()), strict=True):
            cards, bets = self.rules.deals[deal], self.rules.nodes[node]
            public = f" public {cards[2]}" if self.rules.shown[node] else ""
            said = " | ".join(" ".join(self.rules.actions[action] for action in each) for each in bets.history)
            lines.append(f"seat 0: {cards[0]}  seat 1: {cards[1]} {public} {said}".rstrip())
        return "\n".join(lines)

    def _first_state(self) -> State:
        """New games for all B."""
        drawn = tf.cast(uniform(self._generator, [self.batch_size]) * len(self.rules.deals), tf.int32)
        return State(drawn, tf.zeros([self.batch_size], tf.int32))

    def _reset(self) -> ts.TimeStep:
        self.set_state(self._first_state())
        return self.current_time_step()

    def _step(self, action) -> ts.TimeStep:
        action = tf.cast(tf.convert_to_tensor(action), tf.int32)
        if action.shape != [self.batch_size]:
            raise InputError(
                f"actions have shape {tuple(action.shape)}: one for each of the {self.batch_size} games is needed, "
                f"shape ({self.batch_size},)"
            )
        before, first = self.get_state(), self._first_state()
        over = tf.gather(self._tables.step_type, before.node) == ts.StepType.LAST
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
    """The rules as arrays to gather from; sets of booleans as the bits of integers.

    By node: step_type, discount, seat, legal, bets, shown (0 or 1); child, flat, by node and action. By deal: own
    `[deals, 2]` and public, cards. won: float32, flat, what seat 0 wins, by node and deal. view_size: bits of a view.
    """

    def __init__(self, rules: Poker):
        nodes, ends = rules.nodes, rules.seat < 0
        self.step_type = np.where(ends, ts.StepType.LAST, ts.StepType.MID).astype(np.int32)
        self.step_type[0] = ts.StepType.FIRST
        self.discount = np.where(ends, 0, 1).astype(np.float32)
        self.child, self.won = rules.child.ravel(), rules.pays.astype(np.float32).ravel()
        before = {int(child): bets.seat for bets, row in zip(nodes, rules.child) for child in row}
        self.seat = np.array([1 - before[n] if end else rules.seat[n] for n, end in enumerate(ends)], np.int32)
        self.legal = _words(np.where(ends[:, np.newaxis], rules.legal[0], rules.legal))

        rounds, cards = len(rules.raises), np.arange(rules.ranks * rules.suits)
        card = cards[:, np.newaxis] // rules.suits == np.arange(rules.ranks)
        suit = cards[:, np.newaxis] % rules.suits == np.arange(1, rules.suits)  # none of them is the first suit
        card = np.concatenate([card, suit], axis=1)
        size = card.shape[1]
        self.own = _words(card)[rules.deals[:, :2]]
        self.public = _words(card)[rules.deals[:, -1]] << size
        self.shown = rules.shown.astype(np.int32)
        missing = [(0,) * (rounds - len(bets.history)) for bets in nodes]
        checked = np.array([bets.checked + none for bets, none in zip(nodes, missing)], bool)
        raised = np.array([bets.raised + none for bets, none in zip(nodes, missing)])[..., np.newaxis]
        raised = raised > np.arange(rules.most_raises)  # [n, rounds, most raises]
        said = np.concatenate([checked[..., np.newaxis], raised], axis=2).reshape(len(nodes), -1)
        self.bets = _words(said) << size * rounds
        self.view_size = size * rounds + said.shape[1]


def _words(values: np.ndarray) -> np.ndarray:
    """Booleans `[..., n]` as the bits of int32 `[...]`, the first one the lowest."""
    return (values << np.arange(values.shape[-1])).sum(axis=-1).astype(np.int32)
