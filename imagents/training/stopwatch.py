"""How long a training trains: the time in which its process could run."""

import threading
import time

_TICK, _LONGEST = 0.25, 1.0  # seconds


class Stopwatch:
    """Counts the seconds within its context in which the process could run.

    A thread looks at the clock four times a second. Where it could not for longer than a second, the process was
    paused (SIGSTOP, Ctrl-Z, a frozen container, a laptop that slept), and a second of that counts.
    """

    def __init__(self):
        self._seconds, self._seen = 0.0, time.perf_counter()
        self._lock = threading.Lock()
        self._end = threading.Event()

    def __enter__(self):
        self._seconds, self._seen = 0.0, time.perf_counter()
        self._end.clear()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Counted until now."""
        with self._lock:
            now = time.perf_counter()
            self._seconds += min(now - self._seen, _LONGEST)
            self._seen = now
            return self._seconds

    def _look(self) -> None:
        while not self._end.wait(_TICK):
            self.seconds  # noqa: B018
