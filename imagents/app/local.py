"""All players of imagents as minds: agents with their Q values, and whoever `make_player` knows."""

import contextlib
import functools
import os
import pathlib
import random
import threading
from collections.abc import Sequence

import tensorflow as tf

from imagents.app import about
from imagents.app.cast import TRAINED, Cast
from imagents.app.folder import Folder, about_run, learned_board, newest
from imagents.app.minds import HeuristicMind, Mind, ModelMind, PerfectMind, RandomMind, Thought
from imagents.config import ENVIRONMENTS, environment_settings, split_agent
from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import time_step_at
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.record import Record
from imagents.environments.boards.settings import board_settings
from imagents.errors import InputError
from imagents.export.model import AgentModel
from imagents.export.reading import METADATA, ExportedAgent
from imagents.files import read_json
from imagents.opening import SHIPPED, Opened, open_path, open_shipped, shipped
from imagents.players.base import Player
from imagents.players.names import make_player

_MINIMAX = {"minimax:2": "Looks two moves ahead", "minimax:4": "Looks four moves ahead"}
_KEPT_AGENTS = 32  # in memory, of runs


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
        model, state, training = chosen.model, chosen.state, chosen.metadata.get("training", {})
    else:
        exported = AgentModel(chosen, environment)
        model, state = (lambda inputs: exported.signatures["serving_default"](**inputs)), exported.state
        training = opened.config.to_dict()
    return ModelMind(_on_tensors(model), chosen.seat, state, policy, about.scale(training))


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
        self._folder, self._lock = Folder(runs), threading.Lock()
        self._shipped = functools.cache(lambda name, seat: make_mind(TRAINED, name, seat))
        self._searching = functools.cache(lambda game, name, seat: make_mind(name, game, seat))
        self._loaded = functools.lru_cache(_KEPT_AGENTS)(
            lambda changed, path, game, seat: agent_mind(path, "", environment_settings(game), seat)
        )
        learned = [name for name in map(learned_board, self.runs()) if name]
        known = sorted(shipped(), key=list(ENVIRONMENTS).index)  # a visitor begins with the first
        super().__init__(map(environment_settings, dict.fromkeys([*known, *learned])))

    def agents(self, game: Grid) -> list[str]:
        return [TRAINED] * (game.name in shipped()) + list(self._folder.players(game.name))

    def opponents(self, game: Grid) -> dict[str, str]:
        agents = {TRAINED: "Built-in agent"} if game.name in shipped() else {}
        agents |= self._folder.players(game.name)
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
            run, path = self._folder.find(name)
            try:
                return self._loaded(newest(run) if path == run else "", path, game.name, seat)
            except InputError as error:  # where the runs lie concerns nobody
                raise InputError(str(error).replace(f"{run.parent}{os.sep}", "")) from None

    def about(self, game: Grid, name: str, seat: int) -> str:
        if name == TRAINED:
            metadata = read_json(SHIPPED / game.name / f"player_{seat + 1}" / "1" / METADATA)
            return about.who(metadata["training"], metadata.get("evaluation"))
        if name not in self.agents(game):
            return ""
        run, path = self._folder.find(name)
        return about_run(run, seat, path)

    def called(self, game: Grid, name: str) -> str:
        return self._folder.called(name) if name in self._folder.players(game.name) else super().called(game, name)

    def runs(self) -> list[pathlib.Path]:
        """The runs in the folder, newest first."""
        return self._folder.runs()


def _on_tensors(model):
    return lambda inputs: model({name: tf.constant(value) for name, value in inputs.items()})

