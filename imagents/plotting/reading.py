"""What the files in a run folder say: its metrics, what the measures among them are, and its environment's name."""

import csv
import io
import math
import os
import pathlib
import re
from typing import Any

import pandas as pd

from imagents.errors import InputError, brief
from imagents.files import no_run, read_bytes, read_json
from imagents.plotting.words import words

Run = str | os.PathLike | pd.DataFrame  # a run folder, or its metrics
Measures = dict[str, dict[str, Any]]

_OLD_NAMES = {"plies": "steps", "games": "episodes", "plies_per_second": "steps_per_second"}  # of version 0.1.0
_TEXTS = ("title", "short", "case")
_KINDS = ("share", "count", "number")
_TD, _CROSS_ENTROPY = ("dqn", "double_dqn", "drqn"), ("c51",)
_POLICIES = ("ppo", "a2c", "reinforce", "recurrent_ppo")
_MOST_LETTERS = 100  # of a measure's title


def read_metrics(run: Run) -> pd.DataFrame:
    """Reads a run's metrics, without a last line that was cut off while it was written.

    Of a damaged file it reads what can be read: a row with other columns than the first line is left out, and what is
    no number is NaN.

    Args:
        run: the run folder; a DataFrame is taken as it is.

    Returns:
        One row per log interval; empty fields are NaN. Columns of version 0.1.0 have the names of today.

    Raises:
        InputError: if the folder has no metrics.csv, or that file is not a table.
    """
    if isinstance(run, pd.DataFrame):
        return run.rename(columns=_OLD_NAMES)
    path = pathlib.Path(run) / "metrics.csv"
    if not os.path.exists(path):
        raise no_run(run, "metrics.csv")
    try:
        lines = [line.rstrip("\r") for line in read_bytes(path).decode(errors="replace").split("\n")[:-1]]
        text = "\n".join(line for line in lines if line.count(",") == lines[0].count(","))
        table = pd.read_csv(io.StringIO(text), quoting=csv.QUOTE_NONE, lineterminator="\n").rename(columns=_OLD_NAMES)
        table = table.apply(pd.to_numeric, errors="coerce").replace([math.inf, -math.inf], math.nan)
        return table.dropna(subset=[name for name in ("round", "steps") if name in table], ignore_index=True)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is not a table of metrics: {str(error).strip()}") from error


def read_measures(run: Run) -> Measures:
    """Reads what the measures in a run's metrics are.

    Args:
        run: the run folder; a DataFrame explains nothing.

    Returns:
        By measure, in the order to show them: `title`, of its panel; `kind`, one of share, count and number; `chance`,
        what random play scores, or None; `short`, its name where there is little room; `case`, what tells it from the
        others of its title, such as "moving first". Nothing where there is no measures.json.

    Raises:
        InputError: if that file is damaged.
    """
    if isinstance(run, pd.DataFrame) or not os.path.exists(path := pathlib.Path(run) / "measures.json"):
        return {}
    try:
        measures = {name: unexplained(name) | given for name, given in read_json(path).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        raise InputError(f"{path} is damaged: it does not hold measures by their names") from None
    for name, measure in measures.items():
        if not (
            all(isinstance(text, str) and len(text) <= _MOST_LETTERS for text in map(measure.get, _TEXTS))
            and measure["kind"] in _KINDS
            and isinstance(measure["chance"], (int, float, type(None)))
        ):
            raise InputError(
                f"{path} explains {name} by {brief(measure)}: title, short and case are texts of up to {_MOST_LETTERS} "
                f"letters, kind is one of {', '.join(_KINDS)}, and chance is a number or null"
            )
    return measures


def settings_of(run: Run) -> dict[str, Any]:
    """The settings in a run's config.json; none of a DataFrame, or where that file does not say them."""
    try:
        settings = {} if isinstance(run, pd.DataFrame) else read_json(pathlib.Path(run) / "config.json")
        return settings if isinstance(settings, dict) else {}
    except (OSError, ValueError):
        return {}


def loss_name(run: Run) -> str:
    """Which loss a run's agents have, as far as its settings say."""
    settings = settings_of(run)
    algorithm, loss = settings.get("algorithm"), settings.get("loss")
    if settings.get("agents"):
        return "loss"  # of agents of one's own
    if algorithm in _CROSS_ENTROPY:
        return "loss: cross-entropy of returns"
    if algorithm in _POLICIES:
        return "loss: policy, critic and entropy"
    return f"loss: {loss}, of TD errors" if algorithm in _TD and loss in ("huber", "squared") else "loss"


def environment_name(run: str | os.PathLike) -> str:
    """The name of a run's environment, in words.

    Raises:
        InputError: if the folder's config.json is missing or does not say it.
    """
    path = pathlib.Path(run) / "config.json"
    if not os.path.exists(path):
        raise no_run(run, "config.json")
    try:
        settings = read_json(path)
        return words(str(settings["environment" if "environment" in settings else "game"]))  # game: version 0.1.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not name the run's environment") from error


def unexplained(name: str) -> dict[str, Any]:
    """What the name of a measure says."""
    title, turn = re.fullmatch("(?s)(.*?)(?:_(first|second))?", name).groups()
    case = f"moving {turn}" if turn else ""
    return {"title": words(title).capitalize(), "kind": "number", "chance": None, "short": "", "case": case}
