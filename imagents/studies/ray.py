"""A study on a Ray cluster: an actor for each of its processors, which trains one run after another.

Runs are in the study's folder, on a path that all nodes share; an actor that dies with its process or its node leaves a
run there, with which the next one goes on from its newest checkpoint. Ray itself keeps nothing.
"""

import contextlib
import importlib.util
import os
import pathlib
import re
import socket
from collections.abc import Callable

from imagents.errors import InputError
from imagents.files import reason
from imagents.studies.pool import Job
from imagents.studies.worker import ONE_THREAD

_LOOK_EVERY = 2.0  # seconds, while an actor starts
_PATIENCE = 10.0  # seconds: so long the head of a cluster may take to answer


class Ray:
    """Makes actors, each with one processor and one thread.

    Args:
      log: where they write what they have to say.
      address: of the cluster, as `ray.init` takes it; None for the one that RAY_ADDRESS names, or a new one on this
        machine.
      copy_to: where they copy runs to, see `Worker`.

    Raises:
      InputError: if Ray is not installed, or there is no cluster.
    """

    def __init__(self, log: pathlib.Path, address: str | None = None, copy_to: str = ""):
        check_ray()
        import ray

        os.environ.setdefault("RAY_worker_niceness", "0")
        self._arguments = str(log.resolve()), os.getcwd(), copy_to
        try:
            _knock(address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(address, log_to_driver=False, configure_logging=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"address = {address!r}: no Ray cluster answers there: {reason(error)}") from None

    @property
    def workers(self) -> int:
        import ray

        return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def start(self, is_needed: Callable[[], bool]) -> "Actor | None":
        """One that is ready; None once it is not needed any more, however long the cluster has no room for it."""
        import ray

        actor = Actor(*self._arguments)
        while is_needed():
            try:
                ray.get(actor.ready, timeout=_LOOK_EVERY)
                return actor
            except ray.exceptions.GetTimeoutError:
                continue
            except ray.exceptions.RayError:  # its node died
                actor.end()
                actor = Actor(*self._arguments)
        actor.end()
        return None

    def close(self) -> None:
        import ray

        ray.shutdown()


class Actor:
    """An actor that trains runs."""

    def __init__(self, *arguments: str):
        import ray

        # Two calls at once: a run is trained, and stopped meanwhile.
        remote = ray.remote(num_cpus=1, max_restarts=0, max_concurrency=2)(Remote)
        self._actor = remote.remote(*arguments)
        self.ready = self._actor.is_ready.remote()

    def ask(self, job: Job) -> dict | None:
        import ray

        try:
            return ray.get(self._actor.train.remote(job.to_dict() | {"path": str(job.path.resolve())}))
        except ray.exceptions.RayError:
            return None

    def stop(self) -> None:
        self._actor.stop.remote()

    def end(self) -> None:
        import ray

        ray.kill(self._actor)


class Remote:
    """What is in such an actor's process."""

    def __init__(self, log: str, folder: str, copy_to: str):
        os.environ.update(ONE_THREAD)  # before TensorFlow starts
        with contextlib.suppress(OSError):
            os.nice(-os.nice(0))
        with contextlib.suppress(OSError):
            os.chdir(folder)  # as a process of this machine has it: a function of somebody's own may be there
        with open(log, "a", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        from imagents.studies.worker import Worker

        self._worker = Worker(copy_to)

    def is_ready(self) -> bool:
        return True

    def train(self, job: dict) -> dict:
        return self._worker.answer(job)

    def stop(self) -> None:
        self._worker.stopping = True


def _knock(address: str) -> None:
    """Raises an OSError if nobody listens at HOST:PORT, which Ray takes minutes to see."""
    if found := re.fullmatch(r"([^/:]+):(\d+)", address):
        socket.create_connection((found[1], int(found[2])), _PATIENCE).close()


def check_ray() -> None:
    """Raises an InputError if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise InputError("engine = 'ray' needs the package ray: pip install -c constraints.txt -e .[ray]")
