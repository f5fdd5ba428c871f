"""A search tries settings with seeds of its own, and what it finds best is trained anew; only that is reported."""

import contextlib
import json
import math
import pathlib

import numpy as np
import pandas as pd
import pytest

from imagents import cli
from imagents.config import TrainConfig
from imagents.files import write_json
from imagents.runs.children import open_child
from imagents.runs.run import Run
from imagents.studies import local, pool, running
from imagents.studies.population import trials_of
from imagents.studies.ranges import Range
from imagents.studies.search import FIRST_SEED
from imagents.studies.study import Study, find_runs, load_study
from imagents.studies.summary import study_results
from imagents.studies.telling import Pace
from imagents.studies.worker import Worker

BASE = dict(environment="climbing", algorithm="tabular", steps=8, rounds_per_chunk=8, execution="eager")
RATES = {"learning_rate": {"log": [0.01, 1.0]}}
TEXT = """
seeds = 2
[base]
environment = "climbing"
algorithm = "tabular"
steps = 54
rounds_per_chunk = 2
execution = "eager"
[search]
learning_rate = { log = [0.01, 1.0] }
hysteretic = { choice = [1.0, 0.1] }
[budget]
trials = 3
"""


def promise(config) -> float:
    """What a made-up run reaches: more with rates near 0.1, and with little hysteresis; each seed has its luck."""
    return 1 - abs(math.log10(config.algorithm.learning_rate) + 1) / 2 - config.algorithm.hysteretic / 4 \
        + config.training.seed % 7 / 100  # fmt: skip


class MadeUp:
    """A worker whose runs reach what their settings promise, more and more; it dies over the jobs with these places."""

    asked, deaths = [], ()

    def __init__(self, log, copy_to):
        pass

    def ask(self, job):
        self.asked.append(job)
        if len(self.asked) in self.deaths:
            return None
        config, path = job.wanted.config, job.path
        path.mkdir(exist_ok=True)
        if not (path / "config.json").exists():
            write_json(path / "config.json", config.to_dict())
        end = config.training.steps
        steps = [row for row in range(2, end + 1, 2) if job.until is None or row < job.until + 2]
        agents = ("player_1", "player_2")
        measures = [f"{agent}_{name}" for name in config.environment.measures for agent in agents]
        table = pd.DataFrame({"round": steps, "steps": steps, "seconds": 0.5})
        rise = promise(config) * np.array(steps) / end
        table = pd.concat([table, pd.DataFrame({name: rise for name in measures})], axis=1)
        table.to_csv(path / "metrics.csv", index=False)
        (path / f"checkpoints/{steps[-1]:010d}").mkdir(parents=True, exist_ok=True)
        if steps[-1] == end and job.until is None:
            agents = {agent: {name: promise(config) for name in config.environment.measures} for agent in agents}
            write_json(path / "evaluation.json", {"round": end, "steps": end, "seconds": 0.5, "agents": agents})
        return {"failed": None, "renew": False}

    def stop(self):
        pass

    def end(self):
        pass


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Runs `imagents study` on this text with made-up runs; returns its status, and what it said."""
    monkeypatch.setattr(local, "Process", MadeUp)
    monkeypatch.chdir(tmp_path)

    def run(text, *words, deaths=()) -> tuple[int, str]:
        pathlib.Path("climb.toml").write_text(text)
        MadeUp.deaths, MadeUp.asked[:] = deaths, []
        status = cli.main(["study", "climb.toml", "--workers", "1", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def searched(space=RATES, trials=4, base=BASE, **options):
    return Study(base, search=space | options, budget={"trials": trials}).searched


# What is tried


def test_a_share_of_a_range_is_a_value_in_it():
    assert [Range.of("x", {"log": [1e-4, 1e-2]}).at(share) for share in (0, 0.5, 0.75)] == [1e-4, 1e-3, 3.162e-3]
    assert [Range.of("x", {"uniform": [-1, 3]}).at(share) for share in (0, 0.5, 0.99999)] == [-1, 1, 3]
    assert [Range.of("x", {"int": [1, 3]}).at(share) for share in (0, 0.34, 0.99)] == [1, 2, 3]
    assert [Range.of("x", {"choice": [[64], "a"]}).at(share) for share in (0.49, 0.5)] == [[64], "a"]


def test_random_trials_are_drawn_from_the_seed_and_their_number_alone():
    space = RATES | {"hysteretic": {"uniform": [0.1, 1]}}
    one, other = searched(space, seed=1), searched(space, seed=2)
    tries = [one.propose(number, [])["learning_rate"] for number in range(200)]
    assert one.propose(7, [({}, 1.0)] * 7)["learning_rate"] == tries[7] != other.propose(7, [])["learning_rate"]
    # Uniform in the logarithm: quarters hold 50 of 200, whose standard deviation is 6.
    assert (abs(np.histogram(np.log10(tries), bins=4, range=(-2, 0))[0] - 50) < 25).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_optuna_learns_from_what_trials_reached(sign):
    search = searched(RATES | {"hysteretic": {"choice": [1.0, 0.1]}}, method="optuna",
                      direction="max" if sign > 0 else "min")  # fmt: skip

    def reached(values):
        return sign * ((values["hysteretic"] == 0.1) - abs(math.log10(values["learning_rate"]) + 0.5))

    past = []
    for number in range(40):
        values = search.propose(number, past)
        assert values == search.propose(number, past)
        past.append((values, -sign * math.inf if number == 3 else None if number == 4 else reached(values)))
    late = [values for values, _ in past[25:]]
    assert sum(values["hysteretic"] == 0.1 for values in late) > 11
    assert np.median([abs(math.log10(values["learning_rate"]) + 0.5) for values in late]) < 0.35  # by chance 0.5


def test_the_best_third_of_all_that_came_to_a_rung_goes_on():
    search = searched(early_stopping=True, base=BASE | {"steps": 54})
    assert search.rungs(TrainConfig(**BASE | {"steps": 54})) == [2, 6, 18]
    assert search.goes_on(0.0, [0.0])  # the first one
    assert not search.goes_on(0.0, [1.0, 0.0]) and search.goes_on(1.0, [1.0, 0.0])
    assert search.goes_on(3, [1, 2, 3, 4, 5, 6]) is False and search.goes_on(5, [1, 2, 3, 4, 5, 6]) is True
    assert searched(direction="min", early_stopping=True).goes_on(1, [1, 2, 3])


@pytest.mark.parametrize("before, after, sentence", [
    ("{ log = [0.01, 1.0] }", "{ log = [0, 1] }", "search: learning_rate = {'log': [0, 1]}: a range of log begins "),
    ("{ log = [0.01, 1.0] }", "0.1", "search: learning_rate = 0.1: { log = [A, B] }, { uniform = [A, B] }, { int = "),
    ("{ log = [0.01, 1.0] }", "{ uniform = [1, 1] }", "two numbers, the smaller one first, are needed"),
    ("{ log = [0.01, 1.0] }", "{ int = [1, 2.5] }", "two whole numbers, the smaller one first, are needed"),
    ("{ log = [0.01, 1.0] }", "{ uniform = [0.0, 1.0] }", "search: learning_rate = 0.0: more than 0 and at most 1 is"),
    ("learning_rate", "learning_hate",
     "search: unknown setting 'learning_hate': did you mean learning_rate? the settings are environment"),
    ("learning_rate", "steps", "search: steps is a setting already: name it once"),
    ("[1.0, 0.1]", "[1.0]", "search: hysteretic = {'choice': [1.0]}: at least two values to choose from are needed"),
    ("[search]", "[search]\nobjective = 'joy'", "search: objective = 'joy': climbing measures "),
    ("[search]", "[search]\nmethod = 'grid'", "search: method = 'grid': choose random, optuna, pbt"),
    ("[search]", "[search]\nseeds = 2\nearly_stopping = true", "search: seeds = 2: trials that are compared on the "),
    ("[search]", "[search]\nmethod = 'pbt'", "budget: trials = 3: a population has at least 4"),
    ("steps = 54", "minutes = 1\n[settings]", "settings = {'rounds_per_chunk': 2, 'execution': 'eager'}: a list of"),
    ("[search]", "[search]\nearly_stopping = 1", "search: early_stopping = 1: true or false is needed"),
    ("trials = 3", "trials = 0", "budget: trials = 0: more than 0 is needed, and a whole number"),
    ("trials = 3", "hours = 3", "budget: trials = None: a search needs to know how many"),
    ("trials = 3", "trails = 3", "budget = 'trails': a budget has trials and hours"),
    ("seeds = 2", "seeds = [1_000_000]", "with a search they are below 1000000, where the seeds of trials begin"),
])  # fmt: skip
def test_bad_input_is_one_sentence_and_nothing_is_made(command, before, after, sentence):
    assert before in TEXT
    status, said = command(TEXT.replace(before, after, 1))
    assert status == 2 and said.startswith("imagents study: climb.toml: ") and sentence in said
    assert said.count("\n") == 1 and not pathlib.Path("outputs").exists()


def test_a_budget_is_one_of_a_search(command):
    text = TEXT.partition("[search]")[0] + "[budget]\ntrials = 3"
    assert "budget = {'trials': 3}: it is for a search, and there is none" in command(text)[1]


def test_early_stopping_needs_a_budget_in_steps_alone():
    with pytest.raises(ValueError, match="on the way have a budget in steps"):
        searched(early_stopping=True, base=BASE | {"minutes": 1.0})


# Trials, and what wins


def test_only_the_winner_is_reported_and_it_is_trained_anew(command):
    status, said = command(TEXT)
    assert status == 0, said
    folder = pathlib.Path("outputs/climb")
    trials, summary = pd.read_csv(folder / "trials.csv"), pd.read_csv(folder / "summary.csv")
    best = trials.loc[trials["value"].idxmax()]
    name = f"learning_rate={best['learning_rate']:g}, hysteretic={best['hysteretic']:g}"
    assert summary["setting"].unique() == [name] and set(summary["runs"]) == {2}
    assert list(trials["state"]) == ["finished"] * 3 and list(trials["steps"]) == [54] * 3
    for row in trials.itertuples():
        run = Run(folder / "runs" / f"climbing-trial-{row.trial}-seed-{FIRST_SEED}")
        assert run.config == TrainConfig(**BASE | dict(
            steps=54, rounds_per_chunk=2, seed=FIRST_SEED, learning_rate=row.learning_rate, hysteretic=row.hysteretic
        ))  # fmt: skip
        assert row.value == promise(run.config)
    assert set(study_results(folder)["seed"]) == {0, 1} and len(find_runs(folder)) == 5
    page = (folder / "report.md").read_text()
    assert "## Settings that mattered" in page and "Of 3 trials 3 finished, 0 stopped, 0 failed" in page


def test_the_same_command_goes_on_and_ends_with_the_same(command):
    command(TEXT, "--output-dir", "whole")
    command(TEXT.replace("trials = 3", "trials = 1"), "--output-dir", "parted")
    status, said = command(TEXT, "--output-dir", "parted", deaths=(1, 3))
    assert status == 0 and "2 trials to train" in said and len(MadeUp.asked) == 4, said  # each twice
    for name in ("summary.csv", "trials.csv", "trials.json"):
        assert pathlib.Path("whole", name).read_text() == pathlib.Path("parted", name).read_text()
    status, said = command(TEXT, "--output-dir", "parted")
    assert status == 0 and "0 trials to train" in said and not MadeUp.asked


def test_a_run_over_which_workers_die_again_and_again_is_given_up_and_the_others_go_on(command, monkeypatch):
    monkeypatch.setattr(pool, "_PAUSES", (0, 0))
    status, said = command(TEXT, deaths=(2, 3, 4))
    assert status == 1 and "trial 1: failed: 3 workers that trained it ended, see workers.log" in said
    assert list(pd.read_csv("outputs/climb/trials.csv")["state"]) == ["finished", "failed", "finished"]
    status, said = command(TEXT)
    assert status == 0 and "1 trials to train" in said  # it was not for its settings


def test_what_trials_were_made_with_stays(command):
    command(TEXT.replace("trials = 3", "trials = 1"))
    for before, after, sentence in (
        ("[0.01, 1.0]", "[0.1, 1.0]", "search: learning_rate = {'log': [0.1, 1.0]}: the trials in outputs/climb were "),
        ("[search]", "[search]\nseed = 3", "search: seed = 3: the trials in outputs/climb were made with nothing, "),
        ("steps = 54", "steps = 64", "steps = 64: the runs of climbing in outputs/climb have 54, and a study "),
    ):
        status, said = command(TEXT.replace(before, after))
        assert status == 2 and sentence in said
    status, said = command(TEXT, "--dry-run")
    assert status == 0 and "finished  climbing, trial 0\n" in said and said.count("to train  ") == 4
    assert not MadeUp.asked


def test_each_setting_of_a_grid_has_a_search_and_a_winner_of_its_own(command):
    text = TEXT.replace("hysteretic = { choice = [1.0, 0.1] }", "") + "[grid]\nhysteretic = [1.0, 0.1]\n"
    status, said = command(text.replace("seeds = 2", "seeds = 1"))
    assert status == 0, said
    trials = pd.read_csv("outputs/climb/trials.csv")
    assert list(trials["setting"]) == ["hysteretic=1"] * 3 + ["hysteretic=0.1"] * 3
    assert list(trials["learning_rate"][:3]) == list(trials["learning_rate"][3:])
    names = pd.read_csv("outputs/climb/summary.csv")["setting"].unique()
    assert [name.partition(", learning_rate=")[0] for name in names] == ["hysteretic=1", "hysteretic=0.1"]


def test_a_trial_with_the_settings_of_an_earlier_one_has_its_run(command):
    text = TEXT.replace("learning_rate = { log = [0.01, 1.0] }", "").replace("trials = 3", "trials = 6")
    status, said = command(text.replace("[search]", "[search]\nseeds = 2"))
    assert status == 0, said
    assert len(pd.read_csv("outputs/climb/trials.csv")) == 6
    assert len(MadeUp.asked) == len(find_runs(pathlib.Path("outputs/climb"))) == 2 * 2 + 2


def test_settings_that_fit_no_training_together_are_a_trial_that_failed(command):
    text = TEXT.replace("learning_rate = { log = [0.01, 1.0] }", "exploration_start = { choice = [0.5, 0.3] }")
    text = text.replace("hysteretic = { choice = [1.0, 0.1] }", "exploration_end = { choice = [0.2, 0.4] }")
    status, said = command(text.replace("trials = 3", "trials = 8"))
    trials = pd.read_csv("outputs/climb/trials.csv")
    failed = trials["exploration_start"] < trials["exploration_end"]
    assert status == 0 and failed.any() and list(failed) == list(trials["state"] == "failed")
    assert "failed: exploration_end = 0.4: it is not above" in said


def test_trials_that_do_badly_are_stopped_early_and_their_runs_are_no_finished_ones(command):
    text = TEXT.replace("[search]", "[search]\nearly_stopping = true").replace("trials = 3", "trials = 12")
    status, said = command(text, deaths=(4,))
    assert status == 0, said
    folder, there = pathlib.Path("outputs/climb"), {2: [], 6: [], 18: []}
    trials = pd.read_csv(folder / "trials.csv")
    for row in trials.itertuples():
        last = row.value * 54 / row.steps  # what it promises
        for steps, others in there.items():  # noqa: B007
            others.append(last)
            is_good = sum(other > last + 1e-9 for other in others) < max(1, len(others) // 3)
            if not is_good:
                break
        assert (row.state, row.steps) == (("finished", 54) if is_good else ("stopped", steps))
        run = folder / "runs" / f"climbing-trial-{row.trial}-seed-{FIRST_SEED}"
        assert (run / "evaluation.json").exists() == is_good
    assert set(trials["state"]) == {"finished", "stopped"}
    asked = len(MadeUp.asked)
    assert command(text)[0] == 0 and not MadeUp.asked and asked < 12 * 3


POPULATION = TEXT.replace("hysteretic = { choice = [1.0, 0.1] }", 'method = "pbt"').replace("steps = 54", "steps = 20")
POPULATION = POPULATION.replace("trials = 3", "trials = 4")


def test_the_worst_of_a_population_go_on_from_the_best_with_settings_near_theirs(command):
    status, said = command(POPULATION)
    assert status == 0, said
    folder = pathlib.Path("outputs/climb")
    trials = pd.read_csv(folder / "trials.csv")
    assert list(trials["state"]) == ["finished"] * 4 and list(trials["steps"]) == [20] * 4
    children = [*folder.glob("runs/climbing-trial-*-from-*")]
    assert children
    for path in children:
        about = json.loads((path / "config.json").read_text())
        parent = json.loads((folder / "runs" / about["parent"]["run"] / "config.json").read_text())
        before, after = parent["learning_rate"], about["learning_rate"]
        assert after == pytest.approx(0.8 * before if after < before else min(1.25 * before, 1), rel=1e-3)
        assert about["parent"]["past"][-1][1] == {"learning_rate": parent["learning_rate"]}
        assert about | {"learning_rate": 0, "parent": 0} == parent | {"learning_rate": 0, "parent": 0}
    first = [Run(folder / "runs" / f"climbing-trial-{number}-seed-{FIRST_SEED}").config for number in range(4)]
    assert trials["value"].mean() > np.mean([promise(config) for config in first])


def test_a_population_is_the_same_whatever_happens_and_its_winner_changes_anew_as_it_did(command):
    command(POPULATION, "--output-dir", "whole")
    status, said = command(POPULATION, "--output-dir", "parted", "--workers", "3", deaths=(3, 7, 20))
    assert status == 0, said
    for name in ("summary.csv", "trials.csv"):
        assert pathlib.Path("whole", name).read_text() == pathlib.Path("parted", name).read_text()
    (name,) = pd.read_csv("whole/summary.csv")["setting"].unique()
    rates = [float(rate) for rate in name.partition("=")[2].split(">")]
    for seed in (0, 1):
        paths = [*pathlib.Path("whole/runs").glob(f"learn*-seed-{seed}*/config.json")]
        ends = [json.loads(path.read_text()) for path in paths]
        assert len(ends) == len(rates) and {end["learning_rate"] for end in ends} == set(rates)
    status, said = command(POPULATION, "--output-dir", "whole")
    assert status == 0 and not MadeUp.asked


def test_the_bar_of_a_population_counts_who_waits_for_others_by_what_it_has_trained(command, monkeypatch):
    done, open_runs, ask = [], [], MadeUp.ask

    @contextlib.contextmanager
    def telling(pool, total):
        def asked(worker, job):
            paused = [*pool.paused.values()]
            done.append(Pace(0.0).look(0.0, pool.under_way, pool.num_ended, total, paused)[0] / total)
            if len(done) == 23:  # of the sixth generation two have come where they wait for the others
                trials = trials_of(pathlib.Path("outputs/climb"), load_study("outputs/climb"))
                open_runs[:] = len(trials.begun()), len(trials.waiting())
            return ask(worker, job)

        monkeypatch.setattr(MadeUp, "ask", asked)
        yield
        monkeypatch.setattr(MadeUp, "ask", ask)

    monkeypatch.setattr(running, "telling", telling)
    assert command(POPULATION)[0] == 0
    search = 4 * 10  # members and generations; what comes after them are the runs of the winner
    assert done[:search] == pytest.approx(np.arange(search) / search)
    assert open_runs == [2, 2]  # for a command that goes on from there


# With trainings


@pytest.fixture(scope="module")
def paused(tmp_path_factory):
    """A folder with a run that paused, its child and one that did not pause; and the rows that there were then."""
    folder, worker = tmp_path_factory.mktemp("paused"), Worker()
    config = TrainConfig(**BASE | dict(steps=16, evaluate_every=2))
    assert worker.train(config, folder / "parent", until=5) == {"failed": None, "stopped": False, "renew": False}
    assert not (folder / "parent/evaluation.json").exists()
    rows, changed = Run(folder / "parent").metrics(), config.replace(learning_rate=0.9)
    open_child(folder / "parent", folder / "child", changed, [[8, {"learning_rate": 0.2}]])
    for name, its in (("parent", config), ("child", changed), ("whole", config)):
        assert worker.train(its, folder / name)["failed"] is None
    return folder, rows


def learned(folder) -> pd.DataFrame:
    return Run(folder).metrics().drop(columns=["seconds", "steps_per_second"])


def test_a_run_that_pauses_is_the_one_that_does_not(paused):
    folder, rows = paused
    assert list(rows["steps"]) == [0, 4, 8]  # the first that is measured
    pd.testing.assert_frame_equal(learned(folder / "parent"), learned(folder / "whole"))


def test_a_child_goes_on_from_its_parents_checkpoint_with_its_own_settings(paused):
    parent, child = (learned(paused[0] / name) for name in ("parent", "child"))
    pd.testing.assert_frame_equal(child[:3], parent[:3])
    assert len(child) == 5 and (child["player_1_loss"][3:] != parent["player_1_loss"][3:]).any()
    assert Run(paused[0] / "child").config.algorithm.learning_rate == 0.9


def test_a_worker_that_is_stopped_saves_its_run(tmp_path):
    worker = Worker()
    worker.stopping = True
    assert worker.train(TrainConfig(**BASE | dict(steps=16)), tmp_path / "run")["stopped"]
    assert list(Run(tmp_path / "run").metrics()["steps"]) == [0, 4] and len(Run(tmp_path / "run").checkpoints()) == 2
