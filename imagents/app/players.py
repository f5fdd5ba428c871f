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
from imagents.app.session import Record
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.connect_four import solver
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.games import GAMES, get_game
from imagents.environments.boards.verdicts import find_solver_process, is_connect_four
from imagents.export.model import AgentModel
from imagents.export.reading import ExportedAgent, exported_game, trained_agent
from imagents.players.base import Player
from imagents.players.frozen import learned_game, split_agent
from imagents.players.names import make_player
from imagents.runs.snapshots import load_agents

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


def make_mind(name: str, game: BoardGame, seat: int, seed: int = 0) -> Mind:
    """The mind of any player by the name that `make_player` knows, for one table.

    Raises:
      ValueError: as `make_player` does.
    """
    if name == TRAINED:
        return agent_mind(trained_agent(game, seat), "", game, seat)
    if name == "random":
        return RandomMind()
    if name == "heuristic":
        return HeuristicMind()
    if name == "perfect":
        return PerfectMind(find_solver(game))
    if found := split_agent(name):
        with contextlib.suppress(ValueError):  # it may play all the same; only what it thinks cannot be asked
            return agent_mind(*found, game, seat)
    return PlayerMind(make_player(name, game, seat, seed), game)


def agent_mind(path: str | os.PathLike, agent: str, game: BoardGame, seat: int) -> ModelMind:
    """The mind of an agent.

    Args:
      path: a run folder, one of its checkpoints or snapshots, or an export.
      agent: the agent's name; "" for the one that learned to play `seat`, if there is one, else for the first.
      game: the game to play.
      seat: the seat to play.

    Raises:
      ValueError: if there is no such agent, it learned another game, or what it computes cannot be exported.
    """
    learned = learned_game(path).name
    if learned != game.name:
        raise ValueError(f"{path} is a run of {learned}, and this is a game of {game.name}")
    if exported_game(path):
        chosen = ExportedAgent(path)
        initial = {name: part["initial"] for name, part in chosen.metadata["state"].items()}
        dtypes = {name: part["dtype"] for name, part in chosen.metadata["state"].items()}
        state = {name: tf.constant(value, dtypes[name]).numpy() for name, value in initial.items()}
        return ModelMind(_on_tensors(chosen.model), chosen.seat, state)
    agents = {candidate.name: candidate for candidate in load_agents(path)}
    name = agent or next((n for n, candidate in agents.items() if candidate.seat == seat), next(iter(agents)))
    if name not in agents:
        raise ValueError(f"{path} has no agent {agent!r}: its agents are {', '.join(agents)}")
    model = AgentModel(agents[name], game)
    mind = ModelMind(_on_tensors(lambda inputs: model.signatures["serving_default"](**inputs)), model.seat, model.state)
    mind.keep = agents[name]  # the model's functions hold its variables weakly
    return mind


def find_solver(game: BoardGame):
    """The connect-four solver if it is of use for this game and installed, else None."""
    if not is_connect_four(game):
        return None
    try:
        solver.check_installed()
    except ValueError:
        return None
    return solver.scores


def watch(game: BoardGame, players: Sequence[str], first: int = 0, seed: int | None = None) -> Record:
    """One whole game between two players.

    Args:
      game: the rules.
      players: the name of each seat's player, as `make_player` knows them; "trained" for the agent that ships with
        the package.
      first: the seat that begins.
      seed: of the players; None for another game every time.

    Raises:
      ValueError: as `make_player` does.
    """
    if seed is not None:
        random.seed(seed)
    minds = [make_mind(n, game, s, random.getrandbits(30) if seed is None else seed) for s, n in enumerate(players)]
    record = Record(game, first)
    while not record.is_over:
        record = record.play(minds[record.seat].think(record).action)
    return record


class LocalCast(Cast):
    """Everybody who can be met on a machine with imagents: shipped agents, runs, heuristics, search, perfect play.

    Args:
      runs: the folder below which runs are looked for; None for none.
    """

    def __init__(self, runs: pathlib.Path | None = None):
        self._runs, self._lock = runs, threading.Lock()
        self._seen, self._stale_at = ([], {}), 0.0
        self._shipped = functools.cache(lambda game, seat: agent_mind(trained_agent(game, seat), "", game, seat))
        self._searching = functools.cache(lambda game, name, seat: PlayerMind(make_player(name, game, seat), game))
        self._loaded = functools.lru_cache(_KEPT_RUNS)(lambda newest, *arguments: agent_mind(*arguments))
        learned = {name: get_game(name) for name in map(_game_of, self.runs()) if name}
        super().__init__(GAMES | learned, find_solver_process())

    def agents(self, game: BoardGame) -> list[str]:
        return [TRAINED] * (game.name in GAMES) + self._look()[1].get(game.name, [])

    def opponents(self, game: BoardGame) -> dict[str, str]:
        agents = {name: name.replace("run/", "Run ") for name in self.agents(game)}
        if TRAINED in agents:
            agents[TRAINED] = "Trained agent"
        return agents | super().opponents(game) | (_MINIMAX if game.num_actions < 10 else {})

    def mind(self, game: BoardGame, name: str, seat: int) -> Mind:
        if name not in self.opponents(game):
            raise ValueError(f"nobody here is called {name!r}")
        if name in _MINIMAX:
            return self._searching(game, name, seat)
        if name not in self.agents(game):
            return super().mind(game, name, seat)
        with self._lock:  # so that none is loaded twice at once
            if name == TRAINED:
                return self._shipped(game, seat)
            path = self._runs / name.removeprefix("run/")
            return self._loaded(_newest(path), path, "", game, seat)

    def runs(self) -> list[pathlib.Path]:
        """The runs in the folder, newest first."""
        return self._look()[0]

    def _look(self) -> tuple[list[pathlib.Path], dict[str, list[str]]]:
        """The runs in the folder, newest first, and the names of those that can play, by game; seconds old at most."""
        if self._runs is not None and time.monotonic() > self._stale_at:
            found = [path.parent for path in self._runs.glob("[!.]*/config.json")]
            found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            playing: dict[str, list[str]] = {}
            for path in filter(_newest, found):
                playing.setdefault(_game_of(path), []).append(f"run/{path.name}")
            self._seen, self._stale_at = (found, playing), time.monotonic() + _FRESH
        return self._seen


def _newest(run: pathlib.Path) -> str:
    checkpoints = sorted((run / "checkpoints").glob("[0-9]*"))
    return checkpoints[-1].name if checkpoints else ""


@functools.lru_cache(1000)
def _game_of(run: pathlib.Path) -> str:
    try:
        return learned_game(run).name
    except ValueError:
        return ""


def _on_tensors(model):
    return lambda inputs: model({name: tf.constant(value) for name, value in inputs.items()})

