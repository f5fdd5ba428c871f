"""Games of OpenSpiel as worlds; no TensorFlow.

A player sees its information state tensor, or the observation tensor of a game that has no other, and is paid what its
return has grown by. Chance is drawn here, by the seed of the episode: a step leads from one decision to the next.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyspiel

from imagents.bridges.worlds import Description, Leaf, Moment
from imagents.errors import InputError, brief

_KINDS = pyspiel.GameType.Dynamics


def load_game(name: str) -> pyspiel.Game:
    """A game by its name, with arguments in brackets, as OpenSpiel has it.

    Raises:
      InputError: if there is no such game, or it cannot be played here.
    """
    own = name.partition("(")[0]
    if own not in pyspiel.registered_names():
        raise InputError(f"OpenSpiel has no game {brief(own)}")
    try:
        game = pyspiel.load_game(name)
    except (pyspiel.SpielError, IndexError) as error:  # the latter where arguments are missing
        raise InputError(f"OpenSpiel says of {name}: {str(error).splitlines()[-1]}") from None
    kind = game.get_type()
    if kind.dynamics == _KINDS.MEAN_FIELD:
        raise InputError(f"{name} is a mean-field game: its players are no agents, but a distribution of them")
    if not (kind.provides_information_state_tensor or kind.provides_observation_tensor):
        raise InputError(f"{name} has neither an information state tensor nor an observation tensor to see")
    return game


def viewer(game: pyspiel.Game) -> tuple[Callable[[pyspiel.State, int], np.ndarray], tuple[int, ...]]:
    """What makes a player's view of a state, float32, and the shape that the game gives it."""
    if game.get_type().provides_information_state_tensor:
        shape = tuple(game.information_state_tensor_shape())
        return lambda state, player: np.reshape(np.float32(state.information_state_tensor(player)), shape), shape
    shape = tuple(game.observation_tensor_shape())
    return lambda state, player: np.reshape(np.float32(state.observation_tensor(player)), shape), shape


def describe(game: pyspiel.Game) -> Description:
    """What a game says of itself."""
    kind, players, actions = game.get_type(), game.num_players(), game.num_distinct_actions()
    _, shape = viewer(game)
    form = "at once" if kind.dynamics == _KINDS.SIMULTANEOUS else "alone" if players == 1 else "in turn"
    draws = kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC
    return Description(
        views=(Leaf(shape, "float32"),) * players,
        actions=(Leaf((), "int32", 0, actions - 1),) * players,
        legal=(actions,) * players,
        form=form,
        asks=form != "alone",
        notes=("it draws by itself, so that no seed makes the same games again",) if draws else (),
    )


class OpenSpielWorld:
    """One game.

    Args:
      name: the game's.
    """

    def __init__(self, name: str):
        self._game = load_game(name)
        self._view, _ = viewer(self._game)
        self._players = range(self._game.num_players())
        self.state = None

    def describe(self) -> Description:
        """What it says of itself."""
        return describe(self._game)

    def begin(self, seed: int) -> Moment:
        """A new game."""
        self._random, self._returns = np.random.default_rng(seed), np.zeros(len(self._players))
        self.state = self._game.new_initial_state()
        return self._moment()

    def step(self, actions: Sequence[int]) -> Moment:
        """One decision, of whoever is asked."""
        state = self.state
        if state.is_simultaneous_node():
            legal = [state.legal_actions(player) for player in self._players]
            done = [action if own else 0 for action, own in zip(actions, legal)]  # who has none says nothing
            for player, own in enumerate(legal):
                self._check(done[player], own or [0])
            state.apply_actions(done)
        else:
            action = actions[state.current_player() if len(actions) > 1 else 0]
            self._check(action, state.legal_actions())
            state.apply_action(action)
        return self._moment()

    def render(self) -> str:
        """The game as text, as OpenSpiel has it."""
        return str(self.state)

    def frame(self):
        """Raises an InputError: there are no pictures."""
        raise InputError("games of OpenSpiel have no pictures, but a text: watch shows it")

    def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _check(action: int, legal: Sequence[int]) -> None:
        if action not in legal:
            raise InputError(f"action {action} is illegal: legal are {', '.join(map(str, legal))}")

    def _moment(self) -> Moment:
        state = self.state
        while state.is_chance_node():
            outcomes, chances = zip(*state.chance_outcomes())
            state.apply_action(int(self._random.choice(outcomes, p=np.divide(chances, sum(chances)))))
        before, self._returns = self._returns, np.array(state.returns())
        is_last, together = state.is_terminal(), state.is_simultaneous_node()
        legal = [np.array(state.legal_actions_mask(player), bool) for player in self._players]
        asked = [not is_last and (together or state.current_player() == player) for player in self._players]
        return Moment(
            views=[[self._view(state, player)] for player in self._players],
            rewards=self._returns - before,
            is_last=is_last,
            discount=0.0 if is_last else 1.0,
            legal=legal,
            acts=[asks and bool(own.any()) for asks, own in zip(asked, legal)],
        )
