"""Who an agent is and how strong, in a sentence or two, from what its export or its run says. Needs no TensorFlow."""

from collections.abc import Mapping

from imagents.errors import counted

_WORTH = ("reward_loss", "reward_win")


def who(training: Mapping, evaluation: Mapping | None = None) -> str:
    """What an agent learned from, and what its evaluation says.

    Args:
      training: the settings of its training, flat.
      evaluation: of the agent, as an evaluation.json or an export has it; None if there is none.
    """
    steps = training.get("steps") or training.get("plies")  # the latter in version 0.1.0
    minutes = training.get("minutes")
    millions = f"{steps / 1e6:.3g} million" if steps and steps >= 1e6 else f"{steps or 0:,}"
    learned = f"{millions} moves" if steps else f"{minutes:g} min" if minutes else "some moves"
    company = "another learner" if training.get("opponent") == "learner" else "others"
    known = _strength(evaluation or {})
    return f"Learned alone, from {learned} of play with {company}.{f' {known}' if known else ''}"


def scale(training: Mapping) -> tuple[float, float] | None:
    """What a loss and a win are worth to an agent by the settings of its training; None if they do not say."""
    loss, win = (training.get(name) for name in _WORTH)
    motivated = any(value for name, value in training.items() if name.rpartition(".")[2] == "motivation")
    own = training.get("agents") or motivated or not all(isinstance(worth, (int, float)) for worth in (loss, win))
    return None if own or loss >= win else (float(loss), float(win))


def _strength(evaluation: Mapping) -> str:
    exact, positions = evaluation.get("exact", evaluation), evaluation.get("positions", {})
    if "optimal_share" in exact:
        lines = exact["losing_lines_first"] + exact["losing_lines_second"]
        beaten = counted(lines, "line of play beats it", "lines of play beat it") if lines else ""
        return f"{_percent(exact['optimal_share'])} of its moves are optimal, and {beaten or 'nothing beats it'}."
    for name, where in (("close", "In close games "), ("mixed", "")):  # the latter before there was the former
        if labelled := positions.get(name):
            return f"{where}{_percent(labelled['good'])} of its moves keep what the position is worth."
    if "random_first" in evaluation:
        shares = [evaluation[f"random_{turn}"]["win_rate"] for turn in ("first", "second")]
        first, second = map(_percent, shares)
        return f"Wins {first} of games against random moves if it begins, {second} if it does not."
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"  # which no line parts
