"""Win, else block; and minimax, against a plain recursion over boards drawn as strings."""

import functools
import random

import numpy as np
import oracle
import pytest
import tensorflow as tf

from imagents.environments.boards.board_game import BoardGame, Position
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.environments.boards.players.search import HeuristicPlayer, MinimaxPlayer, move_values, winning_moves
from imagents.players.base import RandomPlayer

TO_WIN = {  # X to move
    "a row": (TIC_TAC_TOE, "XX. OO. ...", [2]),
    "either of two lines": (TIC_TAC_TOE, "XX. XO. .OO", [2, 6]),
    "a column of four": (CONNECT_FOUR, "....... ....... ....... X...... X..O... X..O.O.", [0]),
    "a row with a gap": (CONNECT_FOUR, "....... ....... ....... ....... ....... OXX.XO.", [3]),
    "a diagonal": (CONNECT_FOUR, "....... ....... ....... ..XO... .XOX... XOOX...", [3]),
}
TO_BLOCK = {
    "a row": (TIC_TAC_TOE, "OO. X.. ..X", [2]),
    "a column of four": (CONNECT_FOUR, "....... ....... ....... O...... O..X... O..X.X.", [0]),
    "either end of three": (CONNECT_FOUR, "....... ....... ....... ....... ...X... ..OOOX.", [1]),
}


def shares(player, time_step, times=300):
    """How often each move is chosen."""
    repeated = tf.nest.map_structure(lambda x: tf.repeat(x, times, axis=0), time_step)
    num_actions = time_step.observation["legal_moves"].shape[1]
    return np.bincount(player.choose(repeated).numpy(), minlength=num_actions) / times


def chosen(player, time_step):
    return np.flatnonzero(shares(player, time_step)).tolist()


class TestHeuristic:
    @pytest.mark.parametrize("case", TO_WIN)
    def test_takes_a_win(self, at, case):
        game, board, wins = TO_WIN[case]
        assert chosen(HeuristicPlayer(game, 0), at(game, board)) == wins

    @pytest.mark.parametrize("case", TO_BLOCK)
    def test_blocks_a_win(self, at, case):
        game, board, blocks = TO_BLOCK[case]
        assert chosen(HeuristicPlayer(game, 0), at(game, board)) == blocks
        exchanged = board.translate(str.maketrans("XO", "OX"))
        assert chosen(HeuristicPlayer(game, 1), at(game, exchanged, seat=1)) == blocks

    def test_prefers_a_win_to_a_block(self, at):
        assert chosen(HeuristicPlayer(TIC_TAC_TOE, 0), at(TIC_TAC_TOE, "XX. OO. ...")) == [2]
        assert chosen(HeuristicPlayer(TIC_TAC_TOE, 1), at(TIC_TAC_TOE, "XX. OO. ..X", seat=1)) == [5]

    def test_moves_at_random_if_there_is_nothing_to_see(self, at):
        assert chosen(HeuristicPlayer(TIC_TAC_TOE, 0), at(TIC_TAC_TOE, "X.. .O. ...")) == [1, 2, 3, 5, 6, 7, 8]

    def test_looks_one_time_in_four(self, at):
        """Then it wins; else it does so by chance, one time in five."""
        share = shares(HeuristicPlayer(TIC_TAC_TOE, 0, look=0.25), at(TIC_TAC_TOE, "XX. OO. ..."), 4000)[2]
        assert share == pytest.approx(0.25 + 0.75 / 5, abs=0.03)

    def test_never_looks_with_probability_zero(self, at):
        board = at(TIC_TAC_TOE, "XX. OO. ...")
        assert chosen(HeuristicPlayer(TIC_TAC_TOE, 0, look=0), board) == chosen(RandomPlayer(0), board)

    def test_a_probability_above_one_is_refused(self):
        with pytest.raises(ValueError, match=r"look = 1.5: the probability of looking is 0 to 1"):
            HeuristicPlayer(TIC_TAC_TOE, 0, look=1.5)


class TestMinimax:
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_takes_a_win(self, at, depth):
        for game, board, wins in TO_WIN.values():
            assert chosen(MinimaxPlayer(game, 0, depth), at(game, board)) == wins

    def test_depth_2_blocks_and_depth_1_does_not_see(self, at):
        for game, board, blocks in TO_BLOCK.values():
            assert chosen(MinimaxPlayer(game, 0, 2), at(game, board)) == blocks
            assert chosen(MinimaxPlayer(game, 0, 1), at(game, board)) != blocks

    def test_depth_2_does_not_open_the_cell_above(self, at):
        """A stone in column 3 would let O complete its row on top of it."""
        board = """
            . . . . . . .
            . . . . . . .
            . . . . . . .
            . . . . . . .
            O O O . X . .
            X X O . X . .
        """
        assert 3 not in chosen(MinimaxPlayer(CONNECT_FOUR, 0, 2), at(CONNECT_FOUR, board))
        assert 3 in chosen(HeuristicPlayer(CONNECT_FOUR, 0), at(CONNECT_FOUR, board))

    def test_depth_3_makes_two_threats_at_once_and_depth_4_prevents_them(self, at):
        board = "....... ....... ....... ....... ....... ..XX..."
        assert chosen(MinimaxPlayer(CONNECT_FOUR, 0, 3), at(CONNECT_FOUR, board)) == [1, 4]
        prevents = chosen(MinimaxPlayer(CONNECT_FOUR, 1, 4), at(CONNECT_FOUR, board, seat=1))
        assert set(prevents) <= {0, 1, 4, 5} and prevents
        assert chosen(MinimaxPlayer(CONNECT_FOUR, 1, 3), at(CONNECT_FOUR, board, seat=1)) == list(range(7))

    def test_wins_as_fast_and_loses_as_slowly_as_it_can(self, at):
        now_or_later = "X.X ... OO."  # 1 wins at once; 8 blocks, and wins a move later
        assert chosen(MinimaxPlayer(TIC_TAC_TOE, 0, 3), at(TIC_TAC_TOE, now_or_later)) == [1]
        lost = "OO. X.. ..."  # blocking lasts until O forks in the centre
        assert chosen(MinimaxPlayer(TIC_TAC_TOE, 0, 4), at(TIC_TAC_TOE, lost)) == [2]

    @pytest.mark.parametrize("game, depth", [(TIC_TAC_TOE, 4), (CONNECT_FOUR, 3), (BoardGame("x", 3, 4, 3, True), 5)])
    @pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
    def test_values_are_those_of_a_plain_recursion(self, game, depth, compiled):
        boards, seats = random_positions(game, 6, seed=1)
        values = tf.function(lambda p: move_values(game, p, depth), jit_compile=compiled, autograph=False)
        stones = game.stones(tf.constant(boards))
        got = values(Position(stones, tf.constant(seats, tf.int32))).numpy()
        for board, seat, row in zip(boards, seats, got):
            expected = plain_values(game, tuple(board.ravel()), seat, depth)
            for action in range(game.num_actions):
                assert row[action] == expected.get(action, -1000)

    def test_many_games_are_searched_one_move_after_the_other_with_the_same_result(self, monkeypatch):
        boards, seats = random_positions(TIC_TAC_TOE, 5, seed=2)
        position = Position(TIC_TAC_TOE.stones(tf.constant(boards)), tf.constant(seats, tf.int32))
        at_once = move_values(TIC_TAC_TOE, position, 3)
        monkeypatch.setattr("imagents.environments.boards.players.search._POSITIONS_AT_ONCE", 100)
        np.testing.assert_array_equal(move_values(TIC_TAC_TOE, position, 3), at_once)

    @pytest.mark.parametrize("depth", [0, 7])
    def test_impossible_depths_are_refused(self, depth):
        with pytest.raises(ValueError, match=f"depth = {depth}: minimax looks 1 to 6 plies ahead"):
            MinimaxPlayer(TIC_TAC_TOE, 0, depth)


def test_winning_moves_of_either_seat():
    board = np.array([[1, 1, 0], [2, 2, 0], [0, 0, 0]])
    stones = TIC_TAC_TOE.stones(tf.constant(board[np.newaxis]))
    assert np.flatnonzero(winning_moves(TIC_TAC_TOE, stones, 0)[0]).tolist() == [2]
    assert np.flatnonzero(winning_moves(TIC_TAC_TOE, stones, 1)[0]).tolist() == [5]


# A plain recursion over tuples of cells, independent of the bitboards.

has_line = functools.cache(oracle.has_line)


def plain_values(game, cells, seat, depth):
    """Value by legal move: 100 for a win at once, one less per ply that it takes longer, and the negative."""
    values = {}
    for action in range(game.num_actions):
        child = oracle.after(game, cells, seat, action)
        if child is None:
            continue
        if has_line(game, child, 1 + seat):
            values[action] = 100
        elif all(child) or depth == 1:
            values[action] = 0
        else:
            worst = -max(plain_values(game, child, 1 - seat, depth - 1).values())
            values[action] = worst - np.sign(worst)
    return values


def random_positions(game, count, seed):
    """Boards `[count, rows, columns]` of running games after some random plies, and the seats to move."""
    generator, found = random.Random(seed), []
    while len(found) < count:
        cells, seat, over = (0,) * game.num_cells, 0, False
        for _ in range(generator.randrange(game.num_cells // 2, game.num_cells)):
            children = [child for a in range(game.num_actions) if (child := oracle.after(game, cells, seat, a))]
            cells = generator.choice(children)
            over = has_line(game, cells, 1 + seat) or all(cells)
            seat = 1 - seat
            if over:
                break
        if not over:
            found.append((np.reshape(cells, [game.rows, game.columns]), seat))
    boards, seats = zip(*found)
    return np.stack(boards).astype(np.int32), list(seats)
