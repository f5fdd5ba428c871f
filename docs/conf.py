"""The documentation site: `make docs` builds it into build/docs, without anything from the network."""

import re

from docutils import nodes

import imagents

project = "imagents"
copyright = "the imagents authors, Apache-2.0"
version = release = imagents.__version__

extensions = [
    "myst_nb",  # pages in Markdown, and the notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "notebooks/.ipynb_checkpoints", "notebooks/outputs"]
templates_path = ["_templates"]
suppress_warnings = ["toc.empty_glob", "ref.python"]  # the latter: several classes have a seat

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebooks are committed with what they showed in a full run

default_role = "code"  # docstrings write code in single backticks
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
autosummary_ignore_module_all = True
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"imagents {version}"
html_static_path = ["_static"]
html_css_files = ["imagents.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1b6ca8", "color-brand-content": "#1b6ca8"},
    "dark_css_variables": {"color-brand-primary": "#7db8e8", "color-brand-content": "#7db8e8"},
}

_LONG = 34  # characters of code that a phone's line has room for
_FIELD = re.compile(r"(\w[\w., ]*):\s+(\S.*)")
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Others):.*")


def _for_sphinx(app, what, name, obj, options, lines):
    """Docstrings are written for people who read the source; this makes them say the same to Sphinx.

    Outside of sections (Args, Returns, ...) indented blocks are shown as they are, and tables of `field: meaning`
    become lists. Everywhere, `code`s may be followed by a letter.
    """
    paragraphs = [part.split("\n") for part in re.split(r"\n\s*\n", "\n".join(lines).rstrip())]
    in_section = False
    for paragraph in paragraphs:
        if not paragraph[0].startswith(" "):
            in_section = bool(_SECTION.fullmatch(paragraph[0]))
        fields = [_FIELD.fullmatch(line) for line in paragraph]
        if in_section:
            continue
        if paragraph[0].startswith(" "):
            paragraph[:] = ["::", "", *paragraph]
        elif fields[0] and fields[1:] and all(f or line.startswith(" ") for f, line in zip(fields, paragraph)):
            paragraph[:] = [f"* `{f[1]}`: {f[2]}" if f else f"  {line.strip()}" for f, line in zip(fields, paragraph)]
    text = "\n\n".join("\n".join(paragraph) for paragraph in paragraphs)
    lines[:] = [re.sub(r"(?<!`)(`[^`\n]+`)(?=\w)", r"\1\\ ", line) for line in [*text.split("\n"), ""]]


def _for_the_eye(app, doctree):
    """Keeps together 99 %, and an interval in a table's cell; marks long names, which may break."""
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, (nodes.literal, nodes.literal_block, nodes.raw)):
            continue
        kept = re.sub(r"(?<=\d) %", "\u00a0%", text)
        if isinstance(text.parent.parent, nodes.entry) and len(text.parent.parent.parent) < 8:  # a cell, and its row
            kept = re.sub(r"[(\[][-\d.]+ to [-\d.]+[)\]]", lambda found: found[0].replace(" ", "\u00a0"), kept)
        if kept != text:
            text.parent.replace(text, nodes.Text(kept))
    for name in doctree.findall(nodes.literal):
        if max(map(len, name.astext().split()), default=0) > _LONG:
            name["classes"].append("long")


def _is_not_ours(app, what, name, obj, skip, options):
    """Leaves out what matplotlib writes into the classes that inherit from its own."""
    return True if getattr(obj, "__module__", None) == "matplotlib.artist" else None


def setup(app):
    app.connect("doctree-read", _for_the_eye)
    app.connect("autodoc-skip-member", _is_not_ours)
    app.connect("autodoc-process-docstring", _for_sphinx, priority=100)  # before napoleon, which reads the sections
