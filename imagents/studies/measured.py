"""What the measures of a study are called, and which way is better, as its environments say."""

from imagents.environments import Measure
from imagents.plotting.words import words
from imagents.studies.study import Study

_KINDS = {"share": "share", "count": "count", "number": ""}


def measures_of(study: Study) -> list[str]:
    """The measures of a study's environments, by name."""
    return list(dict.fromkeys(name for config in study.configs.values() for name in config.environment.measures))


def first_measure(study: Study) -> str:
    """By which agents are judged, if by one."""
    return measures_of(study)[0]


def less_is_better(study: Study, name: str) -> bool:
    """Whether the agents of a study are better if they have less of a measure; False of one that nobody explains."""
    measure = _found(study, name)
    return measure is not None and bool(measure.less_is_better)


def title_of(study: Study, name: str, checkpoint: str = "") -> str:
    """What people call a measure, and that of which checkpoint it is."""
    measure = _found(study, name)
    title = words(name) if measure is None else ", ".join(filter(None, (measure.title, measure.case)))
    return f"{title} ({checkpoint} checkpoint)" if checkpoint else title


def unit_of(study: Study, name: str) -> str:
    """What its numbers are and which way is better, for an axis; "" of a measure that nobody explains."""
    measure = _found(study, name)
    return "" if measure is None else ", ".join(filter(None, (_KINDS[measure.kind], _direction(measure))))


def about(study: Study, name: str) -> str:
    """The same as sentences, with what random play has and the name in the files; "" of what nobody explains."""
    measure = _found(study, name)
    if measure is None:
        return ""
    kind = {"share": "A share of 0 to 1", "count": "A count", "number": "A number"}[measure.kind]
    chance = "" if measure.chance is None else f"random play has {measure.chance:.3g}"
    return f"{'; '.join(filter(None, (kind, _direction(measure), chance)))}. In summary.csv: {name}."


def _direction(measure: Measure) -> str:
    return {True: "less is better", False: "more is better", None: ""}[measure.less_is_better]


def _found(study: Study, name: str) -> Measure | None:
    faces = (config.environment for config in study.configs.values())
    return next((face.measures[name] for face in faces if name in face.measures), None)
