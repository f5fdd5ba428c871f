"""`imagents evaluate` and `imagents tournament`: output for people and for programs, one sentence for bad input."""

import datetime
import functools
import json
import subprocess
import sys
import types

import pytest
from small import small_config, untrained_run

from imagents import InputError, cli, commands
from imagents.evaluation import report
from imagents.runs import folders
from imagents.training import experiment


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp("runs") / "mine", snapshots=2)


_prepare_evaluation = report.prepare_evaluation


@pytest.fixture
def evaluated_once(monkeypatch):
    """Evaluates a run the first time only."""
    monkeypatch.setattr(report, "prepare_evaluation", lambda *arguments: lambda: evaluated(*arguments))


@functools.cache
def evaluated(*arguments):
    return _prepare_evaluation(*arguments)()


def test_evaluate_prints_a_report(run, capsys, evaluated_once):
    assert cli.main(["evaluate", str(run.path), "--games", "20"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("policy: greedy\n\nplayer_1\n  optimal moves") and "\n\nplayer_2\n" in printed
    assert "heuristic" in printed and max(map(len, printed.splitlines())) <= 80


def test_evaluate_prints_json_and_nothing_else(run, capsys, evaluated_once):
    assert cli.main(["evaluate", str(run.path), "--games", "20", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["environment"] == "tic_tac_toe" and set(printed["agents"]) == {"player_1", "player_2"}
    assert printed["agents"]["player_1"]["matches"]["random"]["moving_first"]["games"] == 10


def test_tournament_prints_a_table_and_keeps_results_and_figures(run, tmp_path, capsys):
    folder = tmp_path / "result"
    players = ["random", str(run.path), "perfect", "random=1,heuristic=2"]
    assert cli.main(["tournament", *players, "--games", "20", "--output-dir", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].split()[:2] == ["1", "perfect"]
    assert "mine:player_1" in printed and printed.endswith(f"done: {folder}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["results.png", "tournament.json"]
    assert len(json.loads((folder / "tournament.json").read_text())["matches"]) == 10


@pytest.fixture
def same_second(monkeypatch, tmp_path):
    """Folders are made in an empty one, and named by a clock that stands."""
    monkeypatch.chdir(tmp_path)
    clock = types.SimpleNamespace(now=lambda: datetime.datetime(2026, 1, 2, 3, 4, 5))
    monkeypatch.setattr(folders, "datetime", types.SimpleNamespace(datetime=clock))


def test_two_tournaments_of_the_same_second_have_a_folder_each(same_second, tmp_path, capsys):
    arguments = ["random", "first_legal", "--environment", "tic_tac_toe", "--games", "4"]
    jobs = [commands.tournament([*arguments, "--seed", str(seed)]) for seed in (1, 2)]
    assert [job() for job in jobs] == [0, 0]
    name = "outputs/tournament-tic_tac_toe-20260102-030405"
    printed = capsys.readouterr().out
    assert f"done: {name}\n" in printed and f"done: {name}-2\n" in printed
    for folder in (name, f"{name}-2"):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == ["results.png", "tournament.json"]


def test_the_second_of_two_tournaments_into_the_same_folder_is_refused(tmp_path):
    arguments = ["random", "first_legal", "--environment", "tic_tac_toe", "--games", "4"]
    arguments += ["--output-dir", str(tmp_path / "t")]
    first, second = commands.tournament(arguments), commands.tournament(arguments)
    assert first() == 0
    before = (tmp_path / "t" / "tournament.json").read_bytes()
    with pytest.raises(InputError, match="t is not empty"):
        second()
    assert (tmp_path / "t" / "tournament.json").read_bytes() == before


def test_two_trainings_of_the_same_second_have_a_folder_each(same_second):
    runs = [experiment.Experiment(small_config()) for _ in range(2)]
    assert [str(run._run.path) for run in runs] == [f"outputs/tic_tac_toe-20260102-030405{end}" for end in ("", "-2")]
    runs[1].run(quiet=True)


def test_tournament_of_snapshots_gives_a_learning_curve(run, tmp_path, capsys):
    folder = tmp_path / "curve"
    arguments = [str(run.path / "snapshots"), "random", "--games", "20", "--json", "--output-dir", str(folder)]
    assert cli.main(["tournament", *arguments]) == 0
    content = json.loads(capsys.readouterr().out)
    assert sorted(content["steps"].values()) == [700, 700, 1400, 1400]
    assert (folder / "elo_curve.png").exists()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["evaluate", "/nowhere"], "imagents evaluate: /nowhere is not a run folder"),
        (["evaluate", "RUN", "--games", "3"], "num_games = 3: each side begins half, so an even number is needed"),
        (["tournament"], "which environment? none of the players is a run, so --environment has to say it"),
        (["tournament", "random", "heuristic"], "which environment? none of the players is a run"),
        (["tournament", "random", "--environment", "tic_tac_toe"], "a tournament needs at least 2 players, not 1"),
        (["tournament", "random", "nobody", "--environment", "tic_tac_toe"], "unknown player 'nobody': choose "),
        (["tournament", "random", "heuristic", "--environment", "chess"], "unknown environment 'chess'"),
        (["tournament", "random", "RUN", "--environment", "connect_four"], "and this is a game of connect_four"),
        (["tournament", "random", "RUN", "--games", "-2"], "num_games = -2"),
        (["tournament", "random", "RUN", "--seed", "-1"], "seed = -1: a whole number of at least 0 is needed"),
        (["evaluate", "RUN", "--seed", "-1"], "seed = -1: a whole number of at least 0 is needed"),
        (["tournament", "random", "RUN", "--output-dir", "/proc/there"], "/proc/there cannot be written"),
        (["train", "--opponent", "nobody"], "opponent = 'nobody': unknown player 'nobody': choose random, "),
        (["train", "--opponent", "league", "--parallel-games", "12"], "league_size = 8: each place plays an equal"),
        (["train", "--opponent", "RUN", "--environment", "connect_four"], "is a run of tic_tac_toe"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(run, arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(run.path) if argument == "RUN" else argument for argument in arguments]
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.err.count("\n") == 1 and not printed.out
    assert not list(tmp_path.iterdir())


def test_help_imports_no_tensorflow():
    code = """
import sys
from imagents import cli
for command in ("evaluate", "tournament"):
    try:
        cli.main([command, "--help"])
    except SystemExit as exit:
        assert exit.code == 0
assert "tensorflow" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "exactly where their environment can" in result.stdout and "heuristic:0.25" in result.stdout
    assert not result.stderr


def test_an_exported_agent_is_evaluated_like_a_run(capsys):
    from imagents.opening import open_shipped

    assert cli.main(["evaluate", str(open_shipped("tic_tac_toe").path), "--games", "100", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (agent,) = report["agents"].values()
    assert report["environment"] == "tic_tac_toe" and agent["exact"]["unbeatable"]
    assert agent["matches"]["perfect"]["moving_first"]["losses"] == 0
