"""The rules, eagerly and compiled, against a brute force over the cells, and on positions drawn by hand."""

import collections
import random

import numpy as np
import oracle
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import read_boards

from imagents.environments.boards.board_game import BoardGame, Position
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE, get_game
from imagents.errors import InputError
from imagents.randomness import sample_legal

MODES = {
    "eager": lambda function: function,
    "graph": lambda function: tf.function(function, autograph=False),
    "compiled": lambda function: tf.function(function, jit_compile=True, autograph=False),
}

VARIANTS = [
    TIC_TAC_TOE,
    CONNECT_FOUR,
    BoardGame("gomoku", rows=8, columns=8, k=5, gravity=False),  # cell 63 is the sign of an int64
    BoardGame("square connect four", rows=8, columns=8, k=4, gravity=True),
    BoardGame("all of a line", rows=8, columns=8, k=8, gravity=False),
    BoardGame("wide", rows=4, columns=16, k=4, gravity=True),
    BoardGame("tall", rows=16, columns=4, k=3, gravity=False),
    BoardGame("63 cells", rows=7, columns=9, k=5, gravity=True),
    BoardGame("strip", rows=1, columns=64, k=3, gravity=False),
    BoardGame("tower", rows=64, columns=1, k=2, gravity=True),
    BoardGame("one stone wins", rows=2, columns=3, k=1, gravity=False),
    BoardGame("only sideways", rows=3, columns=9, k=4, gravity=True),
    BoardGame("no line of two", rows=1, columns=1, k=1, gravity=True),
]

FIRST_AND_OTHERS = [*VARIANTS[:8], *(pytest.param(game, marks=pytest.mark.slow) for game in VARIANTS[8:])]

any_game = st.integers(1, 64).flatmap(
    lambda rows: st.integers(1, 64 // rows).flatmap(
        lambda columns: st.builds(
            BoardGame,
            name=st.just("any"),
            rows=st.just(rows),
            columns=st.just(columns),
            k=st.integers(1, max(rows, columns)),
            gravity=st.booleans(),
        )
    )
)


# The brute force is `oracle`: a board is a sequence of 0, 1 and 2, and every rule is a loop over its cells.


def brute_bits(cells, stone):
    """The documented bitboard: bit `row * columns + column`, as the signed 64-bit number."""
    bits = sum(2**number for number, cell in enumerate(cells) if cell == stone)
    return bits - 2**64 if bits >= 2**63 else bits


def rules_of(game):
    """All rule functions of a game in one, for one move in each of B games."""

    def rules(stones, seat, action):
        after = game.play(Position(stones, seat), action)
        drawn = game.board(after.stones)
        return {
            "legal moves before": game.legal_moves(stones),
            "stones": after.stones,
            "seat": after.seat,
            "line": game.has_line(after.stones),
            "full": game.is_full(after.stones),
            "board": drawn,
            "planes": game.planes(after.stones),
            "stones of the board": game.stones(drawn),
        }

    return rules


def play_and_compare(game, modes, num_games, batch_size, seed):
    """Plays random games (1 move in 10 is any number, legal or not), comparing everything after every move.

    Goes on until each of the parallel games has ended, so that the longest are among them, and `num_games` in all.

    Returns:
      How many games ended in which way.
    """
    rng = random.Random(seed)
    rules = {mode: MODES[mode](rules_of(game)) for mode in modes}
    outcomes, unended = collections.Counter(), set(range(batch_size))

    def new_game():
        return (0,) * game.num_cells

    boards, seats = [new_game() for _ in range(batch_size)], [rng.randrange(2) for _ in range(batch_size)]
    stones = np.zeros([batch_size, 2], np.int64)
    while unended or outcomes.total() < num_games:
        moves = range(game.num_actions)
        legal = [[oracle.landing(game, cells, move) is not None for move in moves] for cells in boards]
        actions = [
            rng.randrange(-2, game.num_actions + 3)
            if rng.random() < 0.1
            else rng.choice([action for action, is_legal in enumerate(row) if is_legal])
            for row in legal
        ]
        arguments = tf.constant(stones), tf.constant(seats, tf.int32), tf.constant(actions, tf.int32)
        results = {mode: rules[mode](*arguments) for mode in modes}

        boards = [oracle.after(game, *move) or move[0] for move in zip(boards, seats, actions, strict=True)]
        seats = [1 - seat for seat in seats]
        stones = np.array([[brute_bits(cells, 1), brute_bits(cells, 2)] for cells in boards])
        lines = [[oracle.has_line(game, cells, stone) for stone in (1, 2)] for cells in boards]
        full = [all(cells) for cells in boards]
        drawn = np.reshape(boards, [-1, game.rows, game.columns])
        expected = {
            "legal moves before": np.array(legal),
            "stones": stones,
            "seat": np.array(seats),
            "line": np.array(lines),
            "full": np.array(full),
            "board": drawn,
            "planes": np.stack([drawn == 1, drawn == 2], axis=1),
            "stones of the board": stones,
        }
        for mode, result in results.items():
            for name, values in expected.items():
                np.testing.assert_array_equal(result[name], values, f"{game}, {mode}: {name} after {actions}")

        for index, (line, is_full) in enumerate(zip(lines, full, strict=True)):
            if any(line) or is_full:
                outcomes["X" if line[0] else "O" if line[1] else "draw"] += 1
                unended.discard(index)
                boards[index], stones[index], seats[index] = new_game(), 0, rng.randrange(2)
    return outcomes


# Random games


@pytest.mark.parametrize("game", FIRST_AND_OTHERS, ids=lambda game: game.name)
def test_random_games_agree_with_the_brute_force_in_every_mode(game):
    outcomes = play_and_compare(game, MODES, num_games=160, batch_size=80, seed=1)
    assert outcomes["X"] and outcomes["O"]


@settings(max_examples=10, deadline=None, derandomize=True)
@given(game=any_game, seed=st.integers(0, 1000))
def test_any_game_of_up_to_64_cells_agrees_with_the_brute_force(game, seed):
    play_and_compare(game, ["eager"], num_games=16, batch_size=16, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("game", VARIANTS[:8], ids=lambda game: game.name)
def test_ninety_six_thousand_random_games_agree_with_the_brute_force(game):
    play_and_compare(game, ["compiled"], num_games=12_000, batch_size=500, seed=2)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(game=any_game, seed=st.integers(0, 2**32))
def test_random_games_of_sixty_random_games_agree_with_the_brute_force(game, seed):
    play_and_compare(game, ["eager"], num_games=100, batch_size=100, seed=seed)


# Lines


@pytest.mark.parametrize(
    ("game", "count"), [(TIC_TAC_TOE, 8), (CONNECT_FOUR, 69), (VARIANTS[2], 96), (VARIANTS[4], 18)]
)
def test_each_line_wins_and_each_line_but_for_one_stone_does_not(game, count):
    """3 rows + 3 columns + 2 diagonals; 24 + 21 + 12 + 12 in connect four; 32 + 32 + 16 + 16 for 5 of 8 x 8."""
    lines = game.lines()
    assert len({frozenset(line) for line in lines}) == len(lines) == count
    whole = np.array([sum(1 << cell for cell in line) for line in lines], np.uint64).view(np.int64)
    broken = [line[:gap] + line[gap + 1 :] for line in lines for gap in range(game.k)]
    broken = np.array([sum(1 << cell for cell in line) for line in broken], np.uint64).view(np.int64)
    for compiled in (function(game.has_line) for function in MODES.values()):
        assert np.all(compiled(tf.constant(whole)))
        assert not np.any(compiled(tf.constant(broken)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(game=any_game)
def test_lines_are_the_k_cells_in_a_row_that_stay_on_the_board(game):
    expected = set()
    for row in range(game.rows):
        for column in range(game.columns):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                cells = [(row + i * down, column + i * right) for i in range(game.k)]
                if all(0 <= r < game.rows and 0 <= c < game.columns for r, c in cells):
                    expected.add(frozenset(r * game.columns + c for r, c in cells))
    assert {frozenset(line) for line in game.lines()} == expected
    assert [set(np.flatnonzero(column)) for column in game.cells_on_lines().T] == [set(line) for line in game.lines()]


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (4, 3), (2, 6), (6, 2), (1, 12), (12, 1)])
def test_has_line_on_every_bitboard_of_twelve_cells(rows, columns):
    bitboards = tf.range(2**12, dtype=tf.int64)
    stones = (np.arange(2**12)[:, None] >> np.arange(12) & 1).astype(bool)
    boards = stones.astype(int).tolist()
    for k in range(1, max(rows, columns) + 1):
        game = BoardGame("small", rows, columns, k, gravity=False)
        expected = [oracle.has_line(game, cells, 1) for cells in boards]
        np.testing.assert_array_equal(game.has_line(bitboards), expected)
        np.testing.assert_array_equal(game.in_line(stones).any(axis=1), expected)


@pytest.mark.parametrize("game", VARIANTS, ids=lambda game: game.name)
def test_has_line_on_crowded_bitboards_that_no_game_reaches(game):
    rng = np.random.default_rng(3)
    density = rng.uniform(0.1, 0.95, [300, 1])
    boards = (rng.random([300, game.num_cells]) < density).astype(int).tolist()
    bitboards = tf.constant([brute_bits(cells, 1) for cells in boards], tf.int64)
    expected = [oracle.has_line(game, cells, 1) for cells in boards]
    for function in MODES.values():
        np.testing.assert_array_equal(function(game.has_line)(bitboards), expected)


@pytest.mark.parametrize(
    ("game", "drawing"),
    [
        (
            TIC_TAC_TOE,
            """
            . . X
            X X .
            . . .
            """,
        ),
        (
            TIC_TAC_TOE,
            """
            . X .
            . . X
            X . .
            """,
        ),
        (
            CONNECT_FOUR,
            """
            . . . . . . .
            . . . . . . .
            . . . . X X X
            X . . . . . .
            . X . . . . .
            . . X . . . .
            """,
        ),
        (
            CONNECT_FOUR,
            """
            . . . . . . .
            . . . . . X .
            . . . . . . X
            . . . . . . .
            X . . . . . .
            . X . . . . .
            """,
        ),
        (
            CONNECT_FOUR,
            """
            . . . . . . .
            X . . . . . .
            . . . . . . X
            . . . . . X .
            . . . . X . .
            . . . . . . .
            """,
        ),
        (
            BoardGame("k = 2 of 8 x 8", 8, 8, 2, False),
            """
            X . . . . . . .
            . . . . . . . .
            . . . . . . . X
            X . . . . . . .
            . . . . . . . .
            . . . . . . . X
            . . . . . . . .
            . X . . . X . X
            """,
        ),
    ],
)
def test_no_line_runs_round_the_edge_of_the_board(game, drawing):
    stones = game.stones(read_boards(drawing))
    for function in MODES.values():
        assert not np.any(function(game.has_line)(stones))


def test_the_sign_bit_is_a_stone_like_any_other():
    game = BoardGame("8 x 8", 8, 8, 4, gravity=True)
    row, column, diagonal = (tf.constant([sum(1 << cell for cell in cells) - (1 << 64)]) for cells in (
        (60, 61, 62, 63), (39, 47, 55, 63), (36, 45, 54, 63)))
    alone = tf.constant([-(1 << 63)])
    for function in MODES.values():
        has_line = function(game.has_line)
        assert [bool(has_line(stones)[0]) for stones in (row, column, diagonal, alone)] == [True, True, True, False]


# Positions by hand


def test_a_win_on_the_very_last_cell_fills_the_board_and_is_a_win():
    before = read_boards("""
        X O X
        O X O
        O X .
    """)
    position = Position(TIC_TAC_TOE.stones(before), tf.constant([0]))
    for function in MODES.values():
        after = function(TIC_TAC_TOE.play)(position, tf.constant([8]))
        assert TIC_TAC_TOE.is_full(after.stones).numpy().tolist() == [True]
        assert TIC_TAC_TOE.has_line(after.stones).numpy().tolist() == [[True, False]]


def test_cells_are_numbered_row_by_row_from_the_top_and_own_a_bit_each():
    drawn = read_boards("""
        X . O
        . X .
        O . .
    """)
    stones = TIC_TAC_TOE.stones(drawn)
    assert stones.numpy().tolist() == [[0b000_010_001, 0b001_000_100]]
    np.testing.assert_array_equal(TIC_TAC_TOE.board(stones), drawn)
    assert TIC_TAC_TOE.board(stones).dtype == tf.int32
    np.testing.assert_array_equal(TIC_TAC_TOE.planes(stones), [[drawn[0] == 1, drawn[0] == 2]])


def test_a_board_of_any_integer_type_becomes_stones():
    drawn = read_boards("""
        . O X
        . . .
        X . O
    """)
    for dtype in (np.int8, np.uint8, np.int32, np.int64):
        assert TIC_TAC_TOE.stones(drawn.astype(dtype)).numpy().tolist() == [[4 + 64, 2 + 256]]


def test_stones_fall_until_they_meet_another_or_the_floor():
    before = read_boards("""
        O . . . . . .
        X . . . . . .
        O . . . . . .
        X . . . . . .
        O . . O . . .
        X . . X . . .
    """)
    after = read_boards("""
        O . . . . . .
        X . . . . . .
        O . . . . . .
        X . . X . . .
        O . . O . . .
        X . . X . . .
    """)
    stones = CONNECT_FOUR.stones(before)
    assert CONNECT_FOUR.legal_moves(stones).numpy().tolist() == [[False, True, True, True, True, True, True]]
    played = CONNECT_FOUR.play(Position(stones, tf.constant([0])), tf.constant([3]))
    np.testing.assert_array_equal(CONNECT_FOUR.board(played.stones), after)
    assert played.seat.numpy().tolist() == [1]


@pytest.mark.parametrize("action", [0, 7, 1_000_000, -1, -64, 2**31 - 1, -(2**31)])
def test_an_illegal_move_places_nothing(action):
    before = read_boards("""
        O . . . . . .
        X . . . . . .
        O . . . . . .
        X . . . . . .
        O . . . . . .
        X . . . . . .
    """)
    position = Position(CONNECT_FOUR.stones(before), tf.constant([1]))
    for function in MODES.values():
        after = function(CONNECT_FOUR.play)(position, tf.constant([action]))
        np.testing.assert_array_equal(after.stones, position.stones)
        assert after.seat.numpy().tolist() == [0]


def test_a_game_starts_on_an_empty_board_with_the_seat_it_is_given():
    start = CONNECT_FOUR.start(tf.constant([1, 0, 1], tf.int64))
    assert start.stones.numpy().tolist() == [[0, 0], [0, 0], [0, 0]] and start.stones.dtype == tf.int64
    assert start.seat.numpy().tolist() == [1, 0, 1] and start.seat.dtype == tf.int32
    assert np.all(CONNECT_FOUR.legal_moves(start.stones)) and not np.any(CONNECT_FOUR.is_full(start.stones))


# Choosing a legal move


@pytest.mark.parametrize("mode", MODES)
def test_sample_legal_gives_every_legal_move_an_equal_share_of_the_unit_interval(mode):
    legal = tf.constant([[False, True, False, True, True, False]])  # moves 1, 3 and 4
    uniform = tf.constant([0.0, 0.333, 0.334, 0.666, 0.667, np.nextafter(np.float32(1), np.float32(0))])
    chosen = MODES[mode](sample_legal)(tf.repeat(legal, 6, axis=0), uniform)
    assert chosen.numpy().tolist() == [1, 1, 3, 3, 4, 4] and chosen.dtype == tf.int32


def test_sample_legal_takes_the_only_legal_move():
    legal = tf.eye(64, dtype=tf.int32) > 0
    for uniform in (0.0, 0.5, 0.9999999):
        assert sample_legal(legal, tf.fill([64], uniform)).numpy().tolist() == list(range(64))


# Descriptions


def test_games_are_found_by_name():
    assert get_game("tic_tac_toe") is TIC_TAC_TOE and get_game("connect_four") is CONNECT_FOUR


def test_every_game_of_this_kind_has_a_name_that_describes_it():
    assert get_game("5x5x4") == BoardGame("5x5x4", rows=5, columns=5, k=4, gravity=False)
    assert get_game("7x9x4-gravity") == BoardGame("7x9x4-gravity", rows=7, columns=9, k=4, gravity=True)


@pytest.mark.parametrize("name", ["chess", "5x5", "5x5x4x3", "-5x5x4", "5X5X4", ""])
def test_unknown_games(name):
    with pytest.raises(InputError, match=f"^unknown environment '{name}': choose one of tic_tac_toe, connect_four, "):
        get_game(name)


@pytest.mark.parametrize("name", ["5x5x4-float", "5x05x4"])
def test_games_that_are_not_well_described(name):
    with pytest.raises(InputError, match=f"^environment = '{name}': a board is described as ROWSxCOLUMNSxK, such as "):
        get_game(name)


@pytest.mark.parametrize(
    "name, message",
    [
        ("9x9x5", "a board of 9 rows and 9 columns is not supported"),
        ("3x3x4", "k = 4 stones in a line do not fit on 3 rows"),
    ],
)
def test_boards_that_cannot_be(name, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        get_game(name)


@pytest.mark.parametrize(
    ("rows", "columns", "k", "sentence"),
    [
        (5, 13, 4, "a board of 5 rows and 13 columns is not supported: it needs at least one cell and at most 64"),
        (0, 3, 1, "a board of 0 rows and 3 columns is not supported: it needs at least one cell and at most 64"),
        (-3, -3, 1, "a board of -3 rows and -3 columns is not supported: it needs at least one cell and at most 64"),
        (3, 4, 5, "k = 5 stones in a line do not fit on 3 rows and 4 columns: choose 1 to 4"),
        (3, 4, 0, "k = 0 stones in a line do not fit on 3 rows and 4 columns: choose 1 to 4"),
    ],
)
def test_a_game_that_cannot_be_played_is_refused_in_one_sentence(rows, columns, k, sentence):
    with pytest.raises(ValueError) as error:
        BoardGame("impossible", rows, columns, k, gravity=False)
    assert str(error.value) == sentence
