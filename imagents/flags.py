"""Settings as flags: the command line of a training, made of what its environment and its algorithm understand."""

import ast
import dataclasses
import inspect
import itertools
import pathlib
import re
import textwrap
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import tyro

from imagents.config import DEFAULT_ENVIRONMENT, ENVIRONMENTS, RENAMED, TrainConfig, environment_class, load_config
from imagents.errors import InputError
from imagents.settings import ALGORITHMS, settings_of

_BUDGET = ("steps", "minutes")
_BY_SEAT = ("algorithms", "motivations")  # one for each seat
_OF_AGENT = re.compile(r"player[-_]\d+\.[\w-]+")


@dataclasses.dataclass(frozen=True)
class _Choice:
    """The flags that decide which others there are, and what they default to."""

    environment: str = DEFAULT_ENVIRONMENT
    preset: str = "default"
    algorithm: str = ""
    motivation: str = ""
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
    arguments, own_words = _take_own(arguments)
    choice, _ = tyro.cli(_Choice, args=list(arguments), return_unknown_args=True, add_help=False)
    algorithm = {"algorithm": choice.algorithm} if choice.algorithm else {}
    algorithm |= {"motivation": choice.motivation} if choice.motivation and "motivations" in own_words else {}
    algorithm |= {name: own_words.pop(name) for name in _BY_SEAT if name in own_words}
    start = load_config(choice.resume) if choice.resume else _start(choice, algorithm, arguments)
    parts = (start.environment, start.algorithm, start.training)
    named = {getattr(part, "name", "training"): part for part in parts}
    named = {name if name.isidentifier() else type(part).__name__: part for name, part in named.items()}
    presets = ", ".join(start.environment.presets)
    fields = [
        _field("environment", str, start.environment.name, f"What the agents live in: {', '.join(ENVIRONMENTS)} (any "
               "board of k in a row, such as 5x5x4, or 8x8x4-gravity if stones fall), one of another package, such as "
               "gymnasium:CartPole-v1, or your own MODULE:FUNCTION. It decides which settings there are."),
        _field("preset", str, choice.preset, f"Named set of values, here {presets}; every other setting overrides it. "
               "An algorithm that has one of its own name begins with that. imagents environments NAME has a line for "
               "each, for each algorithm, and for each player."),
        _field("algorithm", str, start.algorithm.name,
               f"The TF-Agents agent inside each player: {', '.join(ALGORITHMS)}."),
        _field("algorithms", tuple[str, ...], (), "In its place: one for each seat. Any setting of an algorithm can be "
               "a single agent's, too, as in --player-2.learning-rate 1e-3."),
        _field("motivations", tuple[str, ...], (), "One for each seat, each as --motivation has it, or none."),
    ]  # fmt: skip
    fields = [*_own_fields(command, required=True), *fields, *_own_fields(command)]
    for title, part in named.items():
        group = _flags_of(part)
        fields.append((title, tyro.conf.OmitArgPrefixes[group], dataclasses.field(default_factory=group)))
    parser = dataclasses.make_dataclass("Command", fields, namespace={"__doc__": command.__doc__})
    valued = [field for field in dataclasses.fields(command) if field.type == tyro.conf.FlagConversionOff[bool]]
    known = start.fields() | {field.name: field for field in valued}
    written = _written_out(arguments, known)
    parsed = vars(parse(parser, written, prog))
    settings = {name: parsed[name] for name in ("environment", "preset", "algorithm")}
    for title in named:
        settings |= vars(parsed[title])
    settings |= {name: value for name, value in start.to_dict().items() if "." in name}
    settings |= typed({name: " ".join(words) for name, words in own_words.items()}, settings)
    own = {field.name: parsed[field.name] for field in dataclasses.fields(command)}
    return settings, command(**own)


def _start(choice: _Choice, algorithm: dict[str, Any], arguments: Sequence[str]) -> TrainConfig:
    """The settings that flags change: those of the preset, with an algorithm that the environment's flags may allow."""
    try:
        return TrainConfig(choice.environment, choice.preset, **algorithm)
    except InputError:
        face = TrainConfig(choice.environment, choice.preset).environment
        flags = tyro.conf.OmitArgPrefixes[_flags_of(face)]
        written = _written_out(arguments, settings_of(type(face)))
        own, _ = tyro.cli(flags, args=written, return_unknown_args=True, add_help=False)
        return TrainConfig(choice.environment, choice.preset, **algorithm, **vars(own))


def _take_own(arguments: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The words of flags that are about single agents, `--player-2.learning-rate 1e-3` and `--algorithms dqn ppo`.

    Returns:
      The other words; and these words by setting.
    """
    others, own, name = [], {}, ""
    for word in arguments:
        if word.startswith("--"):
            flag, equals, value = word.removeprefix("--").partition("=")
            is_own = flag in _BY_SEAT or _OF_AGENT.fullmatch(flag)
            name = flag.replace("-", "_") if is_own else ""
            if is_own:
                own[name] = [value] if equals else []
                continue
        if name:
            own[name].append(word)
        else:
            others.append(word)
    return others, own


def asks_for_help(arguments: Sequence[str]) -> bool:
    return bool({"-h", "--help"} & {*arguments})


def parse(kind: type, arguments: Sequence[str], prog: str):
    """Parses words into a dataclass; with --help its docstring stands above, in lines of 80 columns."""
    if asks_for_help(arguments):
        paragraphs = re.split(r"\n\s*\n", kind.__doc__.strip())
        print("\n\n".join(textwrap.fill(" ".join(paragraph.split()), 80) for paragraph in paragraphs), end="\n\n")
    return tyro.cli(kind, args=list(arguments), prog=prog, description="")


def _written_out(arguments: Sequence[str], fields: Mapping[str, dataclasses.Field]) -> list[str]:
    """The words of a command with what people leave out: `--cooperative` alone is True, and 1e6 a whole number."""
    written, kinds = [], {f"--{name.replace('_', '-')}": _kinds(field) for name, field in fields.items()}
    for word, after in itertools.zip_longest(arguments, arguments[1:], fillvalue="--"):
        flag, equals, value = word.replace("_", "-").partition("=") if word.startswith("--") else (word, "", "")
        if equals and int in kinds.get(flag, ()):
            word = f"{flag}={_whole(value)}"
        elif written and int in kinds.get(written[-1].replace("_", "-"), ()):
            word = _whole(word)
        written.append(word)
        if not equals and bool in kinds.get(flag, ()) and after.startswith("--"):
            written.append("True")
    return written


def _whole(text: str) -> str:
    """A whole number as it is always written, such as 1000000 for 1e6; any other text as it is."""
    is_such = re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d{1,2}", text) and float(text).is_integer()
    return str(int(float(text))) if is_such else text


def _kinds(field: dataclasses.Field) -> tuple:
    return typing.get_args(field.type) or (field.type,)


def typed(texts: Mapping[str, str], others: Mapping[str, Any]) -> dict[str, Any]:
    """The values of settings that are given as text; a name that is none keeps its text, for `TrainConfig` to refuse.

    Args:
      texts: by setting, `player_2.learning_rate` too.
      others: settings that are values already; environment, preset and algorithm decide which others there are.

    Raises:
      InputError: for a text that is no such value.
    """
    known = {**others, **texts}
    deciding = {name: known[name] for name in ("environment", "preset", "algorithm") if name in known}
    of_face = settings_of(environment_class(deciding["environment"])) if "environment" in deciding else {}
    own = {name: field for name, field in of_face.items() if name in known}  # they may allow an algorithm
    deciding |= {name: _value(field, texts[name]) if name in texts else others[name] for name, field in own.items()}
    config = TrainConfig(**deciding)
    for agent in {name.partition(".")[0] for name in known if "." in name}:
        deciding[f"{agent}.algorithm"] = known.get(f"{agent}.algorithm", config.algorithm.name)
    fields = TrainConfig(**deciding).fields()
    return {name: _value(fields[name], text) if name in fields else text for name, text in texts.items()}


def _value(field: dataclasses.Field, text: str):
    if field.type == tuple[str, ...]:
        return tuple(text.split())
    if isinstance(field.default, tuple):
        return tuple(number(field.name, int, word) for word in text.strip("[]()").replace(",", " ").split())
    kinds = [kind for kind in _kinds(field) if kind in (bool, int, float)]
    return number(field.name, kinds[0], text) if kinds else text


def number(name: str, kind: type, text: str):
    """The value of a setting that is True or False, a whole number or any, in a text."""
    try:
        if kind is bool:
            return {"true": True, "false": False, "": True}[text.lower()]  # a flag alone switches something on
        return kind(_whole(text))
    except (ValueError, KeyError):
        needed = {bool: "True or False", int: "a whole number", float: "a number"}[kind]
        raise InputError(f"{name} = {text!r}: {needed} is needed") from None


def _own_fields(command: type, required: bool = False) -> list[tuple]:
    """The fields of a command with their sentences: those that have no default, or the others."""
    sentences = _sentences(command)
    fields = [f for f in dataclasses.fields(command) if (f.default is dataclasses.MISSING) == required]
    return [
        _field(field.name, field.type, field.default, sentences[field.name]) if field.name in sentences
        else (field.name, field.type)  # a group of flags
        for field in fields
    ]  # fmt: skip


def explained(command: type) -> type:
    """A command's dataclass as its --help shows it: what is not given by default has no default there."""
    fields = [*_own_fields(command, required=True), *_own_fields(command)]
    return dataclasses.make_dataclass(command.__name__, fields, namespace={"__doc__": command.__doc__})


def _field(name: str, kind, default, sentence: str):
    shown = {"help_behavior_hint": ""} if default in (None, "", ()) else {}
    if type(None) in (kinds := typing.get_args(kind)):  # which is not worth a word
        choices = ",".join(typing.get_args(kinds[0]))
        shown["metavar"] = f"{{{choices}}}" if choices else kinds[0].__name__.upper()
    return name, Annotated[kind, tyro.conf.arg(help=sentence, **shown)], dataclasses.field(default=default)


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
