"""Cross-play: the agents of each run of a study with the partners that those of its other seeds learned with.

Agents that learn side by side agree on conventions that nobody else knows: they do well with their twins, those of
their own run, and badly with those of another one (Hu et al. 2020, https://arxiv.org/abs/2003.02979).

    crossplay.csv   a row for the agent of each seat and each pair of seeds of a setting: what the agent of the one got
                    where the other seats were the other one's
"""

import contextlib
import dataclasses
import itertools
import pathlib
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from imagents.config import TrainConfig, agent_name
from imagents.errors import InputError
from imagents.files import read_json, replacing
from imagents.studies import statistics
from imagents.studies.study import Found, Study
from imagents.studies.summary import ALL, Ended

FILE = "crossplay.csv"
MEASURES = {"points": "share of the points", "mean_return": "mean return"}
_KEY = ["setting", "agent", "seed", "partner", "round", "partner_round"]  # `round`: how far the run was trained
_COLUMNS = [*_KEY, "games", "policy", "measure", "value"]
_SEED = 0  # of openings, and of what is drawn
_SAVED_EVERY = 10.0  # seconds

Entry = tuple[int, int, int]  # a seat, whose agent it is, and whose agents sit at the other seats: places of runs
Seating = tuple[int, ...]  # whose agent sits at each seat


@dataclasses.dataclass(frozen=True, eq=False)
class CrossPlay:
    """What the agents of a setting get with each other's partners.

    Attributes:
      setting, measure, games, policy: which; of what; how often each pair met; how agents played.
      seeds: of the runs, n of them.
      values: by agent, float64 `[n, n]`: what the agent of a row's seed gets with the partners of a column's. The first
        of them is `all`, the mean over agents, unless what one gains the other loses.
      failed: how many runs have no agents, as they diverged.
    """

    setting: str
    measure: str
    games: int
    policy: str
    seeds: tuple[int, ...]
    values: dict[str, np.ndarray]
    failed: int


def reason_against(config: TrainConfig) -> str | None:
    """Why agents of such a training have no partners to exchange; None if they have."""
    learners, seats = len(config.agent_names), config.environment.num_seats
    if seats < 2:
        return f"{config.environment.name} has one seat, and cross-play is for agents with partners"
    return None if learners == seats else f"{learners} of {seats} players learn, and cross-play exchanges them all"


def check_games(study: Study, games: int) -> None:
    """Raises an InputError if no setting of a study has agents to exchange, or they cannot play so many games."""
    reasons = [reason_against(config) for config in study.configs.values()]
    if all(reasons):
        raise InputError(f"no cross-play: {reasons[0]}")
    if games < 2 or games % 2:
        raise InputError(f"games = {games}: an even number is needed, of which each side begins half on boards")


def play_missing(
    folder: pathlib.Path,
    study: Study,
    runs: Ended,
    games: int = 1000,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Plays what crossplay.csv does not know yet of the runs as they are; what was played before stays.

    A pair gets exactly what a tournament of these two alone gives with seed 0: on boards one of the agents themselves,
    of as many games; elsewhere one of the two runs, with as many games from either seat.

    Args:
      folder: the study's.
      study: the study.
      runs: those of it that have come to their end.
      games: of each pair; on boards an even number, of which each side begins half.
      progress: called with the numbers of pairs played and of all that are missing, after each.

    Raises:
      InputError: as `check_games` does, or if the agents of a run cannot be read.
    """
    from imagents.evaluation.partners import Exchange

    check_games(study, games)
    known, todo = _read(folder), []
    for setting, group in _groups(runs).items():
        keys = _keys(setting, group, study.configs[setting].environment.num_seats)
        there = set(known.loc[known["games"] == games, _KEY].itertuples(index=False, name=None))
        missing = sorted((entry for entry in keys if keys[entry] not in there), key=_seating(study.configs[setting]))
        todo += [(setting, keys, missing)] if missing and reason_against(study.configs[setting]) is None else []
    total = sum(len(set(map(_seating(study.configs[setting]), missing))) for setting, _, missing in todo)
    writer, done = _Writer(folder, known), 0
    try:
        for setting, keys, missing in todo:
            config, paths = study.configs[setting], [run.path for _, run in _groups(runs)[setting]]
            with contextlib.closing(Exchange(config, paths, games, _SEED)) as exchange:
                for seating, entries in itertools.groupby(missing, _seating(config)):
                    got, done = exchange.play(seating), done + 1
                    about = games, exchange.policy, exchange.measure
                    writer.add((*keys[entry], *about, got[entry[0]]) for entry in entries)
                    progress(done, total)
    finally:
        writer.write()


def read_cross_play(folder: pathlib.Path, runs: Ended) -> list[CrossPlay]:
    """What was played of the runs as they are, setting by setting; of those alone of which every pair was played."""
    known, found = _read(folder), []
    for setting, group in _groups(runs).items():
        # Not as the environment says: functions of somebody's own are not imported to read a table.
        seats = known.loc[known["setting"] == setting, "agent"].nunique()
        keys = _keys(setting, group, seats)
        rows = known.set_index(_KEY).reindex(list(keys.values()))
        if not seats or len(group) < 2 or rows["value"].isna().any() or rows["games"].nunique() > 1:
            continue
        values = {agent_name(seat): np.empty([len(group)] * 2) for seat in range(seats)}
        for (seat, own, other), value in zip(keys, rows["value"]):
            values[agent_name(seat)][own, other] = value
        if not _is_constant_sum(list(values.values()), rows["measure"].iloc[0]):
            values = {ALL: np.mean(list(values.values()), axis=0)} | values
        failed = sum(name == setting and run.failed is not None for name, _, run in runs)
        about, seeds = rows.iloc[0], tuple(seed for seed, _ in group)
        found.append(CrossPlay(setting, about["measure"], int(about["games"]), about["policy"], seeds, values, failed))
    return found


def gaps(played: CrossPlay) -> list[tuple[str, float, float, float, statistics.Interval | None]]:
    """For each agent: its name, what it gets with its twins and with others, by how much that is more, and a 95 %
    interval of it."""
    found = []
    for agent, table in played.values.items():
        twins, gap = float(np.diag(table).mean()), statistics.cross_play_gap(table)
        found.append((agent, twins, twins - gap, gap, statistics.cross_play_interval(table)))
    return found


def _is_constant_sum(values: list[np.ndarray], measure: str) -> bool:
    """Whether of two agents one gains what the other loses, so that there is nothing to say of both together."""
    if measure == "points" or len(values) > 2:
        return measure == "points"
    first, second = values
    return bool(np.ptp(first) > 0) and bool(np.ptp(first + second.T) < 1e-9 * np.abs(first).max())


def _groups(runs: Ended) -> dict[str, list[tuple[int, Found]]]:
    """The runs that have agents, by setting, each with its seed."""
    groups: dict[str, list[tuple[int, Found]]] = {}
    for setting, seed, run in runs:
        if run.failed is None:
            groups.setdefault(setting, []).append((seed, run))
    return groups


def _keys(setting: str, group: list[tuple[int, Found]], seats: int) -> dict[Entry, tuple]:
    """What crossplay.csv has in the columns of `_KEY` for each entry."""
    about = [(seed, int(read_json(run.path / "evaluation.json")["round"])) for seed, run in group]
    places = range(len(group))
    return {
        (seat, own, other): (setting, agent_name(seat), about[own][0], about[other][0], about[own][1], about[other][1])
        for seat, own, other in itertools.product(range(seats), places, places)
    }


def _seating(config: TrainConfig) -> Callable[[Entry], Seating]:
    """Who sits where, for an entry."""
    seats = range(config.environment.num_seats)
    return lambda entry: tuple(entry[1] if seat == entry[0] else entry[2] for seat in seats)


def _read(folder: pathlib.Path) -> pd.DataFrame:
    path = folder / FILE
    if not path.exists():
        return pd.DataFrame(columns=_COLUMNS)
    try:
        texts = dict.fromkeys(("setting", "agent", "policy", "measure", "value"), str)  # a float to the last bit
        table = pd.read_csv(path, dtype=texts, keep_default_na=False)
        return table[_COLUMNS].astype({"value": float}).drop_duplicates(_KEY, keep="last")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is damaged, {error}: remove it, and --cross-play plays again") from None


class _Writer:
    """Adds rows to crossplay.csv every few seconds, the whole file anew: rows of runs as they were go."""

    def __init__(self, folder: pathlib.Path, known: pd.DataFrame):
        self._path, self._known, self._rows, self._at = folder / FILE, known, [], time.monotonic()

    def add(self, rows: Iterator[tuple]) -> None:
        self._rows += rows
        if time.monotonic() - self._at > _SAVED_EVERY:
            self.write()

    def write(self) -> None:
        if self._rows:
            known = [self._known] if len(self._known) else []
            table = pd.concat([*known, pd.DataFrame(self._rows, columns=_COLUMNS)], ignore_index=True)
            table = table.drop_duplicates(["setting", "agent", "seed", "partner"], keep="last")
            with replacing(self._path) as writing:
                table.to_csv(writing, index=False)
        self._at = time.monotonic()
