"""Who can be met on a page: opponents by name, and the minds behind them.

A page shows a cast's labels and sends its names, and nothing but these names comes back in. `Cast` knows the minds that
need no model; the agents come from LiteRT models in a folder (`ModelCast`, on a Space) or from imagents itself
(`imagents.app.local.LocalCast`).
"""

import functools
import pathlib
import threading
from collections.abc import Callable, Iterable

import numpy as np

from imagents.app.minds import HeuristicMind, Mind, ModelMind, PerfectMind, RandomMind
from imagents.config import environment_settings
from imagents.environments.boards.grid import Grid
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
    """

    def __init__(self, environments: Iterable):
        environments = list(environments)
        self.games: dict[str, Grid] = {environment.name: environment.grid for environment in environments}
        self.titles = {environment.name: environment.title for environment in environments}
        self.scorers = {environment.name: environment.scorer(apart=True) for environment in environments}

    def opponents(self, game: Grid) -> dict[str, str]:
        """What people read, by name."""
        names = {"heuristic": "Heuristic: sees one move ahead", "random": "Random"}
        if self.scorers.get(game.name):
            names["perfect"] = "Perfect: never errs"
        return names

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
        agents = {name: "Trained agent" if name == TRAINED else name for name in self.agents(game)}
        return agents | super().opponents(game)

    @functools.cache  # noqa: B019  one cast lives as long as its page
    def mind(self, game: Grid, name: str, seat: int) -> Mind:
        folders = self._folders.get(game.name, {}).get(name)
        if not folders:
            return super().mind(game, name, seat)
        agents = {_metadata(path)["seat"]: path for path in folders}
        learned = seat if seat in agents else next(iter(agents))
        return read_lite(agents[learned])


def read_lite(folder: pathlib.Path) -> ModelMind:
    """A LiteRT model of an agent, read without TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    metadata = _metadata(folder)
    runner = Interpreter(str(folder / "model.tflite")).get_signature_runner()
    state = {n: np.array(s["initial"], s["dtype"]) for n, s in metadata["state"].items()}
    return ModelMind(_one_at_a_time(runner), metadata["seat"], state)


def _metadata(folder: pathlib.Path) -> dict:
    return read_json(folder / "imagents.json")


def _one_at_a_time(runner: Callable) -> Callable[[dict], dict]:
    lock = threading.Lock()

    def call(inputs: dict) -> dict:
        with lock:
            return runner(**inputs)

    return call
