"""All players of imagents as minds: agents with their Q values, and whoever `make_player` knows."""

import contextlib
import functools
import os
import pathlib
import random
import threading
import time
from collections.abc import Sequence

import tensorflow as tf

from imagents.app.cast import TRAINED, Cast
from imagents.app.minds import HeuristicMind, Mind, ModelMind, PerfectMind, RandomMind, Thought
from imagents.config import ENVIRONMENTS, environment_settings, split_agent
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import Record
from imagents.environments.boards.settings import board_settings
from imagents.errors import InputError
from imagents.export.model import AgentModel
from imagents.export.reading import ExportedAgent
from imagents.opening import Opened, learned_in, open_path, open_shipped, shipped
from imagents.players.base import Player
from imagents.players.names import make_player
from imagents.runs.run import checkpoints

_MINIMAX = {"minimax:2": "Looks two moves ahead", "minimax:4": "Looks four moves ahead"}
_KEPT_RUNS = 8  # whose agents stay in memory
_FRESH = 2.0  # seconds after which the folder of runs is looked at again


class PlayerMind(Mind):
    """A player of `imagents.players`, for one table: it may remember the game that it plays."""

    def __init__(self, player: Player, game: BoardGame):
        self._player, self._game = player, game

    def think(self, record: Record) -> Thought:
        time_step = time_step_at(self._game, record.board[tf.newaxis], record.seat)
        return Thought(int(self._player.act(time_step)[0]))


def make_mind(name: str, environment, seat: int, seed: int = 0, policy: str | None = None) -> Mind:
    """The mind of any player by the name that `make_player` knows, for one table.

    Args:
      name, environment, seat, seed, policy: as for `make_player`.

    Raises:
      InputError: as `make_player` does.
    """
    environment = board_settings(environment)
    if name == TRAINED:
        return agent_mind(open_shipped(environment, seat), "", environment, seat, environment.policy(policy))
    if name == "random":
        return RandomMind()
    if name == "heuristic":
        return HeuristicMind()
    if name == "perfect" and (scorer := environment.scorer()):
        return PerfectMind(scorer)
    if found := split_agent(name):
        with contextlib.suppress(InputError):  # it may play all the same; only what it thinks cannot be asked
            return agent_mind(*found, environment, seat, environment.policy(policy))
    return PlayerMind(make_player(name, environment, seat, seed, policy=policy), environment.game)


def agent_mind(
    opened: Opened | str | os.PathLike, agent: str, environment, seat: int, policy: str = "greedy"
) -> ModelMind:
    """The mind of an agent.

    Args:
      opened: what was opened, or the path of a run folder, one of its checkpoints or snapshots, or an export.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      environment: the settings of the game to play.
      seat: the seat to play.
      policy: "greedy" or "sampled".

    Raises:
      InputError: if there is no such agent, it learned another game, or what it computes cannot be exported.
    """
    opened = opened if isinstance(opened, Opened) else open_path(opened)
    chosen = opened.agent_for(environment, seat, agent)
    chosen.follow(policy)
    if isinstance(chosen, ExportedAgent):
        model, state = chosen.model, chosen.state
    else:
        exported = AgentModel(chosen, environment)
        model, state = (lambda inputs: exported.signatures["serving_default"](**inputs)), exported.state
    return ModelMind(_on_tensors(model), chosen.seat, state, policy)


def watch(environment, players: Sequence[str], first: int = 0, seed: int | None = None) -> Record:
    """One whole game between two players.

    Args:
      environment: the game's name, its settings, or its rules.
      players: the name of each seat's player, as `make_player` knows them; "trained" for the agent that ships with
        the package.
      first: the seat that begins.
      seed: of the players; None for another game every time.

    Raises:
      InputError: as `make_player` does.
    """
    environment = board_settings(environment)
    if seed is not None:
        random.seed(seed)
    seeds = [random.getrandbits(30) if seed is None else seed for _ in players]
    minds = [make_mind(name, environment, seat, seeds[seat]) for seat, name in enumerate(players)]
    record = Record(environment.grid, first)
    while not record.is_over:
        record = record.play(minds[record.seat].think(record).action)
    return record


class LocalCast(Cast):
    """Everybody who can be met on a machine with imagents: shipped agents, runs, heuristics, search, perfect play.

    Args:
      runs: the folder below which runs are looked for; None for none.
    """

    def __init__(self, runs: pathlib.Path | None = None):
        self._runs, self._lock = runs and runs.resolve(), threading.Lock()
        self._seen, self._stale_at = ([], {}), 0.0
        self._shipped = functools.cache(lambda name, seat: make_mind(TRAINED, name, seat))
        self._searching = functools.cache(lambda game, name, seat: make_mind(name, game, seat))
        self._loaded = functools.lru_cache(_KEPT_RUNS)(
            lambda newest, path, game, seat: agent_mind(path, "", environment_settings(game), seat)
        )
        learned = [name for name in map(_learned, self.runs()) if name]
        known = sorted(shipped(), key=list(ENVIRONMENTS).index)  # a visitor begins with the first
        super().__init__(map(environment_settings, dict.fromkeys([*known, *learned])))

    def agents(self, game: Grid) -> list[str]:
        return [TRAINED] * (game.name in shipped()) + self._look()[1].get(game.name, [])

    def opponents(self, game: Grid) -> dict[str, str]:
        agents = {name: name.replace("run/", "Run ") for name in self.agents(game)}
        if TRAINED in agents:
            agents[TRAINED] = "Trained agent"
        return agents | super().opponents(game) | (_MINIMAX if game.num_actions < 10 else {})

    def mind(self, game: Grid, name: str, seat: int) -> Mind:
        if name not in self.opponents(game):
            raise InputError(f"nobody here is called {name!r}")
        if name in _MINIMAX:
            return self._searching(game.name, name, seat)
        if name not in self.agents(game):
            return super().mind(game, name, seat)
        with self._lock:  # so that none is loaded twice at once
            if name == TRAINED:
                return self._shipped(game.name, seat)
            path = self._runs / name.removeprefix("run/")
            try:
                return self._loaded(_newest(path), path, game.name, seat)
            except InputError as error:  # where the runs lie concerns nobody
                raise InputError(str(error).replace(f"{self._runs}{os.sep}", "")) from None

    def runs(self) -> list[pathlib.Path]:
        """The runs in the folder, newest first."""
        return self._look()[0]

    def _look(self) -> tuple[list[pathlib.Path], dict[str, list[str]]]:
        """The runs in the folder, newest first, and the names of those that can play, by game; seconds old at most."""
        if self._runs is not None and time.monotonic() > self._stale_at:
            found = [path.parent for path in self._runs.glob("[!.]*/config.json")]
            ages = {path: _age(path) for path in found if path.resolve() == path}  # a link may lead anywhere
            found = sorted(filter(ages.get, ages), key=ages.get, reverse=True)
            playing: dict[str, list[str]] = {}
            for path in filter(_newest, found):
                playing.setdefault(_learned(path), []).append(f"run/{path.name}")
            self._seen, self._stale_at = (found, playing), time.monotonic() + _FRESH
        return self._seen


def _newest(run: pathlib.Path) -> str:
    found = checkpoints(run)
    return found[-1].name if found else ""


def _age(run: pathlib.Path) -> float:
    """When a run was last changed; 0 if it is gone by now."""
    try:
        return run.stat().st_mtime
    except OSError:
        return 0.0


@functools.lru_cache(1000)
def _learned(run: pathlib.Path) -> str:
    """The board that a run's agents learned; "" if they learned none, or the run is damaged."""
    try:
        return board_settings(learned_in(run)).name
    except InputError:
        return ""


def _on_tensors(model):
    return lambda inputs: model({name: tf.constant(value) for name, value in inputs.items()})

