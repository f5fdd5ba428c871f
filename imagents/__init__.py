"""Independent learners on TF-Agents: several agents, one environment, each with its own eyes.

Importing this package is cheap: TensorFlow loads when a public name that needs it is first used. Before
that can happen, the package puts TensorFlow into the mode that TF-Agents needs (Keras 2) and keeps it and
TF-Agents from printing what a user can do nothing about. `TF_CPP_MIN_LOG_LEVEL=0` brings the logs back.
"""

import contextlib
import ctypes
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import sys
import warnings

from imagents.homes import found_when_used

__version__ = "0.2.0"

_HOMES = {  # public name: the module it lives in
    "Arena": "imagents.environments.boards.arena",
    "BoardGame": "imagents.environments.boards.board_game",
    "BoardGameEnvironment": "imagents.environments.boards.environment",
    "CONNECT_FOUR": "imagents.environments.boards.games",
    "FIFOReplayBuffer": "imagents.learning.replay",
    "IMAgent": "imagents.learning.agent",
    "InputError": "imagents.errors",
    "PASS": "imagents.seats",
    "Player": "imagents.players.base",
    "PolicyPlayer": "imagents.players.frozen",
    "Record": "imagents.environments.boards.record",
    "Rewards": "imagents.environments.boards.environment",
    "Schedule": "imagents.learning.exploration",
    "Study": "imagents.studies.study",
    "TIC_TAC_TOE": "imagents.environments.boards.games",
    "TrainConfig": "imagents.config",
    "Trainer": "imagents.training.loop",
    "a2c": "imagents.learning.algorithms",
    "agent_player": "imagents.players.frozen",
    "build_agent": "imagents.learning.build",
    "categorical_dqn": "imagents.learning.algorithms",
    "check_environment": "imagents.checking",
    "dqn": "imagents.learning.algorithms",
    "drqn": "imagents.learning.algorithms",
    "evaluate_run": "imagents.evaluation.report",
    "export_agent": "imagents.export.writing",
    "export_run": "imagents.opening",
    "film": "imagents.players.watching",
    "get_game": "imagents.environments.boards.games",
    "load_agents": "imagents.opening",
    "load_player": "imagents.players.frozen",
    "load_run": "imagents.training.loop",
    "make_generator": "imagents.randomness",
    "make_player": "imagents.players.names",
    "open_shipped": "imagents.opening",
    "own_reward": "imagents.learning.perspective",
    "own_stones": "imagents.learning.perspective",
    "play_tournament": "imagents.evaluation.tournament",
    "ppo": "imagents.learning.algorithms",
    "q_values": "imagents.environments.boards.figure",
    "record": "imagents.app.recording",
    "recurrent_ppo": "imagents.learning.algorithms",
    "reinforce": "imagents.learning.algorithms",
    "report_study": "imagents.studies.commands",
    "report_text": "imagents.evaluation.report",
    "run_study": "imagents.studies.commands",
    "split_observation": "imagents.learning.algorithms",
    "study_results": "imagents.studies.summary",
    "tabular": "imagents.learning.algorithms",
    "time_step_at": "imagents.environments.boards.environment",
    "train": "imagents.training.experiment",
    "trust": "imagents.own",
    "watch": "imagents.app.local",
    "wilson_interval": "imagents.evaluation.matches",
}

__all__ = ["__version__", *_HOMES]


__getattr__ = found_when_used(__name__, _HOMES)


def __dir__():
    return sorted({*globals(), *_HOMES})


def _require_tf_agents():
    missing = [name for name in ("tf_agents", "gym") if importlib.util.find_spec(name) is None]
    if missing:
        sentence = (
            f"imagents needs {' and '.join(missing)}, installed without dependencies: "
            "pip install --no-deps tf-agents==0.19.0 gym==0.23.0"
        )
        is_command = [os.path.basename(word) for word in sys.argv[:1]] == ["imagents"]
        raise SystemExit(sentence) if is_command else ImportError(sentence)


def _use_keras_2():
    """Selects Keras 2, which TensorFlow does once and for all while it is being imported."""
    tensorflow = sys.modules.get("tensorflow")
    keras_2 = os.sep + "tf_keras" + os.sep
    if tensorflow is not None and not any(keras_2 in path for path in tensorflow.__path__):
        raise ImportError(
            "TensorFlow was imported in Keras 3 mode, and TF-Agents needs Keras 2: restart Python (in a notebook: "
            "the kernel) and import imagents before tensorflow, or set TF_USE_LEGACY_KERAS=1 beforehand."
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"


def _share_gpus():
    """A process takes as much of a GPU's memory as it needs, not all: the workers of a study share it."""
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def _quiet_tensorflow():
    """Hides remarks on CPU features, on absent GPUs and on TensorFlow's own double registrations."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3" or "tensorflow" in sys.modules:
        return
    # TensorFlow's libraries register cuDNN and cuBLAS twice while they load and log that as errors, through a
    # copy of Abseil that heeds no environment variable; so the level is set in it, before the others load.
    # Other releases name the function otherwise, and 2.21 prints a few lines whatever one does.
    if not _tensorflow_version().startswith("2.19."):
        return
    with contextlib.suppress(AttributeError, OSError):
        folder = importlib.util.find_spec("tensorflow").submodule_search_locations[0]
        library = ctypes.CDLL(os.path.join(folder, "libtensorflow_framework.so.2"))
        library._ZN4absl12lts_2023080214SetMinLogLevelENS0_18LogSeverityAtLeastE(3)  # SetMinLogLevel(kFatal)


def _tensorflow_version():
    for name in ("tensorflow", "tensorflow-cpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return ""


def _quiet_tf_agents():
    """Hides what TF-Agents' own code provokes: `state is ()` in its sources, an outdated argument of `foldr`."""
    warnings.filterwarnings(
        "ignore",
        message='"is( not)?" with .*literal',
        category=SyntaxWarning,
        module=".*(tf_agents|__autograph_generated_file)",
    )
    logging.getLogger("tensorflow").addFilter(_is_not_about_foldr)


def _is_not_about_foldr(record):
    return "calling foldr_v2" not in record.getMessage()


_require_tf_agents()
_use_keras_2()
_share_gpus()
_quiet_tensorflow()
_quiet_tf_agents()
