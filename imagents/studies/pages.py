"""A page as Markdown and as HTML, of blocks: titles, texts, code, images, tables."""

import html
import pathlib
from collections.abc import Sequence

from imagents.files import write_text

Block = tuple[str, object]  # a kind of title, text, code, image or table, and what it holds
Rows = list[tuple[str, ...]]  # of a table; the first one is its head

# What is wider than its column scrolls below its first column, and shadows show where there is more.
_STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;
padding:0 1rem}p,h1,h2{max-width:48rem}.wide{overflow-x:auto;margin:1rem 0;background:
linear-gradient(to right,Canvas,Canvas)left/1.5rem 100% no-repeat local,
linear-gradient(to right,Canvas,Canvas)right/1.5rem 100% no-repeat local,
linear-gradient(to right,#8889,#8880)left/.9rem 100% no-repeat scroll,
linear-gradient(to left,#8889,#8880)right/.9rem 100% no-repeat scroll}
table{border-collapse:collapse}td,th{padding:.25rem .6rem;border-bottom:1px solid #8886;text-align:right;
white-space:nowrap}th{white-space:normal;vertical-align:bottom}td:first-child,th:first-child{text-align:left;
white-space:normal;position:sticky;left:0;background:Canvas;min-width:8.5rem;padding-left:0;overflow-wrap:anywhere}
img{display:block;background:white;border:1px solid #8886;border-radius:6px;width:max(100%,40rem);max-width:60rem;
box-sizing:border-box}
@media(max-width:42rem){.wide:has(img)::before{content:"wider than the page: it scrolls \\2192";font-size:.85em;
position:sticky;left:0}}
pre{overflow-x:auto;white-space:pre-wrap}pre span{white-space:nowrap}"""


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
    return _wide("<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>")


def _html_code(code: str) -> str:
    """A command breaks before its flags alone."""
    parts = (f"<span>{html.escape(part)}</span>" for part in code.replace(" --", "\n--").split("\n"))
    return f"<pre><code>{' '.join(parts)}</code></pre>"


def _wide(content: str) -> str:
    return f'<div class="wide" tabindex="0">{content}</div>'


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
    "code": _html_code,
    "image": lambda what: _wide(f'<img src="{what[0]}" alt="{html.escape(what[1])}">'),
    "table": _html_table,
}
