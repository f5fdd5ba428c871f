"""A page as Markdown and as HTML, of blocks: titles, texts, code, images, tables."""

import html
import pathlib
from collections.abc import Sequence

from imagents.files import write_text

Block = tuple[str, object]  # a kind of title, text, code, image or table, and what it holds
Rows = list[tuple[str, ...]]  # of a table; the first one is its head

_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem}table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{padding:.25rem .75rem;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}img{max-width:100%;background:white}
pre{white-space:pre-wrap;overflow-wrap:anywhere}"""


def write_page(folder: pathlib.Path, title: str, blocks: Sequence[Block]) -> None:
    """Writes report.md and report.html into a folder, each whole or not at all."""
    write_text(folder / "report.md", "\n\n".join(_MARKDOWN[kind](what) for kind, what in blocks) + "\n")
    body, title = "\n".join(_HTML[kind](what) for kind, what in blocks), html.escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    write_text(folder / "report.html", f"<!doctype html><html lang=en>{head}<style>{_STYLE}</style>\n{body}\n</html>\n")


def _markdown_table(rows: Rows) -> str:
    head, *rest = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join([f"| {head} |", "|---" * len(rows[0]) + "|", *(f"| {row} |" for row in rest)])


def _html_table(rows: Rows) -> str:
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
