"""Games in a terminal: a person against a player, or two players to watch.

Plain lines of text, 80 columns at most, so that it works over any connection, in a pipe and with a screen reader.
"""

import itertools
import os
import sys
import textwrap
import time
from collections.abc import Callable, Mapping

import numpy as np

from imagents.animation import check_format
from imagents.app.cast import TRAINED
from imagents.app.minds import Mind, ModelMind
from imagents.app.recording import record
from imagents.app.session import PERSON, Session
from imagents.environments.boards.record import Record
from imagents.environments.boards.verdicts import move_scores, move_verdict, position_verdict
from imagents.errors import InputError

_HELP = """\
  a number   plays there: the number of a free cell, or of a column
  h          a hint: what the agent expects of each move, and the exact verdict
  u          takes back your last move
  n          a new game          b   the board again
  q          the end; so do Ctrl-D and Ctrl-C"""
_RESET, _DIM, _BOLD = "\033[0m", "\033[2m", "\033[1m"
_COLOURS = ("\033[38;5;208m", "\033[38;5;39m")  # orange and blue, as in every drawing


class Terminal:
    """A session in a terminal.

    Args:
      session: the games.
      minds: who thinks for each seat; None for a person.
      adviser: whose Q values a hint shows; None for nobody's.
      scorer: tells the exact worth of moves, `environment.scorer()`; None if nobody can.
      colour: whether to use colours.
      seconds: how long to wait between the moves of two players that are watched.
      hints: whether to give a hint before every move of a person's.
      ask: prints a prompt and returns the answer; `input` if None.
      show: prints a text.
    """

    def __init__(
        self,
        session: Session,
        minds: tuple[Mind | None, Mind | None],
        adviser: Mind | None = None,
        scorer: Callable | None = None,
        colour: bool = False,
        seconds: float = 1.0,
        hints: bool = False,
        ask: Callable[[str], str] | None = None,
        show: Callable[[str], None] = print,
    ):
        self.session, self._minds, self._adviser, self._scorer = session, minds, adviser, scorer
        self._colour, self._seconds, self._hints = colour, seconds, hints
        self._ask, self._show = ask or input, show

    def play(self, begins: Callable[[int], int]) -> None:
        """Plays until the person has had enough.

        Args:
          begins: from the number of games so far to the seat that begins the next one.
        """
        self._show("? explains what you can type\n")
        for games in itertools.count(1):
            if not self._play_game():
                break
            self.session.new_game(begins(games))
        self._show(self._score())

    def watch(self) -> None:
        """Shows one game between two players."""
        session = self.session
        self._show(f"{self.board()}\n")
        while not session.record.is_over:
            started = time.monotonic()
            self._let_think()
            time.sleep(max(0.0, self._seconds - (time.monotonic() - started)))
            self._show(f"{self._last_move()}\n{self.board()}\n")
        self._show(self._result())

    def board(self) -> str:
        """The board; free cells show their numbers, or columns theirs below."""
        record, columns = self.session.record, self.session.game.columns
        lines = ["".join(self._cell(record, row * columns + column) for column in range(columns))
                 for row in range(record.game.rows)]
        if record.game.gravity:
            lines.append("".join(f"{column:^3}" for column in range(columns)).rstrip())
            if record.moves:
                lines.append("   " * record.moves[-1] + " ^")
        return "\n".join(f"  {line}" for line in lines)

    def hint(self) -> str:
        """A line per move: the agent's Q value, and what the exact verdict says about it."""
        record = self.session.record
        scores = move_scores(record, self._scorer)
        q_values = self._adviser.think(record).q_values if self._adviser else None
        if scores is None and q_values is None:
            return "there is no agent and no solver to ask about this game"
        best = None if q_values is None else int(np.nanargmax(q_values))
        lines = ["move   Q value   " + ("exactly" if scores is not None else "")]
        for action in record.legal:
            q_value = " " * 7 if q_values is None else f"{q_values[action]:+7.3f}"
            mark = "*" if action == best else " "
            lines.append(f"{action:4}   {q_value} {mark} {move_verdict(scores, action)}".rstrip())
        if verdict := position_verdict(record, scores, "XO"):
            lines.append(verdict)
        return "\n".join(lines)

    def _play_game(self) -> bool:
        """One game; returns whether there is to be another."""
        while True:
            session = self.session
            if session.record.is_over:
                self._show(f"{self.board()}\n{self._result()}\n{self._score()}\n")
                answer = choose(self._ask, "Enter for another game, u to take back, q to end: ", "", "u", "q")
                if answer == "u":
                    session.undo()
                    continue
                return answer == ""
            if not session.is_persons_turn:
                self._let_think()
                self._show(self._last_move())
                continue
            self._show(f"{self.board()}\n" + (f"{self.hint()}\n" if self._hints else ""))
            answer = self._answer()
            if answer is None:
                return False
            if answer == "new":
                return True

    def _answer(self) -> str | None:
        """Asks until something is done; "new" for a new game, None for the end."""
        record = self.session.record
        kind = "column" if record.game.gravity else "cell"
        while True:
            answer = self._ask(f"{self._side(record.seat)}, your {kind}: ").strip().lower()
            if answer in ("q", "quit", "exit"):
                return None
            if answer in ("n", "new"):
                return "new"
            if answer in ("b", "board"):
                self._show(self.board())
            elif answer in ("?", "help"):
                self._show(_HELP)
            elif answer in ("h", "hint"):
                self._show(self.hint())
            elif answer in ("u", "undo"):
                if self.session.undo():
                    return "undone"
                self._show("there is nothing to take back yet")
            elif not (answer.isascii() and answer.isdecimal()):
                shown = answer if len(answer) <= 20 else answer[:20] + "..."
                self._show(self._free(f"{shown!r} is no {kind}" if answer else f"a {kind}, please"))
            else:
                try:
                    self.session.play(int(answer[:9]))
                    if self._hints:
                        self._show(self._last_move())
                    return "played"
                except InputError as error:
                    self._show(self._free(str(error)))

    def _free(self, said: str) -> str:
        free = ", ".join(map(str, self.session.record.legal))
        return textwrap.fill(f"{said}; free are {free} (? explains what else you can type)", 79)

    def _let_think(self) -> None:
        record = self.session.record
        self.session.play(self._minds[record.seat].think(record).action)

    def _last_move(self) -> str:
        record = self.session.record
        before = record.until(len(record.moves) - 1)
        kind = "column" if record.game.gravity else "cell"
        line = f"{self._who(before.seat)} plays {kind} {record.moves[-1]}"
        # A slow scorer may take a second: only who asks for hints waits for it.
        waits = self._hints or not getattr(self._scorer, "is_slow", False)
        scores = move_scores(before, self._scorer if waits else None)
        verdict = move_verdict(scores, record.moves[-1])
        return f"{line}, which {verdict}" if verdict.startswith("gives") or (verdict and self._hints) else line

    def _result(self) -> str:
        record = self.session.record
        if record.winner is None:
            return self._strong("A draw.")
        if self.session.players[record.winner] == PERSON:
            return self._strong("You win!")
        return self._strong(f"{self._who(record.winner)} wins.")

    def _score(self) -> str:
        won = [f"{self._who(seat)} {self.session.score[seat]}" for seat in (0, 1)]
        return f"score: {won[0]}, {won[1]}, drawn {self.session.score[2]}"

    def _who(self, seat: int) -> str:
        name = self.session.players[seat]
        return f"{self._side(seat)} ({name if len(name) <= 28 else '...' + name[-25:]})"

    def _side(self, seat: int) -> str:
        return self._paint("XO"[seat], _COLOURS[seat])

    def _cell(self, record: Record, number: int) -> str:
        stone = record.board.flat[number]
        if stone:
            shown = f"[{'XO'[stone - 1]}]" if number in record.winners else f" {'XO'[stone - 1]} "
            is_last = number == record.cells[-1]
            return self._paint(shown, _COLOURS[stone - 1] + (_BOLD if number in record.winners or is_last else ""))
        return " . " if record.game.gravity else self._paint(f"{number:^3}", _DIM)

    def _paint(self, text: str, codes: str) -> str:
        return f"{codes}{text}{_RESET}" if self._colour else text

    def _strong(self, text: str) -> str:
        return self._paint(text, _BOLD)


def prepare(command) -> Callable[[], int]:
    """Does what can fail; returns what plays, and returns the exit status.

    Args:
      command: what `imagents play` was asked for, an `imagents.app.commands.Play`.

    Raises:
      InputError: one sentence about what cannot be.
    """
    if command.watch and len(command.watch) != 2:
        raise InputError(f"--watch {' '.join(command.watch)}: two players can be watched, as in --watch trained random")
    if not 0 <= command.seconds <= 3600:
        raise InputError(f"--seconds {command.seconds:g}: how long to wait between moves is 0 to 3600")
    check_opponents(command.opponent, *command.watch)
    if command.record is not None:
        check_format(command.record)

    import random

    from imagents.app.local import make_mind
    from imagents.config import DEFAULT_ENVIRONMENT
    from imagents.environments.boards.settings import board_settings
    from imagents.evaluation.tournament import environment_of

    names = command.watch or (command.opponent,)
    environment = board_settings(command.environment or environment_of(names) or DEFAULT_ENVIRONMENT)
    seed = random.SystemRandom().getrandbits(30) if command.seed is None else command.seed
    random.seed(seed)
    options = {"scorer": environment.scorer(), "seconds": command.seconds, "hints": command.hints}
    options["colour"] = wants_colour(sys.stdout, os.environ)
    if command.watch:
        names = enumerate(command.watch)
        minds = tuple(make_mind(name, environment, seat, seed, command.policy) for seat, name in names)
        terminal = Terminal(Session(environment.grid, command.watch, random.randrange(2)), minds, **options)
        return _job(terminal, terminal.watch, command)

    other = make_mind(command.opponent, environment, 1 - command.seat, seed, command.policy)
    minds = (None, other) if command.seat == 0 else (other, None)
    players = (PERSON, command.opponent) if command.seat == 0 else (command.opponent, PERSON)
    try:
        adviser = other if isinstance(other, ModelMind) else make_mind(TRAINED, environment, 0)
    except InputError:  # none ships of this game
        adviser = None
    starts = {"you": lambda games: command.seat, "opponent": lambda games: 1 - command.seat,
              "turns": lambda games: (command.seat + games) % 2, "random": lambda games: random.randrange(2)}
    begins = starts[command.begins]
    terminal = Terminal(Session(environment.grid, players, begins(0)), minds, adviser, **options)
    return _job(terminal, lambda: terminal.play(begins), command)


def choose(ask: Callable[[str], str], prompt: str, *letters: str) -> str:
    """Asks until the answer is one of these letters, "" for Enter, or a word for one; returns the letter."""
    words = {"": "", "n": "", "new": "", "u": "u", "undo": "u", "q": "q", "quit": "q", "exit": "q"}
    while (answer := words.get(ask(prompt).strip().lower())) not in letters:
        pass
    return answer


def check_opponents(*names: str) -> None:
    """Raises an InputError if one of them is a person."""
    if {PERSON, "person"} & {*names}:
        raise InputError("you are one of the players already: choose another, such as trained or random")


def wants_colour(stream, environ: Mapping[str, str]) -> bool:
    """Whether to write in colour: to a terminal that has colours, unless NO_COLOR says otherwise (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _job(terminal: Terminal, play: Callable[[], None], command) -> Callable[[], int]:
    def job() -> int:
        session, status = terminal.session, 0
        print(f"{session.game.name.replace('_', ' ')}: " + " against ".join(terminal._who(seat) for seat in (0, 1)))
        if any(isinstance(mind, ModelMind) for mind in terminal._minds):
            print(f"policy: {command.policy or 'greedy'}")
        try:
            play()
        except EOFError:  # Ctrl-D
            print()
        except KeyboardInterrupt:
            print()
            status = 130
        if command.record is not None:
            record(session.latest, command.record, session.players, max(command.seconds, 0.1))
            print(f"done: {command.record}")
        return status

    return job
