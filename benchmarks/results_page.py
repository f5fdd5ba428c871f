"""docs/results.md, of what benchmarks/results.py has measured."""

import dataclasses
import json
import math
import pathlib
import statistics as plain
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from benchmarks import best_response, many
from imagents.studies import statistics
from imagents.studies.study import Study
from imagents.studies.summary import ALL

PAGE = pathlib.Path("docs/results.md")
_ENOUGH = 5  # runs for an interval; of fewer the least and the most say more
Known = Mapping[str, tuple[Study, pd.DataFrame]]


@dataclasses.dataclass(frozen=True)
class Column:
    """One of a table: a measure of a checkpoint, the mean over a run's agents, or of one of them.

    unit: "%" of a share, "s", or "" of any other number.
    enough: counts the runs that reach so much, or, with `at_most`, so little; None shows the measure itself.
    scale: times the measure.
    digits: after the point; one if None, and of seconds none.
    """

    label: str
    measure: str
    checkpoint: str = "last"
    agent: str = ALL
    unit: str = ""
    enough: float | None = None
    at_most: bool = False
    scale: float = 1.0
    digits: int | None = None

    def cell(self, rows: pd.DataFrame) -> str:
        """What it shows of the runs of a setting."""
        chosen = (rows["measure"] == self.measure) & (rows["agent"] == self.agent)
        values = self.scale * rows[chosen & (rows["checkpoint"] == self.checkpoint)]["value"].to_numpy()
        if not len(values):
            return ""
        if self.enough is not None:
            good = values <= self.enough if self.at_most else values >= self.enough
            return f"{good.sum()} of {len(good)}"
        finite = values[[math.isfinite(value) for value in values]]
        digits = self.digits if self.digits is not None else {"%": 1, "s": 0}.get(self.unit, 1)
        found = statistics.interval(values, outcomes=False) if len(values) >= _ENOUGH else None
        middle = statistics.interquartile_mean(values) if found else plain.mean(finite)
        low, high = (found.low, found.high) if found else (min(finite), max(finite))
        factor = 100 if self.unit == "%" else 1
        middle, low, high = (f"{factor * value:.{digits}f}" for value in (middle, low, high))
        spread = "" if low == high else f" ({low} to {high})" if found else f" [{low} to {high}]"
        return f"{middle} {self.unit}".rstrip() + spread


@dataclasses.dataclass(frozen=True)
class Section:
    """A title, what is to be said, and a table of the settings of some studies."""

    title: str
    text: str
    studies: Sequence[str]
    columns: Sequence[Column]

    def lines(self, known: Known) -> Iterator[str]:
        """None, if nothing was measured yet."""
        if all(known[name][1].empty for name in self.studies):
            return
        yield f"## {self.title}"
        yield ""
        yield from self.text.splitlines()
        yield ""
        yield from (f"    imagents study benchmarks/studies/{name}.toml" for name in self.studies)
        yield ""
        tables = [known[name][1] for name in self.studies]
        columns = [column for column in self.columns if any(column.cell(table) for table in tables)]
        yield f"| | runs | {' | '.join(column.label for column in columns)} |"
        yield "|---" * (len(columns) + 2) + "|"
        for name in self.studies:
            study, table = known[name]
            for setting in study.configs:
                rows = table[table["setting"] == setting]
                if len(rows):
                    cells = " | ".join(column.cell(rows) for column in columns)
                    yield f"| {setting} | {rows['seed'].nunique()} | {cells} |"


_STEPS = Column("steps / M", "steps", scale=1e-6, digits=2)
_COST = [_STEPS, Column("training", "seconds", unit="s")]
_MEAN = Column("best", "mean_return", "best")
_LAST = Column("last", "mean_return")

_INTRODUCTION = """\
# Results

What agents reach on two cores, over seeds. Every table is a study, whose file says what was trained; `make results`
trains whatever is missing and writes this page. The figures of each run are in `benchmarks/results/`.

The unit is the run: what its agents reach is averaged first. A cell is the interquartile mean over runs, and in
brackets its 95 % interval ([studies](studies.md) says how it is found); of fewer than five runs it is the mean, and in
square brackets the least and the most; one run or two are an anecdote. Runs were trained side by side, one on each
core, often beside other work: times say little."""

_CARTPOLE = """\
The mean return of fresh greedy episodes, at least 100, of the checkpoint that a run keeps as its best, chosen on other
episodes, and of the last one."""

_LABELLED = """\
In labelled positions a *good* move keeps the game's value, a *perfect* one also wins fastest or loses slowest. `close`
has 2,500 positions at plies 8 to 20 of games that both sides play well, `critical` 2,500 of such games in which some
move loses value, as one does in each of the 1,000 `early`, `middle` and `late` ones, of games of mixed strength. What
is chosen by positions is chosen by others than `close` and `critical`. Uniformly random moves are 70.2 % good and
33.9 % perfect in `close`; `mixed`, which it replaced, was of games of mixed strength, and kinder: 75.0 % and 30.1 %.

The perfect player draws among its best moves and meets each agent from the empty board, 100 games begun by either side;
the score counts a draw as half a win. Who moves first can always win, so nobody gets a point from the perfect player
moving second."""

_LEFT_OUT = """\
Tried as well, on the way to these presets, with Double DQN and 4 to 8 million plies, two agents each, and left out
because the agents became no better: mirror images as half of each batch; epsilon ladders that run in opposite
directions for the two seats; epsilon that falls over the training; the number of stones on every line, one-hot, in
place of the cells that complete it; line features without counts by column. Tables indexed by the contents of groups of
cells (n-tuple networks) learn fast per ply, but a scatter by XLA takes 0.2 microseconds an entry on a CPU. With C51 and
15 million plies, one seed: the online network choosing the action whose distribution the target network gives (Double
C51: mixed 95.7 / 84.0, early 82.1), and counts of lines up to 3 per cell instead of 1 (95.3 / 84.5, early 82.3). In
`quick`, seed 0, layers of 1,024 and 512 make no better agents: 28 million plies in the same time (97.0 / 87.9, early
85.0).

In `close`, good moves of both agents, `quick` with 15 million plies, one seed: 89.6 and 89.1 % as it is; 89.6 and 89.5
without the decisions that an opponent answered at random; 89.1 and 89.1 with targets of three steps; 88.6 and 89.3 with
at most 8 random opening plies and epsilon up to 0.4. PPO, as above but for 11.9 million plies, one seed: 90.8 and 90.7
(critical: 87.1 and 87.0), where 4.8 million make 89.6. In `close`, 40 % of the positions are lost whatever one does; of
the rest it is those won late, with the last four stones, in which both lose most: 82 % good."""

_POKER = """\
Two independent learners. Exploitability, exactly: of the greedy policies, of softmax ones (of PPO its own
probabilities), of what the agents do as they learn, and of the average over the training. {}"""

_FORAGING = """\
The share of the food that all players take together in a greedy episode, of 1,000 fresh ones, or where they draw from
their own policies; the best checkpoint was chosen on other episodes. With sight 0 they see everything, else so many
cells to all sides."""

_DEEP_SEA = """\
bsuite's 21 sizes, 10,000 episodes each. A size is solved at the first episode at which less than nine of ten so far
were bad, the ones included in which the agent explores."""

_MOUNTAIN_CAR = """\
When an episode of up to 200 steps first ended at the flag, though the agent explored; when greedy ones first had a mean
return of -130; and the mean return of greedy ones."""

_ROOMS = """\
Mean returns of greedy episodes, and the share of them that reach the goal."""

_TELEVISION = """\
Four rooms in a row, with a wall of the first that takes other colours in each step, and without; agents that are paid
by what surprises them. Of the last fifth of a training, with its exploration: how many rooms an episode comes to, and
in what share of all steps the screen is in sight."""

_DILEMMAS = """\
In how many runs the first agent, and the second, does so more often than not at the end. A prosocial agent, the first
or both, is paid what the other one is paid, too. One alone gives in the prisoner's dilemma, and is taken from; in the
stag hunt it brings most pairs to hunt together, as
[Peysakhovich and Lerer 2018](https://arxiv.org/abs/1709.02865) found."""

_PUBLIC_GOODS = """\
In how many runs all three contribute at the end, or none. With a marginal return of 0.4 nobody does whose guilt is less
than 0.6 (Fehr and Schmidt 1999); with more, both everybody and nobody may. To contribute alone is so bad that no
learner finds that out among others that explore, but one that forgets what went badly (`--distributed True`)."""

_SPREAD = """\
The mean return of each of three agents in 1,000 fresh episodes of 25 steps. Random play has -26.4, standing still
-24.2."""

_PETTINGZOO = """\
The share of 1,000 games that an agent wins from its own seat against random play, by the last checkpoint."""

_POSITIONS = [
    Column("close: good", "close_good", unit="%"), Column("perfect", "close_perfect", unit="%"),
    Column("critical: good", "critical_good", unit="%"),
    Column("mixed: good", "mixed_good", unit="%"), Column("perfect", "mixed_perfect", unit="%"),
    Column("early: good", "early_good", unit="%"), Column("middle: good", "middle_good", unit="%"),
    Column("late: good", "late_good", unit="%"),
]  # fmt: skip
_MATCHES = [
    Column("v random: wins first", "random_first", unit="%"), Column("second", "random_second", unit="%"),
    Column("v perfect: score first", "perfect_first", unit="%"), Column("second", "perfect_second", unit="%"),
    Column("wins first", "perfect_first_wins", unit="%"),
]  # fmt: skip
_EXPLOITABILITY = [
    Column(name, f"exploitability_{name}", digits=3) for name in ("greedy", "softmax", "behaviour", "average")
]
_SOLVED = Column("reach the goal", "solved_share", "best", unit="%")
_COOPERATION = [Column(f"the {which} {word}", measure, agent=f"player_{i + 1}", enough=0.5)
                for measure, word in (("plays_cooperate", "cooperates"), ("plays_stag", "hunts stags"))
                for i, which in enumerate(("first", "second"))]  # fmt: skip
_CONTRIBUTION = [Column("all contribute", "cooperation_rate", enough=1.0),
                 Column("none does", "cooperation_rate", enough=0.0, at_most=True)]  # fmt: skip
_PAIR = ["connect_four", "connect_four_strong"]


def _returns(*enough: float) -> list[Column]:
    """Best and last mean return, and how many runs reach so much by the best."""
    counted = [Column(f"runs of {value:g} or more", "mean_return", "best", enough=value) for value in enough]
    return [*_COST, _MEAN, *counted, _LAST]


def _at_most(value: float, policy: str) -> Column:
    """How many runs are no more exploitable than that."""
    return Column(f"runs of {value:g} or less, {policy}", f"exploitability_{policy}", enough=value, at_most=True)


def _food(players: int, enough: float) -> list[Column]:
    """The food that all players take together, and how many runs take so much by the best checkpoint."""
    best, last = (Column(kind, "mean_return", kind, scale=players, digits=3) for kind in ("best", "last"))
    drawn = dataclasses.replace(last, label="last, drawn", measure="sampled_return")
    many = [dataclasses.replace(each, label=f"{each.label}: runs of {enough:g} or more", enough=enough)
            for each in (best, drawn)]  # fmt: skip
    return [*_COST, best, many[0], last, drawn, many[1]]


SECTIONS = [
    Section("Tic-tac-toe", "All 4,520 positions, and every line of play by which an agent could be beaten.",
            ["tic_tac_toe", "tic_tac_toe_perfect"],
            [*_COST, Column("optimal moves", "optimal", unit="%"),
             Column("runs with two unbeatable agents", "unbeatable", enough=1.0)]),
    Section("Connect four", _LABELLED, _PAIR, [*_COST, *_POSITIONS]),
    Section("Connect four against others", "The same runs.", _PAIR, _MATCHES),
    Section("CartPole", _CARTPOLE, ["cartpole", "cartpole_blind", "cartpole_drqn"], _returns(475)),
    Section("Pendulum", "`Pendulum-v1` of Gymnasium.", ["pendulum"], _returns(-200)),
    Section("Kuhn poker", _POKER.format("No policies that draw nothing have less than\n1/6."), ["kuhn_poker"],
            [*_COST, *_EXPLOITABILITY, _at_most(0.05, "behaviour"), _at_most(0.03, "average")]),
    Section("Leduc poker", _POKER.format("Uniform play has 2.374."), ["leduc_poker"],
            [*_COST, *_EXPLOITABILITY, _at_most(1.0, "average")]),
    Section("Foraging, 8x8-2p-2f-coop", _FORAGING, ["foraging"], _food(2, 0.98)),
    Section("Foraging, 10x10-3p-3f", "The same, for three.", ["foraging_large"], _food(3, 0.5)),
    Section("Deep sea", _DEEP_SEA, ["deep_sea"],
            [*_COST, Column("solved", "is_solved", agent="player_1", enough=1.0),
             Column("at episode", "solved_episode", agent="player_1", digits=0)]),
    Section("Rooms with a bonus", _ROOMS, ["rooms"],
            [*_COST, dataclasses.replace(_MEAN, digits=3), _SOLVED,
             dataclasses.replace(_SOLVED, label="runs of 90 % or more", enough=0.9)]),
    Section("A noisy television", _TELEVISION, ["rooms_noise"],
            [*_COST, Column("rooms visited", "rooms_visited", agent="player_1", digits=2),
             Column("steps with the screen in sight", "screen_in_sight", agent="player_1", unit="%")]),
    Section("MiniGrid with a bonus", "Mean returns through the bridge.", ["minigrid_multi_room", "minigrid_door_key"],
            [*_COST, _MEAN, _LAST]),
    Section("Mountain car with a bonus", _MOUNTAIN_CAR, ["mountain_car"],
            [*_COST, Column("first flag, steps / k", "flag_at", scale=1e-3, digits=0),
             Column("runs that come to a greedy -130", "is_good", enough=1.0),
             Column("these at steps / k", "good_at", scale=1e-3, digits=0), _MEAN, _LAST]),
    Section("RWARE with a bonus", "Mean return of each of two agents in an episode of 500 steps, tiny-2ag.", ["rware"],
            [*_COST, _MEAN, _LAST]),
    Section("Regard for others in social dilemmas", _DILEMMAS, ["stag_hunt"], _COOPERATION),
    Section("Aversion to inequity in public goods", _PUBLIC_GOODS, ["public_goods"], _CONTRIBUTION),
    Section("Simple spread", _SPREAD, ["simple_spread_300k", "simple_spread_600k"], [*_COST, _MEAN, _LAST]),
    Section("Connect four of PettingZoo", _PETTINGZOO, ["connect_four_v3"],
            [*_COST, *(Column(f"moving {turn}", "won", agent=f"player_{i + 1}", unit="%")
                       for i, turn in enumerate(("first", "second")))]),
]  # fmt: skip


def page(known: Known) -> str:
    """docs/results.md, of what is known of each study."""
    shares = json.loads(many.FIGURES.read_text()) if many.FIGURES.exists() else {}
    responses = json.loads(best_response.FIGURES.read_text()) if best_response.FIGURES.exists() else []
    changes = Section("What each choice brings", "Of connect four.", ["connect_four_changes"], [*_COST, *_POSITIONS])
    parts = [_INTRODUCTION.splitlines(), *(section.lines(known) for section in SECTIONS), many.section(shares),
             best_response.section(responses), changes.lines(known), _LEFT_OUT.splitlines()]  # fmt: skip
    return "\n\n".join(filter(None, ("\n".join(part) for part in parts))) + "\n"
