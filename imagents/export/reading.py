"""Exported agents read back: a model folder as a policy on the environment's time steps.

A model folder holds a model in one of three formats and its imagents.json, as `imagents.export.writing` writes them.
"""

import functools
import os
import pathlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step

from imagents.config import ENVIRONMENTS, environment_class, environment_settings
from imagents.errors import InputError, escaped
from imagents.export.formats import ONNX_FILE, TFLITE_FILE, read_onnx, read_tflite
from imagents.files import SEAL, checksum, inside, note_unsealed, plain_path, read_json, reason, sealed
from imagents.randomness import draw_from, make_generator, uniform
from imagents.seats import PASS, check_policy, for_each_copy, own_action_spec

METADATA = "imagents.json"
_WEIGHTS = {"saved_model": ("variables/variables.index", "variables/variables.data-00000-of-00001")}
FILES = {"saved_model": "saved_model.pb", "onnx": ONNX_FILE, "tflite": TFLITE_FILE}  # by format


class ExportedAgent:
    """An exported agent: whom it learned to be, and its policy.

    Args:
      path: a model folder, the model's file in it, or an agent's folder: then its SavedModel of the highest version
        number, or the only model in it.
      metadata: its imagents.json, if it has been read.

    Attributes:
      name, seat: the agent's; environment: the settings of the environment that it learned.
      metadata: its imagents.json.
      model: from tensors by name to tensors by name, see docs/export.md.
      state: the initial values of the internal state of one game, by name.
      policy: how it plays: what the model gives, unless `follow` says otherwise. Where it has no move to make, its
        action is -1.
      runs_in_python: whether the policy calls another library than TensorFlow, so that XLA cannot compile it.

    Raises:
      InputError: if there is no exported agent, or it is damaged, or what reads its format is not installed.
    """

    def __init__(self, path: str | os.PathLike, metadata: dict | None = None):
        folder = model_folder(path)
        if folder is None:
            raise InputError(f"{path} is no agent that imagents exported")
        self.metadata = metadata or read_metadata(folder)
        self.environment = learned_environment(folder, self.metadata)
        if self.metadata["seat"] >= self.environment.num_seats:
            raise InputError(f"{folder} is damaged: {METADATA} is not what the export wrote")
        try:
            self.name, self.seat = self.metadata["agent"], self.metadata["seat"]
            self.state = {name: _initial(about) for name, about in sorted(self.metadata["state"].items())}
            self.model = _open(folder, self.metadata)
            self.policy = ExportedPolicy(self.environment, self.seat, self.state, self.model)
            is_sound = self._is_sound()
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, tf.errors.OpError):
            raise InputError(f"{folder} is damaged: {METADATA} lacks what belongs in it") from None
        if not is_sound:
            raise InputError(f"{folder} is damaged: what it expects of moves is NaN or infinite")
        self.runs_in_python = self.metadata["format"] != "saved_model"

    def follow(self, policy: Literal["greedy", "sampled"], seed: int = 0) -> None:
        """Says how it plays from now on, as `IMAgent.follow` does.

        Raises:
          InputError: for another policy, or if the model does not give what it takes.
        """
        check_policy(policy)
        choose, own = None, self.metadata.get("policy", "greedy")
        if "probabilities" not in self.metadata["outputs"]:
            if policy != own:
                how = "greedily" if own == "greedy" else "as it draws"
                raise InputError(f"{self.name} was exported without its probabilities: it can only play {how}")
        elif policy == "sampled":
            choose = functools.partial(_drawn, make_generator(seed, f"{self.name}/sampled"))
        elif own == "sampled":
            choose = functools.partial(tf.argmax, axis=1)
        self.policy = ExportedPolicy(self.environment, self.seat, self.state, self.model, choose)

    def _is_sound(self) -> bool:
        """Whether the Q values of a board with nothing on it are numbers, as they are not if a weight is not."""
        specs = self.environment.serving(self.seat).specs
        inputs = {spec.name: tf.zeros([1, *spec.shape[1:]], spec.dtype) for spec in specs}
        inputs |= {"legal_moves": ~inputs["legal_moves"]} if "legal_moves" in inputs else {}
        inputs |= {name: tf.constant(value[np.newaxis]) for name, value in self.state.items()}
        answer = self.model(inputs)
        return bool(np.isfinite(answer["q_values" if "q_values" in answer else "value"]).all())


def _drawn(generator: tf.random.Generator, shares: tf.Tensor) -> tf.Tensor:
    return draw_from(shares, uniform(generator, [shares.shape[0] or tf.shape(shares)[0]]))


class ExportedPolicy(tf_policy.TFPolicy):
    """A model as a TF-Agents policy on the environment's time steps.

    Args:
      environment: the settings of the environment that it learned; seat: its seat there.
      state: the initial values of its internal state by name; its spec is a dictionary, or () without one.
      model: from tensors by name to tensors by name.
      choose: chooses an action, int32 `[N]`, by the probabilities of all, `[N, actions]`; the model's own if None.
    """

    def __init__(
        self,
        environment,
        seat: int,
        state: dict[str, np.ndarray],
        model: Callable[[dict], dict],
        choose: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ):
        self._inputs = environment.serving(seat)
        environment = environment.build(1, 0)
        self._initial = {name: tf.constant(value) for name, value in state.items()}
        spec = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in self._initial.items()}
        super().__init__(
            environment.time_step_spec(),
            own_action_spec(environment.action_spec(), seat),
            policy_state_spec=spec or (),
            automatic_state_reset=False,
            clip=False,
        )
        self._model, self._choose = model, choose

    def _action(self, time_step, policy_state, seed=None):
        outputs = self._model(self._inputs.of(time_step) | dict(policy_state))
        state = {name: outputs[f"next_{name}"] for name in self._initial}
        action = outputs["action"]
        if self._choose:
            chosen = tf.cast(self._choose(outputs["probabilities"]), action.dtype) + int(self.action_spec.minimum)
            action = tf.where(action == PASS, action, chosen)
        return policy_step.PolicyStep(action, state or ())

    def _get_initial_state(self, batch_size):
        return for_each_copy(self._initial, batch_size) or ()


def model_folder(path: str | os.PathLike) -> pathlib.Path | None:
    """The model folder that a path means, see `ExportedAgent`; None if it means none.

    Raises:
      InputError: if there is a model that is not an exported agent, or there are several.
    """
    path = pathlib.Path(path)
    if not os.path.isdir(path):
        is_model = os.path.isfile(path) and path.name in (METADATA, *FILES.values())
        return model_folder(path.parent) if is_model else None
    if os.path.exists(path / METADATA):
        return path
    if any(os.path.exists(path / file) for file in FILES.values()):
        raise InputError(f"{path} holds a model, but not one that imagents exported: it has no {METADATA}")
    inside = [folder for folder in path.glob("[!.]*") if os.path.exists(folder / METADATA)]
    versions = [folder for folder in inside if folder.name.isdecimal()]
    if versions:
        return max(versions, key=lambda folder: int(folder.name))
    if len(inside) > 1:
        raise InputError(f"{path} holds several models: choose {' or '.join(sorted(f.name for f in inside))}")
    return inside[0] if inside else None


def learned_environment(folder: pathlib.Path, metadata: dict):
    """The settings of the environment that an exported agent learned.

    Raises:
      InputError: if its metadata names none.
    """
    try:
        if "environment" in metadata:
            about = dict(metadata["environment"])
            return environment_class(about["name"])(**about)
        game = metadata["game"]
        described = f"{game['rows']}x{game['columns']}x{game['k']}{'-gravity' if game['gravity'] else ''}"
        return environment_settings(game["name"] if game["name"] in ENVIRONMENTS else described)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{folder} is damaged: {METADATA} names no environment") from None


def read_metadata(folder: pathlib.Path) -> dict:
    """A model's imagents.json, after comparing its files with it.

    Raises:
      InputError: if it is damaged.
    """
    changed = [METADATA]
    try:
        metadata = read_json(folder / METADATA)
        is_sealed, sums, kind = SEAL in metadata, metadata["sha256"], metadata["format"]
        fits = sealed(metadata) == metadata if is_sealed else list(metadata)[-1] == "sha256"
        fits = fits and sums.keys() >= {FILES[kind], *_WEIGHTS.get(kind, ())}
        fits = fits and isinstance(metadata["agent"], str) and escaped(metadata["agent"]) == metadata["agent"]
        if fits and type(metadata["seat"]) is int and metadata["seat"] >= 0:
            changed = [name for name, expected in sums.items() if checksum(inside(folder, name)) != expected]
    except OSError as error:
        raise InputError(f"{folder} is damaged: {pathlib.Path(error.filename).name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        pass
    if changed:
        raise InputError(f"{folder} is damaged: {', '.join(changed)} is not what the export wrote")
    if not is_sealed:
        note_unsealed(folder / METADATA)
    return metadata


def _initial(about: dict) -> np.ndarray:
    """The initial value of a part of the internal state, as the metadata gives it: no larger than it stands there."""
    return np.array(about["initial"], tf.dtypes.as_dtype(about["dtype"]).as_numpy_dtype).reshape(about["shape"])


def _open(folder: pathlib.Path, metadata: dict) -> Callable[[dict], dict]:
    try:
        if metadata["format"] == "saved_model":
            return _SavedModel(folder)
        read = {"onnx": read_onnx, "tflite": read_tflite}[metadata["format"]]
        return _Arrays(read(folder), metadata["outputs"])
    except ImportError as error:
        raise InputError(f"{folder} needs {error.name}: pip install 'imagents[onnx]'") from None
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        raise InputError(f"{folder} cannot be loaded here: {reason(error)}") from None


class _SavedModel(tf.Module):
    """A SavedModel's `serving_default`; a module, so that its variables are found."""

    def __init__(self, folder: pathlib.Path):
        super().__init__(name="saved_model")
        with plain_path(folder) as path:
            self._loaded = tf.saved_model.load(path)
        self._function = self._loaded.signatures["serving_default"]

    def __call__(self, inputs: dict) -> dict:
        return self._function(**inputs)


class _Arrays:
    """A model that takes and gives numpy arrays, in TensorFlow's graphs too, though not compiled by XLA."""

    def __init__(self, model: Callable[[dict], dict], outputs: dict):
        self._model, self._outputs = model, outputs

    def __call__(self, inputs: dict) -> dict:
        names = sorted(inputs)

        def call(*arrays):
            if not len(arrays[0]):  # on which LiteRT's interpreter may crash
                return [result[:0] for result in call(*(np.zeros([1, *a.shape[1:]], a.dtype) for a in arrays))]
            results = self._model(dict(zip(names, arrays, strict=True)))
            return [results[name] for name in self._outputs]

        dtypes = [tf.dtypes.as_dtype(output["dtype"]) for output in self._outputs.values()]
        results = tf.numpy_function(call, [inputs[name] for name in names], dtypes, stateful=False)
        shapes = [output["shape"] for output in self._outputs.values()]
        return {n: tf.ensure_shape(x, s) for n, x, s in zip(self._outputs, results, shapes, strict=True)}
