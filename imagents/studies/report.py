"""The page of a study: report.md and report.html, and curves.png beside them."""

import html
import math
import pathlib
from collections.abc import Iterable

import matplotlib
import pandas as pd

import imagents
from imagents.config import TrainConfig
from imagents.files import in_shell, replacing, write_text
from imagents.plotting.style import STYLE, RunFigure, save, shown, words
from imagents.studies import statistics
from imagents.studies.study import Study
from imagents.studies.summary import ALL, Ended, curves, reached, summary, tabulate

_COLOURS = ("#1b6ca8", "#d95f02", "#1a7f4e", "#a2356b", "#7a5cb8", "#6b6b6b", "#b58900", "#2aa1a1")
_DASHES = ("-", "--", "-.", ":")
_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem}table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{padding:.25rem .75rem;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}img{max-width:100%;background:white}
pre{white-space:pre-wrap;overflow-wrap:anywhere}"""

Block = tuple[str, object]  # a kind of title, text, code, image or table, and what it holds


def write_report(folder: pathlib.Path, study: Study, runs: Ended) -> str:
    """Writes summary.csv, curves.png, report.md and report.html into a study's folder. Returns what to print of it.

    Args:
      folder: the study's.
      study: the study.
      runs: those of it that have come to their end, as `summary.finished` gives them.
    """
    every, measure = tabulate(runs, study), _first_measure(study)
    table, drawn = summary(every, study), curves(runs, study, measure)
    with replacing(folder / "summary.csv") as writing:
        table.to_csv(writing, index=False)
    if drawn:
        save(draw_curves(drawn, words(measure)), folder / "curves.png")
    blocks = list(_blocks(_name(folder), study, runs, every, table, bool(drawn)))
    write_text(folder / "report.md", "\n\n".join(_MARKDOWN[kind](what) for kind, what in blocks) + "\n")
    body = "\n".join(_HTML[kind](what) for kind, what in blocks)
    title = html.escape(_name(folder))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    write_text(folder / "report.html", f"<!doctype html><html lang=en>{head}<style>{_STYLE}</style>\n{body}\n</html>\n")
    return _text(table, measure)


@matplotlib.rc_context(STYLE)
def draw_curves(drawn: dict[str, pd.DataFrame], label: str) -> RunFigure:
    """Draws the interquartile means of settings over steps, and their 95 % intervals at each point as bands."""
    figure = RunFigure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for place, (name, curve) in enumerate(drawn.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        dash = _DASHES[place // len(_COLOURS) % len(_DASHES)]
        axes.plot(curve["steps"], curve["value"], dash, color=colour, label=name)
        axes.fill_between(curve["steps"], curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="steps", ylabel=label)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.margins(x=0)
    figure.legend(loc="outside lower center", ncols=min(3, len(drawn)), frameon=False)
    return figure


def _blocks(
    name: str, study: Study, runs: Ended, every: pd.DataFrame, table: pd.DataFrame, has_curves: bool
) -> Iterable[Block]:
    failed = [run for _, _, run in runs if run.failed is not None]
    yield "title", (1, name)
    yield "text", (f"{len(runs)} of {len(study.runs())} runs are finished, {len(failed)} of them failed: "
                   f"settings {len(study.configs)}, seeds {len(study.seeds)}. The unit is the run: what its agents "
                   "reached is averaged first, and a run that failed counts as the worst.")  # fmt: skip
    if has_curves:
        yield "image", ("curves.png", f"{words(_first_measure(study))} over training")
        yield "text", "Over runs that did not fail; bands are 95 % intervals at each point."
    of_all = table[table["agent"] == ALL]
    for (measure, checkpoint), rows in of_all.groupby(["measure", "checkpoint"], sort=False):
        yield "title", (2, f"{words(measure)}" + (f", {checkpoint} checkpoint" if _has_best(of_all, measure) else ""))
        scores = every[(every["agent"] == ALL) & (every["measure"] == measure) & (every["checkpoint"] == checkpoint)]
        by_setting = {name: group["value"].to_numpy() for name, group in scores.groupby("setting")}
        yield "table", _rows(rows, by_setting, next(iter(study.configs)))
    if failed:
        yield "title", (2, "Runs that failed")
        yield "table", [("run", "why"), *((run.path.name, run.failed) for run in failed)]
    yield "title", (2, "How to repeat it")
    for name, config in study.configs.items():
        yield "text", f"{name}:"
        yield "code", _command(config)
    yield "text", f"imagents {imagents.__version__}; the versions that each run had are in its config.json."
    yield "text", _METHODS


_METHODS = """What was reached is the interquartile mean over runs, or, where each run succeeds or does not, the share
that does. Intervals hold the true value in 95 of 100 studies: of shares of runs by Wilson 1927, of three or four runs
by Tukey and McLaughlin 1963, of more by a bootstrap at the expanded quantiles of Hesterberg 2015, of probabilities
of improvement by Newcombe 2006. Fewer than three runs are an anecdote, and have none. Estimates are those of Agarwal et
al. 2021."""


def _rows(rows: pd.DataFrame, scores: dict, first: str) -> list[tuple[str, ...]]:
    """The table of one measure: a line for each setting, compared with the first one."""
    versus = [f"P(more than {first})"] if len(scores) > 1 else []
    lines = [("setting", "reached", "95 % interval", *versus, "mean", "median", "runs", "failed")]
    for row in rows.itertuples():
        interval = f"{_number(row.low)} to {_number(row.high)}" if math.isfinite(row.low) else "none"
        alone = row.setting == first or first not in scores
        more = ["" if alone else _improvement(scores[row.setting], scores[first]) for _ in versus]
        first_of_all, *estimates = map(_number, (reached(row.mean, row.iqm, row.method), row.mean, row.median))
        lines.append((row.setting, first_of_all, interval, *more, *estimates, f"{row.runs}", f"{row.failed}"))
    return lines


def _improvement(scores, others) -> str:
    found = statistics.improvement_interval(scores, others)
    share = f"{statistics.probability_of_improvement(scores, others):.2f}"
    return f"{share} ({found.low:.2f} to {found.high:.2f})" if found else share


def _text(table: pd.DataFrame, measure: str) -> str:
    """What the command prints: the first measure, in 80 columns."""
    rows = table[(table["agent"] == ALL) & (table["measure"] == measure)].drop_duplicates("setting")
    if rows.empty:
        return "no run is finished"
    lines = [f"{words(measure)}, {rows['checkpoint'].iloc[0]} checkpoint: over runs"]
    width = min(34, max(map(len, rows["setting"])))
    for row in rows.itertuples():
        ends = f"{_number(row.low)} to {_number(row.high)}" if math.isfinite(row.low) else row.method
        failed = f", {row.failed} failed" if row.failed else ""
        value = _number(reached(row.mean, row.iqm, row.method))
        lines.append(f"  {row.setting[:width]:{width}}  {value:>8}  ({ends}, n = {row.runs}{failed})")
    return "\n".join(lines)


def _command(config: TrainConfig) -> str:
    """The command that trains such a run; SEED stands for its seed."""
    plain = TrainConfig(config.environment.name, algorithm=config.algorithm.name).to_dict()
    flags = [f"--environment {config.environment.name}", f"--algorithm {config.algorithm.name}"]
    for name, value in config.to_dict().items():
        if value != plain.get(name) and name not in ("environment", "algorithm", "seed") and value is not None:
            values = value if isinstance(value, list) else [value]
            flags.append(" ".join([f"--{name.replace('_', '-')}", *(in_shell(str(each)) for each in values)]))
    return f"imagents train {' '.join(flags)} --seed SEED"


def _first_measure(study: Study) -> str:
    return next(iter(next(iter(study.configs.values())).environment.measures))


def _has_best(table: pd.DataFrame, measure: str) -> bool:
    return "best" in set(table[table["measure"] == measure]["checkpoint"])


def _name(folder: pathlib.Path) -> str:
    return words(folder.resolve().name)


def _number(value: float) -> str:
    return shown(value, "number") if math.isfinite(value) else "failed"


def _markdown_table(rows: list[tuple[str, ...]]) -> str:
    head, *rest = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join([f"| {head} |", "|---" * len(rows[0]) + "|", *(f"| {row} |" for row in rest)])


def _html_table(rows: list[tuple[str, ...]]) -> str:
    head, *rest = rows
    lines = ["".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in row)
             for kind, row in [("th", head), *(("td", row) for row in rest)]]  # fmt: skip
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


_MARKDOWN = {
    "title": lambda what: f"{'#' * what[0]} {what[1]}",
    "text": str,
    "code": lambda what: f"```sh\n{what}\n```",
    "image": lambda what: f"![{what[1]}]({what[0]})",
    "table": _markdown_table,
}
_HTML = {
    "title": lambda what: f"<h{what[0]}>{html.escape(what[1])}</h{what[0]}>",
    "text": lambda what: f"<p>{html.escape(what)}</p>",
    "code": lambda what: f"<pre><code>{html.escape(what)}</code></pre>",
    "image": lambda what: f'<img src="{what[0]}" alt="{html.escape(what[1])}">',
    "table": _html_table,
}
