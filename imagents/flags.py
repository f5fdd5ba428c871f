"""Settings as flags: the command line of a training, made of what its environment and its algorithm understand."""

import ast
import dataclasses
import inspect
import itertools
import pathlib
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from imagents.config import DEFAULT_ENVIRONMENT, ENVIRONMENTS, RENAMED, TrainConfig, load_config
from imagents.errors import InputError
from imagents.settings import ALGORITHMS, settings_of

_BUDGET = ("steps", "minutes")


@dataclasses.dataclass(frozen=True)
class _Choice:
    """The flags that decide which others there are, and what they default to."""

    environment: str = DEFAULT_ENVIRONMENT
    preset: str = "default"
    algorithm: str = ""
    resume: pathlib.Path | None = None


def refuse_old_flags(arguments: Sequence[str]) -> None:
    """Raises an InputError for a flag that has another name now."""
    for word in arguments:
        old = word.partition("=")[0].removeprefix("--")
        if word.startswith("--") and old in RENAMED:
            raise InputError(f"--{old}: it is called --{RENAMED[old]} now")


def parse_training(prog: str, arguments: Sequence[str], command: type) -> tuple[dict[str, Any], Any]:
    """Parses the flags of a command that takes every setting of a training.

    Args:
      prog: how the command is called.
      arguments: its words.
      command: a dataclass of its other arguments.

    Returns:
      Every setting by its name, flat, the preset too, as `TrainConfig` takes them; and the `command`.

    Raises:
      InputError: for a flag that has another name now, or a choice that does not exist.
    """
    refuse_old_flags(arguments)
    choice, _ = tyro.cli(_Choice, args=list(arguments), return_unknown_args=True, add_help=False)
    algorithm = {"algorithm": choice.algorithm} if choice.algorithm else {}
    start = load_config(choice.resume) if choice.resume else TrainConfig(choice.environment, choice.preset, **algorithm)
    parts = (start.environment, start.algorithm, start.training)
    named = {getattr(part, "name", "training"): part for part in parts}
    named = {name if name.isidentifier() else type(part).__name__: part for name, part in named.items()}
    presets = ", ".join(start.environment.presets)
    fields = [
        _field("environment", str, start.environment.name, f"What the agents live in: {', '.join(ENVIRONMENTS)} (any "
               "board of k in a row, such as 5x5x4, or 8x8x4-gravity if stones fall), one of another package, such as "
               "gymnasium:CartPole-v1, or your own MODULE:FUNCTION. It decides which settings there are."),
        _field("preset", str, choice.preset, f"Named set of values, here {presets}; every other setting overrides it."),
        _field("algorithm", str, start.algorithm.name,
               f"The TF-Agents agent inside each player: {', '.join(ALGORITHMS)}."),
    ]  # fmt: skip
    fields = [*_own_fields(command, required=True), *fields, *_own_fields(command)]
    for title, part in named.items():
        group = _flags_of(part)
        fields.append((title, tyro.conf.OmitArgPrefixes[group], dataclasses.field(default_factory=group)))
    parser = dataclasses.make_dataclass("Command", fields, namespace={"__doc__": command.__doc__})
    parsed = vars(tyro.cli(parser, args=list(arguments), prog=prog))
    settings = {name: parsed[name] for name in ("environment", "preset", "algorithm")}
    for title in named:
        settings |= vars(parsed[title])
    own = {field.name: parsed[field.name] for field in dataclasses.fields(command)}
    return settings, command(**own)


def _own_fields(command: type, required: bool = False) -> list[tuple]:
    """The fields of a command with their sentences: those that have no default, or the others."""
    sentences = _sentences(command)
    fields = [f for f in dataclasses.fields(command) if (f.default is dataclasses.MISSING) == required]
    return [
        (field.name, field.type) if required else _field(field.name, field.type, field.default, sentences[field.name])
        for field in fields
    ]


def _field(name: str, kind, default, sentence: str):
    return name, Annotated[kind, tyro.conf.arg(help=sentence)], dataclasses.field(default=default)


def _flags_of(part) -> type:
    """A part of a config as a dataclass of flags, with its values as defaults; a budget has none."""
    sentences = _sentences(type(part))
    fields = [
        _field(name, _as_flag(field.type), None if name in _BUDGET else getattr(part, name), sentences[name])
        for name, field in settings_of(type(part)).items()
    ]
    return dataclasses.make_dataclass(type(part).__name__, fields, namespace={"__doc__": type(part).__doc__})


def _as_flag(kind):
    """A bool is given as True or False, as machines that start trainings give every setting a value."""
    return tyro.conf.FlagConversionOff[bool] if kind is bool else kind


def _sentences(part: type) -> dict[str, str]:
    """What stands below each field of a dataclass, in its source and in those that it derives from."""
    found = {}
    for kind in reversed(part.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found[field.target.id] = " ".join(text.value.value.split())
    return found
