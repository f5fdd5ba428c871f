"""Worlds to live in: a file or a folder each, with everything about it inside.

An environment's face is a frozen dataclass that imports no TensorFlow: its fields are its settings, each a flag of the
command line with a sentence. `imagents.config.ENVIRONMENTS` names it; nobody else does. What it says and makes:

    title               its name, as people write it
    presets             by name, what each changes in the settings of a whole training
    tallies             what a training counts of the episodes that end
    measures            by name, how good an agent is: a `Measure`
    opponents           whom an evaluation lets its agents meet; slow_opponents: the same, in few games
    check(algorithm)    raises an InputError for settings of an algorithm that do not fit
    build(B, seed)      B copies side by side, a TF-Agents environment
    network()           arguments of a Q network that know the environment; return_range: least and greatest return
    judge()             what knows exactly how good an agent is: assess, summary and report_lines; None if nobody does
    strength(agents)    measures agents again and again while they train
    players()           makers of the players that know it, by name
    arena(games, seed)  where players meet in matches
    serving(seat)       what an exported agent takes and what it makes of that
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Measure:
    """A figure of how good an agent is.

    Attributes:
      title: of its panel; measures of one title share a panel.
      kind: a share of 0 to 1, a count of things that should not be, or any other number.
      chance: what random play scores; None if that says nothing.
      short: what a progress bar calls it; "" keeps it out of there.
      case: what tells it from the others of its panel, such as "moving first".
    """

    title: str
    kind: Literal["share", "count", "number"] = "share"
    chance: float | None = None
    short: str = ""
    case: str = ""
