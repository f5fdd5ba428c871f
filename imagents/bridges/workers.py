"""B copies of a world side by side: in this process, or in several that import no TensorFlow.

A worker is started, not forked: a process forked after TensorFlow has run hangs. It is told what to make by
cloudpickle, so functions of a script need no module; and it ends when its end of the pipe closes, also if the process
that started it was killed. Who steps a copy changes nothing of what happens in it.
"""

import mmap
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import weakref
from collections.abc import Callable, Sequence

import cloudpickle
import numpy as np

from imagents.bridges.worlds import FIRST, LAST, MID, PASS, Description, flat, layout
from imagents.errors import InputError

_REWARD = 1  # its place in what a copy shows
_ON = -1  # in place of a seed: the copy goes on
_START = "import sys; sys.path[:] = eval(sys.argv[1]); from imagents.bridges.workers import serve; serve(sys.argv[2:])"


class CopyFailed(RuntimeError):
    """Something went wrong inside of a copy of an environment: says in which, and shows its trace."""


class Copies:
    """Some of the B copies, in this process.

    Args:
      make: makes a world.
      description: what that says of itself.
      first: the number of the first of them.
      count: how many.
      at: a place for the number of the copy that is under way, int64 `[1]`.
    """

    def __init__(self, make: Callable, description: Description, first: int, count: int, at: np.ndarray | None = None):
        self._make, self._description, self._first, self._count = make, description, first, count
        self._at = np.zeros(1, np.int64) if at is None else at
        self._layout = [(leaf.shape, np.dtype(leaf.dtype)) for leaf in layout(description)]
        self._envs, self._shown = [], [np.zeros((count, *shape), dtype) for shape, dtype in self._layout]

    def advance(self, actions: Sequence[np.ndarray], seeds: np.ndarray) -> list[np.ndarray]:
        """A step of each copy.

        Args:
          actions: what the seats do, flat, `[count, ...]` each.
          seeds: int64 `[count]`, of the episode that a copy begins; -1 where it goes on.

        Returns:
          What they show, `[count, ...]` each, in the order of `worlds.layout`.

        Raises:
          CopyFailed: for an error of the environment.
          InputError: for what it shows and should not.
        """
        going = [array.tolist() if array.ndim == 1 else array for array in actions]
        rows, places, held = [], [], []
        for i, seed in enumerate(seeds.tolist()):
            self._at[0] = self._first + i
            try:
                world = self._envs[i] if i < len(self._envs) else self._added()
                if seed != _ON:
                    kind, moment = FIRST, world.begin(seed)
                elif self._description.form == "in turn" and going[0][i] == PASS:
                    held.append(i)
                    continue
                else:
                    moment = world.step([array[i] for array in going])
                    kind = LAST if moment.is_last else MID
                rows.append(flat(self._description, kind, moment))
            except InputError as error:
                raise InputError(f"copy {self._first + i}: {error}") from None
            except Exception as error:
                said = f"copy {self._first + i}: {type(error).__name__}: {error}"
                raise CopyFailed(f"{said}\n\n{traceback.format_exc()}") from error
            places.append(i)
        shown = [self._array(place, values, places) for place, values in enumerate(zip(*rows, strict=True))]
        if held:
            shown, moved = [array.copy() for array in self._shown], shown
            for array, part in zip(shown, moved):
                array[places] = part
            shown[_REWARD][held], shown[_REWARD + 1][held] = 0.0, 1.0
        self._shown = shown
        self._check(shown)
        return shown

    def render(self):
        """Shows the first of them, as its environment does."""
        return self._envs[0].render()

    def frame(self) -> np.ndarray:
        """A picture of the first of them, uint8 `[H, W, 3]`."""
        return self._envs[0].frame()

    def close(self) -> None:
        """Frees what the worlds hold."""
        for world in self._envs:
            world.close()
        self._envs = []

    def _added(self):
        self._envs.append(self._make())
        return self._envs[-1]

    def _array(self, place: int, values: Sequence, copies: Sequence[int]) -> np.ndarray:
        """What these copies show in a place of the layout."""
        shape, dtype = self._layout[place]
        try:
            if (array := np.array(values, dtype)).shape[1:] == shape:
                return array
        except ValueError:  # as shapes that differ
            pass
        for copy, found in zip(copies, map(np.shape, values)):
            if found != shape:
                said = f"copy {self._first + copy}: it shows something of shape {found} where its space has {shape}"
                raise InputError(said)
        return np.array(values, dtype)  # which says what else is wrong

    def _check(self, shown: list[np.ndarray]) -> None:
        """Raises an InputError for what is no number; a view may be infinite."""
        for place, array in enumerate(shown):
            if array.dtype.kind == "f" and not np.isfinite(np.add.reduce(array, axis=None)):
                wrong = ~np.isfinite(array) if place == _REWARD else np.isnan(array)
                if wrong.any():
                    copy = self._first + int(np.argwhere(wrong)[0, 0])
                    raise InputError(f"copy {copy}: it shows NaN, or pays what is no finite number")


class Workers:
    """The same in processes of their own.

    Args:
      make, description: as of `Copies`.
      batch_size: number of copies B.
      workers: number of processes, at most B of them.
    """

    def __init__(self, make: Callable, description: Description, batch_size: int, workers: int):
        bounds = np.linspace(0, batch_size, min(workers, batch_size) + 1).astype(int).tolist()
        self._parts = list(zip(bounds, bounds[1:]))
        self._at = tempfile.TemporaryFile()
        self._at.truncate(8 * len(self._parts))
        self._processes, self._pipes = [], []
        self._end = weakref.finalize(self, _end, self._pipes, self._processes, self._at)
        try:
            told = cloudpickle.dumps((make, description))
        except Exception as error:  # any that an object of the user's own raises
            raise InputError(f"workers = {workers}: what makes it does not survive cloudpickle: {error}") from None
        for number, (first, last) in enumerate(self._parts):
            self._start()
            self._send(number, (told, first, last - first, number))

    def advance(self, actions: Sequence[np.ndarray], seeds: np.ndarray) -> list[np.ndarray]:
        """As `Copies.advance` does."""
        for number, (first, last) in enumerate(self._parts):
            part = [array[first:last] for array in actions], seeds[first:last]
            self._send(number, ("advance", *part))
        parts = [self._answer(number) for number in range(len(self._parts))]
        return [np.concatenate(arrays) for arrays in zip(*parts)]

    def render(self):
        """As `Copies.render` does."""
        self._send(0, ("render",))
        return self._answer(0)

    def frame(self) -> np.ndarray:
        """As `Copies.frame` does."""
        self._send(0, ("frame",))
        return self._answer(0)

    def close(self) -> None:
        """Ends the processes."""
        self._end()

    def _start(self) -> None:
        here, there = multiprocessing.connection.Pipe()
        handles = [there.fileno(), self._at.fileno()]
        command = [sys.executable, "-c", _START, repr(sys.path), *map(str, handles)]
        one_thread = {"OMP_NUM_THREADS": "1"} | os.environ
        process = subprocess.Popen(command, pass_fds=handles, stdin=subprocess.DEVNULL, env=one_thread)
        there.close()
        self._pipes.append(here)
        self._processes.append(process)

    def _send(self, number: int, message: tuple) -> None:
        try:
            self._pipes[number].send(message)
        except OSError:
            self._fail(number)

    def _answer(self, number: int):
        try:
            kind, answer = self._pipes[number].recv()
        except (EOFError, OSError):
            self._fail(number)
        if kind is None:
            return answer
        self.close()
        raise kind(answer)

    def _fail(self, number: int) -> None:
        """Raises what there is to say of a worker that is gone."""
        status = self._processes[number].wait()
        copy = np.frombuffer(os.pread(self._at.fileno(), 8, 8 * number), np.int64)[0]
        self.close()
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        raise CopyFailed(f"copy {copy}: the process that it lives in ended {how}")


def _end(pipes: list, processes: list, at) -> None:
    for each in (*pipes, at):
        each.close()
    for process in processes:
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(handles: Sequence[str]) -> None:
    """What a worker does, until its pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started it, and reaches both
    pipe = multiprocessing.connection.Connection(int(handles[0]))
    told, first, count, number = pipe.recv()
    at = np.frombuffer(mmap.mmap(int(handles[1]), 0), np.int64)[number : number + 1]
    copies, at[0] = None, first
    while True:
        try:
            name, *arguments = pipe.recv()
        except (EOFError, ConnectionError):
            break
        try:
            if copies is None:
                copies = Copies(*cloudpickle.loads(told), first, count, at)
            answer = None, getattr(copies, name)(*arguments)
        except InputError as error:
            answer = InputError, str(error)
        except CopyFailed as error:
            answer = CopyFailed, str(error)
        except Exception as error:
            said = f"copy {at[0]}: {type(error).__name__}: {error}"
            answer = CopyFailed, f"{said}\n\n{traceback.format_exc()}"
        pipe.send(answer)
    if copies is not None:
        copies.close()


def side_by_side(make: Callable, description: Description, batch_size: int, workers: int = 0) -> Copies | Workers:
    """B copies of a world, of which the first is made when they first begin.

    Args:
      make: makes a world; a function without arguments that survives cloudpickle if there are workers.
      description: what that says of itself.
      batch_size: number of copies B.
      workers: number of processes; 0 for this one.

    Raises:
      InputError: for numbers that cannot be.
    """
    if batch_size < 1:
        raise InputError(f"batch_size = {batch_size}: an environment needs at least 1 copy")
    if workers < 0:
        raise InputError(f"workers = {workers}: a number of processes is needed, 0 for none")
    return Workers(make, description, batch_size, workers) if workers else Copies(make, description, 0, batch_size)
