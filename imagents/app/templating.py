"""The page's templates: HTML in which every value is escaped, unless it was made by one of them or drawn by us."""

import functools
import pathlib

_FOLDER = pathlib.Path(__file__).parent / "templates"


def render(name: str, **values):
    """A template, filled in.

    Args:
      name: the file's name in the folder of templates, without .html.
      values: what it shows; text is escaped.

    Returns:
      HTML that another template takes as it is, a `markupsafe.Markup`.
    """
    from markupsafe import Markup

    return Markup(_templates().get_template(f"{name}.html").render(values))


def drawn_by_us(svg: str):
    """A drawing of ours as HTML that a template takes as it is."""
    from markupsafe import Markup

    return Markup(svg)


@functools.cache
def _templates():
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    templates.filters |= {"merged": lambda one, other: one | dict(other), "signed": _signed}
    return templates


def _signed(value: float, form: str = "+g") -> str:
    return format(value, form).replace("-", "\N{MINUS SIGN}")
