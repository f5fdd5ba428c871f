"""What a page shows of a run: how far it is, how good its agents are in words, its figures, and its measures."""

import base64
import pathlib
import re
import time
from collections.abc import Sequence
from typing import Any

from imagents import plotting
from imagents.app.folder import learned_board, untrusted
from imagents.app.templating import render
from imagents.config import agents_in
from imagents.errors import InputError
from imagents.files import read_json
from imagents.plotting.words import lasting, phrase, shown, words
from imagents.training.videos import VIDEOS

_FIGURES = (plotting.strength, plotting.outcomes, plotting.returns, plotting.losses)
_MOST_ROWS = 200  # of a table; and a fifth as many agents
_STILL = 120  # seconds without news after which a run is not running
_INCHES, _DOTS = (5.2, 3.7), 130  # of a panel, so that it can be read on a phone; dots per inch
_SHARES = {"share", "rate", "win", "draw", "loss", "wins", "draws", "good", "perfect"}  # words in names of shares
_LEVELS = (  # how much of the way from chance to perfection
    (0.05, "plays as if by chance"), (0.5, "has begun to learn"), (0.9, "plays well"), (0.99, "plays very well"),
    (1.0, "hardly ever errs"),
)  # fmt: skip
_COMPILING = 600  # seconds in which the first figures come
_FOUND = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)  # of damaged files


def choice(run: str, runs: Sequence[str]) -> str:
    """HTML of the choice between runs, one of which is chosen."""
    return str(render("runs", run=run, runs=runs))


def said(sentence: str) -> str:
    """HTML of a sentence in place of a run."""
    return str(render("said", said=sentence))


def html(run: pathlib.Path) -> str:
    """All of it.

    Args:
      run: the run folder.

    Raises:
      InputError: if the run is damaged.
    """
    environment = plotting.environment_name(run)
    try:
        metrics = plotting.read_metrics(run) if (run / "metrics.csv").exists() else {}
        steps = int(metrics["steps"].iloc[-1])
    except (KeyError, IndexError, ValueError, OverflowError):
        return said(_nothing_yet(run))
    measures, evaluated = _measures(run), _evaluation(run)
    values = _so_far(metrics)
    for agent, report in evaluated.items():
        values.setdefault(agent, {}).update(report)
    return str(render(
        "training", standing=_standing(run, environment, metrics, steps, bool(evaluated)),
        needs=untrusted(run), is_board=bool(learned_board(run)),
        film=any((run / VIDEOS).glob("[0-9]*.gif")), evaluated=bool(evaluated),
        words=_words(values, measures), figures=_figures(run),
        tables=_tables(evaluated or values, measures, "Evaluation" if evaluated else "So far"),
    ))  # fmt: skip


def waiting(run: pathlib.Path) -> float:
    """For how many seconds a run has not measured anything since it began; 0 if it has, or must have ended since."""
    try:
        age = time.time() - (run / "config.json").stat().st_mtime
    except OSError:
        return 0.0
    return age if age < _COMPILING and not (run / "metrics.csv").exists() else 0.0


def _nothing_yet(run: pathlib.Path) -> str:
    age, since = waiting(run), "it began {} ago, and compiles; the first figures come after its first chunk"
    return f"Nothing measured yet{': ' + since.format(lasting(age)) if age else ''}."


def is_news(run: pathlib.Path) -> bool:
    """Whether a run has measured something lately."""
    try:
        return time.time() - (run / "metrics.csv").stat().st_mtime < _STILL
    except OSError:
        return False


def _standing(run: pathlib.Path, environment: str, metrics, steps: int, is_done: bool) -> dict[str, Any]:
    """How far a training is: `text`, and `spent`, the share of its budget, or None."""
    title = environment if ":" in environment else f"{environment[:1].upper()}{environment[1:]}"
    if not steps:
        return {"text": f"{title}: just begun", "spent": None}
    seconds, budget = _numbers(metrics, "seconds"), _budget(run)
    took = lasting(seconds[-1]) if seconds else ""
    shares = [steps / budget["steps"]] if "steps" in budget else []
    shares += [seconds[-1] / (60 * budget["minutes"])] if "minutes" in budget and seconds else []
    spent = min(1.0, max(shares)) if shares else None
    text = f"{title}: {steps:,} steps"
    if is_done or spent == 1:
        return {"text": f"{text}, done{f' in {took}' if took else ''}", "spent": 1.0}
    text += f" in {took}" if took else " so far"
    if spent is None:
        return {"text": text, "spent": None}
    text += f", {100 * spent:.0f} %"
    if not is_news(run):
        return {"text": f"{text}; it is not running now", "spent": spent}
    left = (seconds[-1] - seconds[0]) * (1 - spent) / spent if len(seconds) > 1 else 0
    return {"text": f"{text}, about {lasting(left)} left" if left else text, "spent": spent}


def _budget(run: pathlib.Path) -> dict[str, float]:
    try:
        settings = read_json(run / "config.json")
        known = {name: settings.get(name) for name in ("steps", "minutes")}
        return {name: value for name, value in known.items() if isinstance(value, (int, float)) and value > 0}
    except _FOUND:
        return {}


def _numbers(metrics, column: str) -> list[float]:
    try:
        return metrics[column].dropna().astype(float).tolist()
    except _FOUND:
        return []


def _words(values: dict[str, dict], measures: plotting.Measures) -> list[tuple[str, str]]:
    """By agent, how good it is by the measures that its environment explains."""
    found = []
    for agent, own in list(values.items())[: _MOST_ROWS // 5]:
        parts, counts = [], {}
        for name, measure in measures.items():
            if not _is_number(value := own.get(name)):
                continue
            if measure["kind"] == "count":
                counts[measure["title"]] = counts.get(measure["title"], 0) + value
            else:
                parts.append(_graded(measure, value))
        parts += [f"{_small(title)}: {f'{count:,.0f}' if count else 'none'}" for title, count in counts.items()]
        if parts:
            found.append((words(agent), f"{'; '.join(parts)}."))
    return found


def _graded(measure: dict, value: float) -> str:
    chance, known = measure["chance"], f"{_small(_title(measure))}: {shown(value, measure['kind'])}"
    if measure["kind"] != "share" or chance is None or not chance < 1:
        return known
    gained = (value - chance) / (1 - chance)
    level = next((words for most, words in _LEVELS if gained < most), "never errs")
    return f"{level}; {known} (by chance {shown(chance, 'share')})"


def _small(title: str) -> str:
    """As it is written within a sentence."""
    is_name = any(letter.isupper() for letter in title.partition(" ")[0][1:])  # NashConv
    return title if is_name else title[:1].lower() + title[1:]


def _tables(values: dict[str, dict], measures: plotting.Measures, title: str) -> list[dict[str, Any]]:
    """The measures that the environment explains; and all the rest, folded, if there are such."""
    values = dict(list(values.items())[: _MOST_ROWS // 5])
    names = list(dict.fromkeys(name for own in values.values() for name in own))[:_MOST_ROWS]
    main = [name for name in names if name in measures] or names
    rest = [name for name in names if name not in main]
    agents = [words(agent) for agent in values]

    def rows(names: list[str]) -> list[tuple[str, list[str]]]:
        return [
            (_title(measures[name]) if name in measures else phrase(name),
             [_shown(name, own.get(name), measures.get(name)) for own in values.values()])
            for name in names
        ]  # fmt: skip

    tables = [{"title": title, "agents": agents, "rows": rows(main), "folded": False}]
    return tables + ([{"title": "All details", "agents": agents, "rows": rows(rest), "folded": True}] if rest else [])


def _evaluation(run: pathlib.Path) -> dict[str, dict]:
    """The agents of evaluation.json, which a training writes at its end."""
    try:
        return {name: _flat(report) for name, report in read_json(run / "evaluation.json")["agents"].items()}
    except _FOUND:
        return {}


def _so_far(metrics) -> dict[str, dict]:
    """The newest measurements of each agent."""
    found = {}
    for name in agents_in(metrics):
        known = metrics[[column for column in metrics if column.startswith(f"{name}_")]].ffill().iloc[-1].dropna()
        found[name] = {column.removeprefix(f"{name}_"): value for column, value in known.items()}
    return found


def _measures(run: pathlib.Path) -> plotting.Measures:
    try:
        return plotting.read_measures(run)
    except InputError:
        return {}  # the names say enough


def _figures(run: pathlib.Path) -> list[tuple[str, str]]:
    """What each figure shows, and it as PNG in base64; those that the run has measured."""
    found = []
    for draw in _FIGURES:
        try:
            figure = draw(run, columns=1) if draw is plotting.strength else draw(run)
            figure.set_size_inches(_INCHES[0], _INCHES[1] * len(figure.axes))
            image = base64.b64encode(figure.png(_DOTS)).decode()
        except InputError:
            continue
        found.append(((draw.__doc__ or "").splitlines()[0].removeprefix("Draws "), image))
    return found


def _title(measure: dict) -> str:
    return ", ".join(filter(None, (measure["title"], measure["case"])))


def _flat(values: dict, before: str = "") -> dict:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{before}{name}, ") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(name: str, value, measure: dict | None = None) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, list):
        return " to ".join(_shown(name, each) for each in value)
    if measure and _is_number(value):
        return shown(value, measure["kind"])
    is_share = name != "loss" and _SHARES & {*re.split("[_, ]+", name)} and isinstance(value, float)
    if is_share and 0 <= value <= 1:
        return shown(value, "share")
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)[:100]
