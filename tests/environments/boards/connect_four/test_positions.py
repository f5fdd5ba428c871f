"""The shipped connect-four positions keep their promises, and their scores are those of another solver."""

import functools
import gzip
import subprocess
import sys

import numpy as np
import pytest
from oracle import draw_board

from imagents.environments.boards.connect_four import positions

CLOSE = {"close": 1253, "choosing_close": 1249}  # in so many positions nothing can go wrong
STEPS = 50  # positions of a set that the solver looks at


@pytest.fixture(params=positions.SETS)
def name(request):
    return request.param


@functools.cache
def load(name):
    return positions.load(name)


def file_with(folder, *rows, headings="columns_played,0,1,2,3,4,5,6"):
    path = folder / "some.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["# how it was made", headings, *rows, ""]).encode()))
    return path


def identities(table):
    """The same for positions that are the same or mirror images."""
    return {min(board.tobytes(), board[:, ::-1].tobytes()) for board in table.boards(0)}


# Rules and a solver of our own, in plain Python. A side is a set of (column, height) with height 0 at the bottom.


def has_four(stones):
    for column, height in stones:
        for right, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
            if all((column + step * right, height + step * up) in stones for step in range(4)):
                return True
    return False


def replay(played):
    """Returns the mover's stones and the other side's."""
    mover, other = frozenset(), frozenset()
    for column in map(int, played):
        height = sum(column == taken for taken, _ in mover | other)
        mover, other = other, mover | {(column, height)}
    return mover, other


def score_of_move(mover, other, column):
    """22 minus the number of stones with which the winner wins, negative if it is the other side; 0 for a draw."""
    height = sum(column == taken for taken, _ in mover | other)
    mover = mover | {(column, height)}
    return 22 - len(mover) if has_four(mover) else -score(other, mover)


@functools.cache
def score(mover, other):
    columns = [c for c in range(7) if sum(c == taken for taken, _ in mover | other) < 6]
    return max((score_of_move(mover, other, column) for column in columns), default=0)


# The sets


SPREAD = [("early", 0, 11), ("middle", 12, 23), ("late", 24, 40), ("close", 8, 20), ("choosing_close", 8, 20)]


@pytest.mark.parametrize("name, first, last", SPREAD)
def test_a_set_is_spread_over_all_its_plies(name, first, last):
    table = load(name)
    plies, counts = np.unique(table.ply, return_counts=True)
    assert plies.tolist() == list(range(first, last + 1))
    if name == "early":  # there is one empty board, and three first moves up to mirror image
        plies, counts = plies[3:], counts[3:]
    assert counts.min() > 2 / 3 * counts.max()


def test_no_two_positions_are_the_same_or_mirror_images(name):
    table = load(name)
    assert len(identities(table)) == len(table) == len(table.played) == (1000 if name in positions.MIXED else 2500)


def test_closer_positions_are_in_one_set_each():
    each = [identities(load(name)) for name in positions.CLOSER | positions.CHOOSING]
    assert len(set.union(*each)) == sum(map(len, each)) == 10_000


def test_each_side_has_its_stones(name):
    table = load(name)
    assert not (table.own & table.opponent).any()
    own, opponent = table.own.sum(axis=(1, 2)), table.opponent.sum(axis=(1, 2))
    np.testing.assert_array_equal(own, table.ply // 2)  # the first mover is to move at even plies
    np.testing.assert_array_equal(opponent, (table.ply + 1) // 2)


def test_no_stone_hovers(name):
    occupied = load(name).own | load(name).opponent
    assert (occupied[:, 1:] | ~occupied[:, :-1]).all()  # row 0 is the top row


def test_no_game_is_over(name):
    table = load(name)
    assert table.legal.any(axis=1).all()
    assert not any(has_four(stones) for played in table.played for stones in replay(played))


def test_a_column_is_legal_and_has_a_score_unless_it_is_full(name):
    table = load(name)
    np.testing.assert_array_equal(table.legal, (table.own | table.opponent).sum(axis=1) < 6)
    assert (table.scores[~table.legal] == positions.ILLEGAL).all()
    assert abs(table.scores[table.legal]).max() <= 21


def test_a_legal_move_gives_value_away_in_each_position_but_for_close_ones(name):
    table = load(name)
    nothing_to_lose = ~(table.legal & ~table.good).any(axis=1)
    assert nothing_to_lose.sum() == CLOSE.get(name, 0)


def test_a_best_move_is_good_and_perfect(name):
    table = load(name)
    assert table.perfect.any(axis=1).all()
    assert (table.good | ~table.perfect).all()
    assert (table.legal | ~table.good).all()


def test_the_empty_board_has_its_known_scores():
    np.testing.assert_array_equal(load("early").scores[0], [-2, -1, 0, 1, 0, -1, -2])  # blog.gamesolver.org


def test_scores_are_those_of_another_solver():
    table = load("late")
    checked = 0
    for played, legal, scores in zip(table.played, table.legal, table.scores, strict=True):
        if len(played) >= 34:
            stones = replay(played)
            expected = [score_of_move(*stones, column) for column in np.flatnonzero(legal)]
            assert scores[legal].tolist() == expected, played
            checked += 1
    assert checked == 406


def test_a_winning_move_has_the_score_of_a_win_at_once_and_no_other_move_has(name):
    table = load(name)
    for played, legal, scores, ply in zip(table.played, table.legal, table.scores, table.ply, strict=True):
        mover, other = replay(played)
        for column in np.flatnonzero(legal):
            height = sum(column == taken for taken, _ in mover | other)
            assert has_four(mover | {(column, height)}) == (scores[column] == 21 - ply // 2), played


def test_the_solver_gives_the_same_scores_and_mirrored_ones_to_the_mirror_image(name):
    bitbully = pytest.importorskip("bitbully", reason="needs the extra `solver`")
    solver, table = bitbully.BitBully(), load(name)
    for row in range(0, len(table), len(table) // STEPS):
        board = bitbully.Board(table.played[row])
        labels = {column: table.scores[row, column] for column in np.flatnonzero(table.legal[row])}
        assert solver.score_all_moves(board) == labels
        assert solver.score_all_moves(board.mirror()) == {6 - column: label for column, label in labels.items()}


# What a position looks like


def test_boards_show_the_mover_in_the_seat_that_is_asked_for(tmp_path):
    table = positions.read(file_with(tmp_path, "3340,1,2,3,4,5,6,7", "333,0,0,0,0,0,0,0"))
    assert draw_board(table.boards(0)[0, 4:]) == "...O...\nO..XX.."
    assert draw_board(table.boards(0)[1, 2:]) == ".......\n...O...\n...X...\n...O..."
    assert draw_board(table.boards(1)[0, 4:]) == "...X...\nX..OO.."
    np.testing.assert_array_equal(table.boards(1), np.array([0, 2, 1])[table.boards(0)])
    with pytest.raises(ValueError, match="seat = 2: seats are 0 and 1"):
        table.boards(2)


def test_arrays_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        load("late").scores[0] = 0


# Measuring a player


@pytest.fixture
def two_positions(tmp_path):
    """The first is won, fastest by column 2; the second is lost, latest by columns 4 and 5, and column 3 is full."""
    return positions.read(file_with(tmp_path, "01,0,3,18,-2,1,0,-1", "333333,-5,-5,-5,,-2,-2,-3"))


def test_good_moves_keep_the_value_and_perfect_ones_also_the_distance(two_positions):
    assert two_positions.good.astype(int).tolist() == [[0, 1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 1, 1, 1]]
    assert two_positions.perfect.astype(int).tolist() == [[0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0]]


@pytest.mark.parametrize(
    "moves, good, perfect",
    [([2, 5], 1.0, 1.0), ([1, 0], 1.0, 0.0), ([3, 4], 0.5, 0.5), ([0, 6], 0.5, 0.0), ([2, 3], 0.5, 0.5)],
    ids=["perfect", "slow win, fast loss", "win turned into a loss", "win turned into a draw", "full column"],
)
def test_moves_are_measured(two_positions, moves, good, perfect):
    assert positions.evaluate(np.array(moves), two_positions) == positions.MoveQuality(good, perfect, 2)


def test_probabilities_are_measured_by_their_expectation(two_positions):
    policy = np.array([[0.5, 0.25, 0.25, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.25, 0, 0.25]], np.float32)
    assert positions.evaluate(policy, two_positions) == positions.MoveQuality(good=0.5, perfect=0.25, positions=2)


# Exact: averages of (number of good moves) / (number of legal moves), and the same for perfect ones.
@pytest.mark.parametrize(
    "name, good, perfect",
    [
        ("early", 0.385048, 0.224452),
        ("middle", 0.435014, 0.250902),
        ("late", 0.462498, 0.383864),
        ("close", 0.702350, 0.338874),
        ("critical", 0.440864, 0.323858),
        ("choosing_close", 0.698850, 0.350933),
        ("choosing_critical", 0.438937, 0.315669),
    ],
)
def test_a_random_player_finds_this_share_of_good_and_perfect_moves(name, good, perfect):
    table = load(name)
    result = positions.evaluate(table.legal / table.legal.sum(axis=1, keepdims=True), table)
    assert result.good == pytest.approx(good, abs=5e-7)
    assert result.perfect == pytest.approx(perfect, abs=5e-7)


def test_the_best_move_of_each_position_is_all_good_and_perfect(name):
    table = load(name)
    assert positions.evaluate(table.scores.argmax(axis=1), table) == positions.MoveQuality(1.0, 1.0, len(table))


NO_PROBABILITIES = "moves are no probabilities: every row has to be non-negative and to sum to 1"


@pytest.mark.parametrize(
    "moves, sentence",
    [
        (np.array([2, 7]), "moves range from 2 to 7: they are 0 to 6"),
        (np.array([-1, 2]), "moves range from -1 to 2: they are 0 to 6"),
        (np.array([2, 3, 4]), r"moves are int64 \[3\]: integers \[2\] or probabilities \[2, 7\] are needed"),
        (np.array([2.0, 3.0]), r"moves are float64 \[2\]: integers \[2\] or probabilities \[2, 7\] are needed"),
        (np.ones([2, 7]), NO_PROBABILITIES),
        (np.full([2, 7], np.nan), NO_PROBABILITIES),
    ],
)
def test_what_is_no_choice_of_moves_is_refused(two_positions, moves, sentence):
    with pytest.raises(ValueError, match=sentence):
        positions.evaluate(moves, two_positions)


# Bad input


def test_an_unknown_set_lists_the_known_ones():
    with pytest.raises(ValueError, match="'hard'; there are early, middle, late, close, critical, cho"):
        positions.load("hard")


DAMAGED = {
    "334,1,2,3,4,5,6": "expected columns 0 to 6 as digits and then seven scores",
    "334,1,2,3,4,5,6,7,8": "expected columns 0 to 6 as digits and then seven scores",
    "337,1,2,3,4,5,6,7": "expected columns 0 to 6 as digits and then seven scores",
    "334,1,2,3,4,5,6,x": "expected columns 0 to 6 as digits and then seven scores",
    "": "expected columns 0 to 6 as digits and then seven scores",
    "334,1,2,3,4,5,6,22": "the score 22 is not in -21 to 21",
    "334,1,2,3,4,5,,7": "column 5 has no score",
    "333333,1,2,3,4,5,6,7": "column 3 is full and has a score",
    "3333333,1,2,3,,5,6,7": "a seventh stone in column 3",
    "3040506,1,2,3,4,5,6,7": "the game is over, there are four in a row",
    "0011223,1,2,3,4,5,6,7": "the game is over, there are four in a row",
}


@pytest.mark.parametrize("row", DAMAGED)
def test_a_damaged_line_is_named(tmp_path, row):
    path = file_with(tmp_path, "3,1,2,3,4,5,6,7", row, "33,1,2,3,4,5,6,7")
    with pytest.raises(ValueError, match=rf"^some\.csv\.gz, line 4: .*{DAMAGED[row]}"):
        positions.read(path)


def test_lines_in_every_direction_end_a_game(tmp_path):
    for played in ("0616263", "0102030", "0112622363533", "6554044303133"):
        with pytest.raises(ValueError, match="line 3: the game is over"):
            positions.read(file_with(tmp_path, played + ",0,0,0,0,0,0,0"))


def test_another_file_is_refused(tmp_path):
    for content in (b"", bytes(range(256)), gzip.compress(b"\xff"), gzip.compress(b"cut off")[:-4]):
        (tmp_path / "binary.csv.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"binary\.csv\.gz is damaged|binary\.csv\.gz, line 1: exp"):
            positions.read(tmp_path / "binary.csv.gz")
    with pytest.raises(ValueError, match=r"some\.csv\.gz, line 2: expected the column headings"):
        positions.read(file_with(tmp_path, headings="moves"))
    with pytest.raises(ValueError, match=r"some\.csv\.gz: there are no positions in it"):
        positions.read(file_with(tmp_path))


def test_a_shipped_file_that_was_cut_is_refused(tmp_path, monkeypatch):
    whole = gzip.decompress(positions.data_file("late").read_bytes()).splitlines(keepends=True)
    (tmp_path / "connect_four_late.csv.gz").write_bytes(gzip.compress(b"".join(whole[:500])))
    monkeypatch.setattr(positions, "_DATA", tmp_path)
    with pytest.raises(ValueError, match=r"connect_four_late\.csv\.gz holds 498 positions instead of 1000"):
        positions.load("late")


def test_the_files_say_how_they_were_made_and_are_small(name):
    path = positions.data_file(name)
    of_set = f"--set {name.removeprefix('choosing_')} --seed "
    assert positions.lines(path)[0].startswith(f"# python -m benchmarks.label_positions {of_set}")
    assert path.stat().st_size < 20 * len(load(name))


@pytest.mark.parametrize(
    "name, size", [("early", 50), ("middle", 3), ("late", 3), ("close", 3), ("critical", 3), ("choosing_critical", 3)]
)
def test_the_script_makes_the_same_positions_again(name, size):
    pytest.importorskip("bitbully", reason="needs the extra `solver`")
    from benchmarks import label_positions, labelled_games

    table, games = load(name), range(int(name in positions.CHOOSING), 100, 2 if name not in positions.MIXED else 1)
    shipped = dict(zip(table.played, table.scores.tolist(), strict=True))
    if name in positions.MIXED:
        source = labelled_games.MixedGames(name, 0, labelled_games.Solver())
    else:
        source = labelled_games.CloserGames(name, 0, labelled_games.Solver(), of_agents={})  # those of the solver alone
    # What the first games give does not depend on how many games follow.
    for played, scores in label_positions.collect(map(source.candidates, games), size)[0]:
        assert [positions.ILLEGAL if s == labelled_games.FULL else s for s in scores] == shipped[played]


def test_the_solver_goes_on_where_it_was(tmp_path):
    pytest.importorskip("bitbully", reason="needs the extra `solver`")
    from benchmarks.labelled_games import Solver

    found = Solver(tmp_path / "known")("333")
    (tmp_path / "known").write_text("333,1,2,3,4,5,6,7.\n334,1,2,3,4,5,6,-1")  # killed while it wrote
    again = Solver(tmp_path / "known")
    assert found != again("333") == (1, 2, 3, 4, 5, 6, 7) and again("334")[6] != -1
    assert Solver(tmp_path / "known")("334") == again("334")


def test_no_solver_is_needed_to_use_them():
    program = """
import sys
sys.modules["bitbully"] = None  # importing it fails from here on
from imagents.environments.boards.connect_four import positions
print(len(positions.load("late")))
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "1000\n"
