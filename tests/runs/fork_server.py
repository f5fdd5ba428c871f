"""Trains in forked processes that a test can kill, at any moment or right before a chosen change of a file.

Importing TensorFlow takes longer than a small training: this process imports it once and forks a process for each
line that it reads, `{"path": RUN, "words": [...], "kill_before": N or null}`, which runs `imagents` with these words in
the folder that the run is in. It prints the process's id when it has begun, and its exit status when it has ended.
"""

import json
import os
import pathlib
import signal
import sys
import traceback

import imagents.training.experiment  # noqa: F401
from imagents import cli


def kill_before(change: int, path: str) -> None:
    """Kills this process right before its n-th change of a file or folder inside `path`."""
    seen = 0
    changes = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "tempfile.mkstemp")

    def hook(event, arguments):
        nonlocal seen
        is_change = event in changes or event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if is_change and path in str(arguments[0]):
            seen += 1
            if seen == change:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        process = os.fork()
        if process == 0:
            status = 1
            try:
                sys.stdin = open(os.devnull)
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                os.chdir(pathlib.Path(job["path"]).parent)
                if job["kill_before"]:
                    kill_before(job["kill_before"], job["path"])
                status = cli.main(job["words"])
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    main()
