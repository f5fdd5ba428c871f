"""Everybody plays everybody once, seats and first moves are accounted for, and the result reads well."""

import dataclasses
import json

import numpy as np
import pytest
from small import untrained_run

from imagents import InputError
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.evaluation.tournament import environment_of, play_tournament, short_names
from imagents.opening import expand


@pytest.fixture(scope="module")
def tournament():
    return play_tournament(["random", "perfect", "first_legal", "heuristic"], TIC_TAC_TOE, games=200)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with snapshots of untrained agents."""
    return untrained_run(tmp_path_factory.mktemp("runs") / "mine", snapshots=2)


def test_everybody_plays_everybody(tournament):
    assert sorted(tournament.matches) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert all(match.games == 200 for match in tournament.matches.values())


def test_results_are_those_of_the_pairs(tournament):
    random, perfect, first_legal, heuristic = range(4)
    assert tournament.match(perfect, random).total.losses == 0
    assert tournament.match(perfect, random) == tournament.match(random, perfect).turned()
    assert tournament.match(first_legal, perfect).total.wins == 0
    scores = tournament.scores()
    assert np.isnan(np.diag(scores)).all()
    np.testing.assert_allclose((scores + scores.T)[~np.eye(4, dtype=bool)], 1)
    assert scores[perfect, random] > 0.85


def test_random_play_is_zero_and_perfect_play_comes_first(tournament):
    elo = dict(zip(tournament.names, tournament.ratings.elo))
    assert elo["random"] == 0
    assert elo["perfect"] > elo["heuristic"] > elo["first_legal"] > -100
    assert (tournament.ratings.low <= tournament.ratings.elo).all()
    assert tournament.ratings.first_mover_advantage > 100


def test_reads_as_a_table_in_80_columns(tournament):
    lines = tournament.text().splitlines()
    assert lines.pop() == "policy of trained agents: greedy"
    assert [line.split()[1] for line in lines[1:]] == ["perfect", "heuristic", "first_legal", "random"]
    assert lines[0].split() == ["player", "Elo", "95", "%", "interval", "points", "v", "1", "2", "3", "4"]
    assert all(len(line) <= 80 for line in lines)
    score = 100 * tournament.scores()[1, 3]
    assert lines[1].split()[-3:] == [f"{score:.0f}", *lines[1].split()[-2:]]


def test_long_names_are_cut_and_what_finds_no_room_beside_them_comes_below(tournament):
    names = [f"outputs/a/{'very-' * 9}long-study/runs/learning_rate=0.1-seed-{n}:player_1" for n in range(4)]
    lines = dataclasses.replace(tournament, names=names).text().splitlines()
    assert max(map(len, lines)) <= 80 and len({line.split()[1] for line in lines[1:5]}) == 4
    assert lines[5:7] == ["against each other:", "    v   1   2   3   4"]
    assert [row.split()[1:] for row in lines[7:11]] == [row.split()[-4:] for row in tournament.text().splitlines()[1:5]]


def test_what_stands_above_perfect_play_is_explained(tournament):
    other = {"perfect": "heuristic", "heuristic": "perfect"}
    exchanged = dataclasses.replace(tournament, names=[other.get(name, name) for name in tournament.names])
    lines = exchanged.text().splitlines()
    assert lines[1].split()[1:2] == ["heuristic"] and lines[-2].startswith("above perfect: Elo counts points")
    assert all(len(line) <= 80 for line in lines) and "above perfect" not in tournament.text()


def test_as_json(tournament):
    plain = json.loads(json.dumps(tournament.to_dict()))
    assert plain["environment"] == "tic_tac_toe" and len(plain["matches"]) == 6
    assert plain["ratings"]["players"]["random"]["elo"] == 0
    first = plain["matches"][0]
    assert (first["player"], first["opponent"]) == ("random", "perfect")
    assert first["moving_first"]["games"] == 100 and first["moving_first"]["wins"] == 0


def test_repeats_with_its_seed():
    texts = [play_tournament(["random", "heuristic"], "tic_tac_toe", 20, seed).text() for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


def test_progress_is_reported():
    seen = []
    names = ["random", "first_legal", "random,first_legal"]
    play_tournament(names, TIC_TAC_TOE, 2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_run_stands_for_its_agents_and_its_snapshots_for_all_of_them(run):
    path = run.path
    assert expand(str(path)) == [f"{path}:player_1", f"{path}:player_2"]
    assert expand(f"{path}:player_2") == [f"{path}:player_2"]
    assert expand("heuristic:0.25") == ["heuristic:0.25"]
    first, second = path / "snapshots" / "0000000010.npz", path / "snapshots" / "0000000020.npz"
    assert expand(str(first)) == [f"{first}:player_1", f"{first}:player_2"]
    assert expand(str(path / "snapshots")) == [
        f"{first}:player_1",
        f"{second}:player_1",
        f"{first}:player_2",
        f"{second}:player_2",
    ]


def test_an_environment_is_known_from_a_run(run):
    assert environment_of(["random", f"{run.path}:player_1"]).name == "tic_tac_toe"
    assert environment_of(["random", "perfect"]) is None


def test_snapshots_tell_how_much_they_had_learned(run):
    names = ["random", *expand(str(run.path / "snapshots"))[:2]]
    result = play_tournament(names, TIC_TAC_TOE, 20)
    assert result.steps == {names[1]: 700, names[2]: 1400}


def test_names_are_as_short_as_can_be():
    assert short_names(["random", "outputs/a:player_1", "outputs/b:player_1"]) == ["random", "a:player_1", "b:player_1"]
    snapshots = ["runs/a/snapshots/0000001200.npz:player_1", "runs/a/snapshots/0000000012.npz:player_1"]
    assert short_names(snapshots) == ["1200:player_1", "12:player_1"]
    assert short_names(["x/a/run", "y/a/run"]) == ["x/a/run", "y/a/run"]


@pytest.mark.parametrize(
    "names, sentence",
    [
        (["random"], "a tournament needs at least 2 players, not 1"),
        (["random", "heuristic", "random"], "random is named twice"),
        (["random", "clever"], "unknown player 'clever'"),
        (["random", "first_legal", "same_column"], "unknown player 'same_column'"),
    ],
)
def test_players_that_cannot_meet_are_refused_before_anybody_plays(names, sentence):
    with pytest.raises(InputError, match=sentence):
        play_tournament(names, TIC_TAC_TOE, 10, progress=lambda *_: pytest.fail("played"))


def test_a_run_of_another_game_is_refused(run):
    with pytest.raises(InputError, match="is a run of tic_tac_toe, and this is a game of connect_four"):
        play_tournament(["random", f"{run.path}:player_1"], CONNECT_FOUR, 10)
