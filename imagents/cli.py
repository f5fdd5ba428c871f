"""The `imagents` command. Imports TensorFlow only once the arguments make sense."""

import gc
import os
import signal
import sys
from collections.abc import Sequence

import imagents
from imagents.commands import COMMANDS, Job
from imagents.errors import InputError, meant
from imagents.files import reason
from imagents.homes import without_collecting
from imagents.process import Announcing, ended_by, fitted, open_streams, what_lacks

_USAGE = """usage: imagents COMMAND [OPTIONS]

Independent learners on TF-Agents.

commands:
  train         train agents that share an environment and learn side by side
  evaluate      measure the agents of a run: exact numbers, returns, matches
  tournament    let runs and players play each other, and rate them
  study         train many runs, settings times seeds, and report what they show
  report        write the report of a study again
  plot          draw the figures of runs
  export        write agents as models that need neither imagents nor TF-Agents
  environments  list environments, or one's presets, algorithms and players
  new           write a small environment of your own, and its test
  sagemaker     train, evaluate and serve on Amazon SageMaker
  play          play against an agent in the terminal, or watch two players
  watch         show episodes of a run's agents, or write them to a GIF or MP4
  web           play on a web page, or put the page on a Hugging Face Space

imagents COMMAND --help explains a command; imagents --version names this one."""
_ANSWERS = {"-h": _USAGE, "--help": _USAGE, "--version": f"imagents {imagents.__version__}"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, 1 if it had to stop, 2 for bad input, 128 + signal if stopped by one."""
    open_streams()
    with ended_by(signal.SIGTERM):
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    command, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command not in COMMANDS and command not in _ANSWERS:
        choice = f"{meant(command, COMMANDS)}choose one of {', '.join(COMMANDS)}"
        _complain(f"imagents: unknown command {command!r}: {choice}")
        return 2
    try:
        if command in _ANSWERS:
            print(_ANSWERS[command], flush=True)
            return 0
        with Announcing("tensorflow", sys.stderr):
            status = _prepared(command, rest)()
        sys.stdout.flush()
        return status
    except InputError as error:
        _complain(f"imagents {command}: {error}")
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, FloatingPointError) as error:  # a full disk, numbers that became infinite
        _complain(f"imagents {command}: {error}")
        return 1
    except Exception as error:
        if not what_lacks(error):
            raise
        _complain(f"imagents {command}: {what_lacks(error)}")
        return 1


def _complain(sentence: str) -> None:
    print(fitted(sentence, sys.stderr), file=sys.stderr)


def _prepared(command: str, arguments: Sequence[str]) -> Job:
    """The job of a command; what the system refuses before anything is done, such as a long name, is bad input, too."""
    is_first = "tensorflow" not in sys.modules
    try:
        with without_collecting():
            job = COMMANDS[command](arguments)
            if is_first and "tensorflow" in sys.modules:
                gc.freeze()  # it stays: nobody has to look at it when a training is compiled
            return job
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{error.filename}: {reason(error)}" if error.filename else str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
