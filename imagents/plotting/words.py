"""How figures and reports write names and numbers."""

_MOST_LETTERS = 60  # of a name


def words(name: str) -> str:
    """A name of the code as people write it, cut where it would fill a figure; MODULE:FUNCTION stays as it is."""
    cut = name if len(name) <= _MOST_LETTERS else f"{name[:_MOST_LETTERS]}…"
    return cut if ":" in name else cut.replace("_", " ")


def shown(value: float, kind: str) -> str:
    """A value of a measure of this kind: share, count or number."""
    return {"share": f"{100 * value:.1f} %", "count": f"{value:,.0f}", "number": f"{value:,.4g}"}[kind]
