"""Other formats of an agent's model: ONNX by `tf2onnx` and onnxruntime (extra `onnx`), LiteRT by TensorFlow itself."""

import contextlib
import importlib.util
import logging
import pathlib
import sys
import threading
import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from imagents.errors import InputError
from imagents.files import read_bytes
from imagents.xla import without_stderr

ONNX_FILE, TFLITE_FILE = "model.onnx", "model.tflite"
_MOST = 2**31  # bytes of a model: no file of these formats is larger
_OPSET = 17  # of 2022: old enough for what runs today
_NEEDED = {"onnx": ("tf2onnx", "onnx")}


def check_installed(format_name: str) -> None:
    """Raises an InputError if a package that writes the format is missing."""
    missing = [name for name in _NEEDED.get(format_name, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"{format_name} needs {' and '.join(missing)}: pip install 'imagents[onnx]'")


def write_onnx(model, folder: pathlib.Path) -> None:
    """Writes `serving_default` of an `AgentModel` as model.onnx, opset 17.

    Raises:
      InputError: if a transform of the agent uses an operation that ONNX lacks.
    """
    import onnx
    import tf2onnx

    serving = model.signatures["serving_default"]
    names = sorted(serving.structured_outputs)
    frozen = convert_variables_to_constants_v2(serving)  # tf2onnx would make inputs of what is captured
    function = tf.function(lambda *inputs: dict(zip(names, frozen(*inputs), strict=True)), autograph=False)
    try:
        converted, _ = tf2onnx.convert.from_function(function, serving.structured_input_signature[0], opset=_OPSET)
        onnx.checker.check_model(converted)  # tf2onnx leaves in what it cannot translate
    except (ValueError, RuntimeError, NotImplementedError, onnx.checker.ValidationError) as error:
        raise _refused(model, "ONNX", error) from None
    (folder / ONNX_FILE).write_bytes(converted.SerializeToString())


def write_tflite(model, folder: pathlib.Path) -> None:
    """Writes `serving_default` of an `AgentModel` as model.tflite, with LiteRT's built-in operations only.

    Raises:
      InputError: if a transform of the agent uses an operation that LiteRT lacks.
    """
    owner = tf.Module()
    owner.read_variables = model.read_variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.signatures["serving_default"]], owner)
    try:
        converted = converter.convert()
    except Exception as error:  # its ConverterError has no public name, and derives from nothing else
        raise _refused(model, "LiteRT", error) from None
    (folder / TFLITE_FILE).write_bytes(converted)


def read_onnx(folder: pathlib.Path) -> Callable[[dict], dict]:
    """model.onnx in onnxruntime: a function from arrays by name to arrays by name."""
    import onnxruntime

    model = read_bytes(folder / ONNX_FILE, _MOST)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def read_tflite(folder: pathlib.Path) -> Callable[[dict], dict]:
    """model.tflite in TensorFlow's interpreter: a function from arrays by name to arrays by name."""
    with quietly():
        interpreter = tf.lite.Interpreter(model_content=read_bytes(folder / TFLITE_FILE, _MOST))
        runner = interpreter.get_signature_runner()
        one = {n: np.zeros([1, *d["shape"][1:]], d["dtype"]) for n, d in runner.get_input_details().items()}
        runner(**one)  # prints once that it uses XNNPACK
    lock = threading.Lock()  # an interpreter answers one at a time

    def call(inputs: dict) -> dict:
        with lock:
            return runner(**inputs)

    return call


@contextlib.contextmanager
def quietly():
    """Within this context, exporting says nothing that a user can do nothing about, not even from C++."""
    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow", "tf2onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    sys.stderr.flush()
    try:
        with without_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _refused(model, kind: str, error: Exception) -> InputError:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return InputError(f"{model.name} cannot be exported to {kind}: {reason}")
