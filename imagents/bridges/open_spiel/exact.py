"""What OpenSpiel knows exactly of how agents play: the NashConv of a game that is small enough."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyspiel
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from imagents.bridges.open_spiel.world import viewer

MOST_HISTORIES = 100_000  # of a game that is measured


class Information(NamedTuple):
    """Those in which a player decides: their names, what it sees there, `[I, ...]`, and what is legal, `[I, A]`."""

    names: list[str]
    views: np.ndarray
    legal: np.ndarray


def information(game: pyspiel.Game) -> list[Information] | None:
    """Every information state, by player; None of a game that is too large, or of which OpenSpiel cannot know it.

    Where players act at once, they are those of OpenSpiel's own form of it in turn, in which nobody sees what another
    one has just done; what is seen there is what the game itself shows.
    """
    kind = game.get_type()
    explicit = kind.chance_mode != pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC
    if not (explicit and kind.provides_information_state_string and game.num_players() > 1):
        return None
    view, _ = viewer(game)
    found = [{} for _ in range(game.num_players())]
    waiting, histories = [(in_turn(game).new_initial_state(), game.new_initial_state(), {})], 0
    while waiting:
        (asks, shown, done), histories = waiting.pop(), histories + 1
        if histories > MOST_HISTORIES:
            return None
        if asks.is_terminal():
            continue
        player = asks.current_player()
        if not asks.is_chance_node() and (name := asks.information_state_string(player)) not in found[player]:
            found[player][name] = view(shown, player), np.array(shown.legal_actions_mask(player), bool)
        waiting += [(asks.child(action), *_after(shown, done | {player: action})) for action in asks.legal_actions()]
    return [Information(list(own), *map(np.stack, zip(*own.values()))) for own in found]


def in_turn(game: pyspiel.Game) -> pyspiel.Game:
    """The game as OpenSpiel can measure it: one in which players act at once as one in which they act in turn."""
    at_once = game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS
    return pyspiel.convert_to_turn_based(game) if at_once else game


def _after(state: pyspiel.State, done: dict[int, int]) -> tuple[pyspiel.State, dict[int, int]]:
    """The state once these actions, by player, are done, and those that wait for others to be done, too."""
    if not state.is_simultaneous_node():
        return state.child(*done.values()), {}
    players = range(state.num_players())
    if any(player not in done and state.legal_actions(player) for player in players):
        return state, done
    after = state.clone()
    after.apply_actions([done.get(player, 0) for player in players])  # who has none says nothing
    return after, {}


def is_opposed(game: pyspiel.Game) -> bool:
    """Whether two play, of whom one gets what the other one does not."""
    sums = pyspiel.GameType.Utility.ZERO_SUM, pyspiel.GameType.Utility.CONSTANT_SUM
    return game.num_players() == 2 and game.get_type().utility in sums


def asked(spec: ts.TimeStep, seat: int, views: np.ndarray, legal: np.ndarray) -> ts.TimeStep:
    """Time steps of that spec in which a seat is asked.

    Args:
      spec: of the environment's time steps.
      seat: the seat.
      views, legal: what it sees, `[N, ...]`, and what is legal, `[N, A]`.
    """
    count = len(views)
    blank = tf.nest.map_structure(lambda leaf: tf.zeros([count, *leaf.shape], leaf.dtype), spec)
    observation = dict(blank.observation)
    for key, value in (("views", views), ("legal_moves", legal)):
        observation[key] = tuple(
            tf.constant(value, part.dtype) if i == seat else part for i, part in enumerate(observation[key])
        )
    if "acts" in observation:
        observation["acts"] = tf.tile(tf.one_hot([seat], len(observation["views"]), True, False), [count, 1])
    step_type = tf.fill([count], ts.StepType.MID)
    return ts.TimeStep(step_type, blank.reward, tf.ones_like(blank.discount), observation)


def nash_conv(game: pyspiel.Game, policy: dict[str, dict[int, float]]) -> float:
    """By how much the players would gain if each played its best response, all added up: OpenSpiel's figure.

    Args:
      game: the game.
      policy: the share of every legal action in each information state, by its name.
    """
    return pyspiel.nash_conv(in_turn(game), {name: list(shares.items()) for name, shares in policy.items()})


class Exact:
    """How players play in every information state, and what OpenSpiel makes of it.

    Args:
      game: the game.
      known: its information states.
      spec: of the environment's time steps.
      players: one per seat, which can say what they play.
    """

    def __init__(self, game: pyspiel.Game, known: list[Information], spec: ts.TimeStep, players: Sequence):
        self._game, self._known, self._players = game, known, players
        self._asked = [asked(spec, seat, own.views, own.legal) for seat, own in enumerate(known)]

    def policy(self, plays: Callable) -> dict[str, dict[int, float]]:
        """The joint policy, as `nash_conv` takes it, of players that play `plays(player, time_step)`."""
        found = {}
        for player, own, time_step in zip(self._players, self._known, self._asked, strict=True):
            for name, legal, shares in zip(own.names, own.legal, np.asarray(plays(player, time_step), float)):
                actions = np.flatnonzero(legal)  # and float32 is not exact
                found[name] = dict(zip(actions.tolist(), (shares[actions] / shares[actions].sum()).tolist()))
        return found

    def measures(self, plays: Callable, case: str) -> dict[str, Any]:
        """The NashConv of such a policy, and the exploitability where two are opposed."""
        value = nash_conv(self._game, self.policy(plays))
        halves = {f"exploitability_{case}": value / 2} if is_opposed(self._game) else {}
        return halves | {f"nash_conv_{case}": value}
