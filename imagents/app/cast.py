"""Who can be met on a page: opponents by name, and the minds behind them.

A page shows a cast's labels and sends its names, and nothing but these names comes back in. `Cast` knows the minds that
need no model; the agents come from LiteRT models in a folder (`ModelCast`, on a Space) or from imagents itself
(`imagents.app.local.LocalCast`).
"""

import contextlib
import functools
import pathlib
import threading
from collections.abc import Callable, Iterable

import numpy as np

from imagents.app import about
from imagents.app.minds import HeuristicMind, Mind, ModelMind, PerfectMind, RandomMind
from imagents.config import environment_settings
from imagents.environments.boards.grid import Grid
from imagents.environments.boards.settings import DESCRIBED, board_settings
from imagents.errors import InputError
from imagents.files import read_json

TRAINED = "trained"  # the agents that ship with imagents


class Cast:
    """Opponents that need no model.

    Args:
      environments: the settings of the games that can be played.

    Attributes:
      games: their rules, by name; titles: what people call them.
      scorers: by name, what tells the exact worth of moves; None where nobody can.
      extras: by name, the extra of imagents without which nobody can; "" where none helps.
    """

    def __init__(self, environments: Iterable):
        environments = list(environments)
        self.games: dict[str, Grid] = {environment.name: environment.grid for environment in environments}
        self.titles = {environment.name: environment.title for environment in environments}
        self.scorers = {environment.name: environment.scorer(apart=True) for environment in environments}
        self.extras = {environment.name: environment.scorer_extra for environment in environments}

    def game(self, name) -> Grid | None:
        """The rules of a board that can be played here: one of `games`, or any that its numbers describe."""
        return (self.games.get(name) or _described(name)) if isinstance(name, str) else None

    def opponents(self, game: Grid) -> dict[str, str]:
        """What people read, by name."""
        names = {"heuristic": "Heuristic: sees one move ahead", "random": "Random"}
        if self.scorers.get(game.name):
            names["perfect"] = "Perfect: never errs"
        return names

    def called(self, game: Grid, name: str) -> str:
        """What a sentence calls an opponent."""
        return self.opponents(game).get(name, name)

    def mind(self, game: Grid, name: str, seat: int) -> Mind:
        """The mind of an opponent, who keeps nothing from one call to the next.

        Raises:
          InputError: if it cannot be made; one sentence.
        """
        del seat  # which matters to agents
        if name not in self.opponents(game):
            raise InputError(f"nobody here is called {name!r}")
        scorer = self.scorers.get(game.name)
        return {"heuristic": HeuristicMind(), "random": RandomMind(), "perfect": PerfectMind(scorer)}[name]

    def agents(self, game: Grid) -> list[str]:
        """The opponents that are agents, who have Q values."""
        del game
        return []

    def about(self, game: Grid, name: str, seat: int) -> str:
        """Who an agent is and how strong, in a sentence or two; "" of others."""
        del game, name, seat
        return ""


class ModelCast(Cast):
    """The others, and the agents of a folder.

    Args:
      folder: what `imagents web --space` wrote: GAME/NAME/AGENT/tflite/ with model.tflite and imagents.json.
    """

    def __init__(self, folder: pathlib.Path):
        self._folders: dict[str, dict[str, list[pathlib.Path]]] = {}
        for path in sorted(folder.glob("*/*/*/tflite/imagents.json")):
            game, name = path.parts[-5], path.parts[-4]
            self._folders.setdefault(game, {}).setdefault(name, []).append(path.parent)
        environments = map(environment_settings, self._folders)
        super().__init__(sorted(environments, key=lambda environment: environment.grid.num_cells))

    def agents(self, game: Grid) -> list[str]:
        return sorted(self._folders.get(game.name, {}), key=lambda name: (name != TRAINED, name))

    def opponents(self, game: Grid) -> dict[str, str]:
        agents = {name: "Built-in agent" if name == TRAINED else name for name in self.agents(game)}
        return agents | super().opponents(game)

    def mind(self, game: Grid, name: str, seat: int) -> Mind:
        folder = self._folder(game.name, name, seat)
        return super().mind(game, name, seat) if folder is None else _read_once(folder)

    def about(self, game: Grid, name: str, seat: int) -> str:
        folder = self._folder(game.name, name, seat)
        if folder is None:
            return ""
        metadata = _metadata(folder)
        return about.who(metadata.get("training", {}), metadata.get("evaluation"))

    @functools.cache  # noqa: B019  one cast lives as long as its page
    def _folder(self, game: str, name: str, seat: int) -> pathlib.Path | None:
        """Of the agent of that name that learned to play the seat, if there is one, else of the first."""
        agents = {_metadata(path)["seat"]: path for path in self._folders.get(game, {}).get(name, ())}
        return agents.get(seat, next(iter(agents.values()), None))


def read_lite(folder: pathlib.Path) -> ModelMind:
    """A LiteRT model of an agent, read without TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    metadata = _metadata(folder)
    runner = Interpreter(str(folder / "model.tflite")).get_signature_runner()
    state = {n: np.array(s["initial"], s["dtype"]) for n, s in metadata["state"].items()}
    scale = about.scale(metadata.get("training", {}))
    return ModelMind(_one_at_a_time(runner), metadata["seat"], state, scale=scale)


_read_once = functools.cache(read_lite)


@functools.lru_cache(256)
def _described(name: str) -> Grid | None:
    with contextlib.suppress(InputError):  # no such board can be
        return board_settings(name).grid if DESCRIBED.fullmatch(name) else None
    return None


def _metadata(folder: pathlib.Path) -> dict:
    return read_json(folder / "imagents.json")


def _one_at_a_time(runner: Callable) -> Callable[[dict], dict]:
    lock = threading.Lock()

    def call(inputs: dict) -> dict:
        with lock:
            return runner(**inputs)

    return call
