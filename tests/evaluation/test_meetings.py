"""Tournaments without a board: everybody meets everybody at both seats, and mean returns are compared."""

import json

import numpy as np
import pytest
from small import untrained_run

from imagents import InputError, cli, play_tournament
from imagents.config import TrainConfig
from imagents.environments.cards.measures import uniform_policy, value_of
from imagents.environments.cards.players import equilibrium
from imagents.environments.cards.rules import KUHN
from imagents.evaluation import meetings

FIRST = KUHN.information.seat[:, np.newaxis] == 0


@pytest.fixture(scope="module")
def poker():
    return play_tournament(["random", "nash:0.2", "first_legal"], "kuhn_poker", games=2000, seed=1)


def test_mean_returns_are_those_that_the_policies_are_worth(poker):
    found = np.where(FIRST, uniform_policy(KUHN), equilibrium(0.2))
    worth = value_of(KUHN, found).returns[0]  # of random at seat 0 and nash at seat 1
    got, lost = poker.returns[0, 1]
    assert len(got) == 1000 and (got == -lost).all()
    assert got.mean() == pytest.approx(worth, abs=4 * got.std() / 1000**0.5)
    other = value_of(KUHN, np.where(FIRST, equilibrium(0.2), uniform_policy(KUHN))).returns[1]
    assert poker.returns[1, 0][1].mean() == pytest.approx(other, abs=4 * got.std() / 1000**0.5)
    assert poker.got(0, 1).mean() == pytest.approx((worth + other) / 2, abs=4 * got.std() / 2000**0.5)


def test_whoever_gets_most_comes_first_in_a_table_of_80_columns(poker):
    lines = poker.text().splitlines()
    assert [line.split()[1] for line in lines[1:-1]] == ["nash:0.2", "random", "first_legal"]
    assert lines[-1] == "policy of trained agents: sampled" and max(map(len, lines)) <= 80
    assert lines[1].split()[-1] == f"{poker.got(1, 2).mean():.3g}"


def test_as_json(poker):
    plain = json.loads(json.dumps(poker.to_dict()))
    assert plain["environment"] == "kuhn_poker" and plain["policy"] == "sampled"
    low, high = plain["players"]["nash:0.2"]["mean_return_95"]
    assert low < plain["players"]["nash:0.2"]["mean_return"] < high
    match = plain["matches"][0]
    assert (match["player"], match["opponent"], match["games"]) == ("random", "nash:0.2", 2000)
    assert match["opponents_mean_return"] == pytest.approx(-match["mean_return"])
    seats = match["seat_0"]["mean_return"], match["seat_1"]["mean_return"]
    assert match["mean_return"] == pytest.approx(np.mean(seats))


def test_a_game_that_is_not_zero_sum_pays_each_its_own_over_whole_episodes():
    face = TrainConfig("prisoners_dilemma", episode_length=3).environment
    result = play_tournament(["always:cooperate", "tit_for_tat", "always:defect"], face, games=4)
    assert set(result.got(0, 2)) == {0} and set(result.got(2, 0)) == {15}
    assert set(result.got(1, 2)) == {0 + 1 + 1} and set(result.got(2, 1)) == {5 + 1 + 1}
    assert set(result.got(0, 1)) == {9}


def test_the_seed_decides():
    first, again, other = (
        play_tournament(["random", "first_legal"], "kuhn_poker", games=50, seed=seed).got(0, 1).tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_run_plays_both_seats_with_the_agents_that_learned_them(tmp_path, capsys):
    run = untrained_run(tmp_path / "run", "kuhn_poker", snapshots=2, algorithm="dqn").path
    words = ["tournament", str(run), "random", f"{run}/snapshots", "--games", "10", "--policy", "greedy", "--json"]
    assert cli.main([*words, "--output-dir", str(tmp_path / "result")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "result" / "tournament.json").read_text())
    assert shown["policy"] == "greedy" and len(shown["players"]) == 4 and len(shown["matches"]) == 6
    assert sum(name.endswith(".npz") for name in shown["players"]) == 2


@pytest.mark.parametrize("names, environment, games, said", [
    (["random", "first_legal"], "kuhn_poker", 3, "games = 3: each player has either seat in half of them"),
    (["random", "first_legal"], "public_goods", 10, "public_goods has 4 seats, and a tournament is for two"),
    (["random", "nash:2"], "kuhn_poker", 10, "alpha is a number from 0 to 1/3"),
    (["random", "random"], "kuhn_poker", 10, "random is named twice"),
])
def test_what_cannot_be_is_said_in_one_sentence(names, environment, games, said):
    with pytest.raises(InputError, match=said):
        play_tournament(names, environment, games)


def test_an_agent_plays_its_own_seat_only(tmp_path):
    run = untrained_run(tmp_path / "run", "kuhn_poker", algorithm="dqn").path
    with pytest.raises(InputError, match="player_1 learned to play seat 0 of kuhn_poker, and can play no other"):
        play_tournament([f"{run}:player_1", "random"], "kuhn_poker", 10)


def test_an_episode_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(meetings, "_MOST_STEPS", 9)
    endless = TrainConfig("prisoners_dilemma", episode_length=0).environment
    with pytest.raises(InputError, match="an episode of random and grim has no end after 9 steps"):
        play_tournament(["random", "grim"], endless, 2)
