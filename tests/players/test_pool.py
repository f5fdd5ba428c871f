"""Agents of many runs side by side: each plays an equal share of the games, and sees no other."""

import numpy as np
import pytest
import tensorflow as tf
from small import small_config, untrained_run

from imagents.environments.boards.environment import BoardGameEnvironment, time_step_at
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.players.columns import SameColumnPlayer
from imagents.errors import InputError
from imagents.files import write_json
from imagents.players.base import Player
from imagents.players.names import make_player
from imagents.players.pool import PoolPlayer
from imagents.seats import PASS
from imagents.training.loop import build


class Counting(Player):
    """Plays the column of its number, and says how many games it is shown."""

    def __init__(self, number, games):
        super().__init__(0, f"{number}")
        self._number, self.games, self.seen = number, games, []

    def choose(self, time_step):
        self.seen.append(time_step.step_type.shape[0])
        return tf.fill(time_step.step_type.shape, self._number)


def test_each_plays_every_nth_game_and_sees_no_other():
    makers = [lambda games, n=n: Counting(n, games) for n in range(3)]
    pool = PoolPlayer(makers, 0, "three", batch_size=7)
    environment = BoardGameEnvironment(CONNECT_FOUR, 7, first_mover="alternate")
    environment.set_board(np.zeros([7, 6, 7], int), [0, 0, 0, 1, 0, 0, 0])
    actions = pool.act(environment.current_time_step()).numpy()
    np.testing.assert_array_equal(actions, [0, 1, 2, PASS, 1, 2, 0])
    assert [(member.games, member.seen) for member in pool.members] == [(3, [3]), (2, [2]), (2, [2])]


def test_members_remember_their_own_games():
    pool = PoolPlayer([lambda games: SameColumnPlayer(CONNECT_FOUR, 0, batch_size=games)] * 2, 0, "two", batch_size=40)
    environment, moves = BoardGameEnvironment(CONNECT_FOUR, 40, first_mover="seat_0"), []
    time_step = environment.reset()
    for _ in range(3):
        pool.observe(time_step)
        moves.append(pool.act(time_step).numpy())
        environment.step(moves[-1])
        time_step = environment.step(make_player("random", CONNECT_FOUR, 1).act(environment.current_time_step()))
    assert (np.stack(moves) == moves[0]).all() and len(set(moves[0].tolist())) > 1


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study of three runs, of which two are finished."""
    folder = tmp_path_factory.mktemp("studies") / "mine"
    runs = [untrained_run(folder / "runs" / f"{seed}", seed=seed).path for seed in (9, 10, 11)]
    for run in runs[:2]:
        write_json(run / "evaluation.json", {})
    write_json(folder / "study.json", {})
    return folder


def test_a_study_plays_with_the_agents_of_its_finished_runs(study):
    player = make_player(str(study), TIC_TAC_TOE, seat=1, batch_size=5)
    boards = time_step_at(TIC_TAC_TOE, np.eye(9, dtype=int)[:5].reshape(5, 3, 3), 1)
    actions = player.act(boards).numpy()
    alone = make_player(f"{study}/runs/10:player_2", TIC_TAC_TOE, seat=1).act(boards).numpy()
    np.testing.assert_array_equal(actions[1::2], alone[1::2])
    assert (actions[::2] != alone[::2]).any()
    mixture = make_player(f"random=1,{study}:player_1=3", TIC_TAC_TOE, seat=0, batch_size=4)
    assert isinstance(mixture.members[1], PoolPlayer)
    with pytest.raises(InputError, match="mine holds 2 agents for seat 1, and 1 parallel games cannot be shared"):
        make_player(str(study), TIC_TAC_TOE, seat=1)


def test_an_agent_learns_against_a_study(study):
    trainer = build(small_config(opponent=str(study)))
    frozen = trainer.players[1].members[0]._policy.variables()[0].numpy()
    assert trainer.run(4)["player_1_loss"] >= 0
    np.testing.assert_array_equal(trainer.players[1].members[0]._policy.variables()[0], frozen)
