"""Connect-four positions in which the exact score of every move is known: what share of a player's moves is good?

Seven sets ship with the package. In each of them every position is from another game, and no two are the same or mirror
images of each other:

    early              plies  0 to 11   1,000   at least one legal move gives value away, in each of these positions
    middle             plies 12 to 23   1,000   the same
    late               plies 24 to 40   1,000   the same
    close              plies  8 to 20   2,500   whatever came up, so also positions in which nothing can go wrong
    critical           plies  0 to 40   2,500   at least one legal move gives value away
    choosing_close     plies  8 to 20   2,500   as `close`
    choosing_critical  plies  0 to 40   2,500   as `critical`

The first three come from games of mixed strength (perfect play with random moves mixed in, of each side its own share),
the others from closer games: both sides play well, and move at random equally often, 10 to 30 % of the time. Whatever
is chosen (a setting, a trial of a search, a checkpoint) is chosen in the two sets that are there for it; so `close` and
`critical`, which have other positions of other games, say how good it is.

`benchmarks/label_positions.py` made them with a perfect solver; reading and using them needs no solver, and no
TensorFlow. A file is plain text in gzip, a position per line: the columns played so far (0 is the left one), then the
score of a move in each column, empty where the column is full.

A score counts stones, and a higher one is better for the mover (the scale of https://blog.gamesolver.org). With
perfect play after the move, the mover wins with their (22 - score)-th stone if it is positive, loses to the
opponent's (22 + score)-th if it is negative, and 0 is a draw.
"""

import dataclasses
import functools
import gzip
import pathlib
import re
import zlib

import numpy as np

from imagents.environments.boards.grid import Grid, move_probabilities
from imagents.errors import InputError

ROWS, COLUMNS = 6, 7
MIXED = {"early": range(0, 12), "middle": range(12, 24), "late": range(24, 41)}  # plies, by set
CLOSER = {"close": range(8, 21), "critical": range(0, 41)}
CHOOSING = {f"choosing_{name}": plies for name, plies in CLOSER.items()}
SETS = MIXED | CLOSER | CHOOSING
SIZES = dict.fromkeys(SETS, 2500) | dict.fromkeys(MIXED, 1000)  # positions in each set
ILLEGAL = -128  # in `LabelledPositions.scores`: below every score, so that no maximum picks a full column
COLUMN_HEADINGS = "columns_played,0,1,2,3,4,5,6"

_GRID = Grid("connect_four", ROWS, COLUMNS, k=4, gravity=True)
_DATA = pathlib.Path(__file__).parent / "data"
_LINE = re.compile(r"([0-6]*)" + r",(-?[0-9]{1,2})?" * COLUMNS)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledPositions:
    """N positions in which the game goes on, ordered by ply; arrays are read-only, row 0 of a board is the top row.

    played:   N strings, the columns played so far as digits; their lengths are the plies.
    own:      bool `[N, 6, 7]`, stones of the mover, the side to move.
    opponent: bool `[N, 6, 7]`, the other side's stones.
    ply:      int8 `[N]`, plies played so far; even where the first mover is to move.
    legal:    bool `[N, 7]`, columns that are not full.
    scores:   int8 `[N, 7]`, exact score of each move for the mover, -21 to 21; `ILLEGAL` (-128) for full columns.
    good:     bool `[N, 7]`, moves that keep the value: win, draw or loss.
    perfect:  bool `[N, 7]`, good moves that also win fastest or lose slowest.
    """

    played: tuple[str, ...]
    own: np.ndarray
    opponent: np.ndarray
    ply: np.ndarray
    legal: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.played)

    @functools.cached_property
    def good(self) -> np.ndarray:
        # The sign of a score is its value. A full column's is that of a loss, so legality is asked separately.
        return _read_only(self.legal & (np.sign(self.scores) == np.sign(self.scores.max(axis=1, keepdims=True))))

    @functools.cached_property
    def perfect(self) -> np.ndarray:
        return _read_only(self.scores == self.scores.max(axis=1, keepdims=True))

    def boards(self, seat: int) -> np.ndarray:
        """Returns int8 `[N, 6, 7]`: every position as a board on which `seat` (0 or 1) is to move."""
        if seat not in (0, 1):
            raise InputError(f"seat = {seat!r}: seats are 0 and 1")
        return self.own * np.int8(seat + 1) + self.opponent * np.int8(2 - seat)


@dataclasses.dataclass(frozen=True)
class MoveQuality:
    """How good a player's moves are.

    good:      share of moves that keep the value (win, draw or loss), 0 to 1.
    perfect:   share of moves that also win fastest or lose slowest, 0 to 1; never more than `good`.
    positions: number of positions, so that a reader can tell what a difference is worth.
    """

    good: float
    perfect: float
    positions: int


def load(name: str) -> LabelledPositions:
    """Returns a set that ships with the package.

    Args:
        name: one of `SETS`.

    Raises:
        InputError: if there is no such set, or its file is damaged.
    """
    if name not in SETS:
        raise InputError(f"there is no set of positions called {name!r}; there are {', '.join(SETS)}")
    path = data_file(name)
    positions = _read_once(path)
    if len(positions) != SIZES[name]:
        raise InputError(f"{path.name} holds {len(positions)} positions instead of {SIZES[name]}")
    return positions


def evaluate(moves: np.ndarray, positions: LabelledPositions) -> MoveQuality:
    """Measures the moves that a player chooses in labelled positions.

    Args:
        moves: int `[N]`, the column chosen in each position, or `[N, 7]`, the probability of each column. A move in
            a full column is allowed, and is neither good nor perfect.
        positions: N positions.

    Returns:
        A `MoveQuality`.

    Raises:
        InputError: if `moves` is neither.
    """
    policy = move_probabilities(moves, len(positions), COLUMNS)
    # Rounding must not lift a share above 1, nor `perfect` above `good`: sum them in the same order.
    good, perfect = ((policy * kind).sum(axis=1).mean() for kind in (positions.good, positions.perfect))
    return MoveQuality(float(good), float(perfect), len(positions))


def data_file(name: str) -> pathlib.Path:
    """Returns where the set `name` lies."""
    return _DATA / f"connect_four_{name}.csv.gz"


def lines(path: pathlib.Path) -> list[str]:
    """The lines of a file of labelled positions.

    Raises:
      InputError: if the file is damaged so that they cannot be told.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path.name} is damaged: {error}") from None
    return text.removesuffix("\n").split("\n")


def read(path: pathlib.Path) -> LabelledPositions:
    """Reads a file of labelled positions.

    Raises:
        InputError: if the file is damaged; names the file and the line.
    """
    found = lines(path)
    headings = next((number for number, line in enumerate(found) if not line.startswith("#")), 0)
    if found[headings] != COLUMN_HEADINGS:
        raise InputError(f'{path.name}, line {headings + 1}: expected the column headings "{COLUMN_HEADINGS}".')
    first_number = headings + 2  # of a line with a position; people count lines from 1
    rows = []
    for number, line in enumerate(found[headings + 1 :], first_number):
        try:
            rows.append(_parse(line))
        except ValueError as error:
            raise InputError(f"{path.name}, line {number}: {error}") from None
    if not rows:
        raise InputError(f"{path.name}: there are no positions in it")
    played, stones, scores = zip(*rows, strict=True)
    stones = np.array(stones)
    over = _GRID.in_line(stones.reshape(len(stones), 2, -1)).any(axis=(1, 2))
    if over.any():
        number = over.argmax() + first_number
        raise InputError(f"{path.name}, line {number}: the game is over, there are four in a row")
    scores = np.array(scores, np.int8)
    ply = stones.sum(axis=(1, 2, 3), dtype=np.int8)
    arrays = (stones[:, 0], stones[:, 1], ply, scores != ILLEGAL, scores)
    return LabelledPositions(played, *map(_read_only, arrays))


_read_once = functools.cache(read)


def _parse(line: str):
    """Returns the columns played, the stones (bool `[2, 6, 7]`, the mover's first) and 7 scores; or says why not."""
    fields = _LINE.fullmatch(line)
    if fields is None:
        raise InputError("expected columns 0 to 6 as digits and then seven scores, separated by commas")
    played, *scores = fields.groups()
    heights = [0] * COLUMNS
    stones = np.zeros([2, ROWS, COLUMNS], bool)
    for ply, column in enumerate(map(int, played)):
        if heights[column] == ROWS:
            raise InputError(f"a seventh stone in column {column}")
        side = (len(played) - ply) % 2  # 0 where the mover played it: 2, 4, ... plies ago
        stones[side, ROWS - 1 - heights[column], column] = True
        heights[column] += 1
    for column, score in enumerate(scores):
        full = heights[column] == ROWS
        if full != (score is None):
            raise InputError(f"column {column} is full and has a score" if full else f"column {column} has no score")
        if score is not None and abs(int(score)) > 21:
            raise InputError(f"the score {score} is not in -21 to 21")
    if min(heights) == ROWS:
        raise InputError("the game is over, the board is full")
    return played, stones, [ILLEGAL if score is None else int(score) for score in scores]


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
