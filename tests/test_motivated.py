"""Motivations as settings: names with weights, for all or by seat; whatever cannot be is refused in one sentence."""

import pytest

from imagents.commands import Train
from imagents.config import TrainConfig
from imagents.errors import InputError
from imagents.flags import parse_training
from imagents.studies.study import Study
from imagents.studies.worker import structure


def test_a_motivation_is_names_with_weights():
    config = TrainConfig("deep_sea", motivation="counts:0.1,rnd")
    assert config.algorithm.motivations == (("counts", 0.1), ("rnd", 1.0))
    assert TrainConfig("deep_sea", motivation="none").algorithm.motivations == ()
    assert TrainConfig("deep_sea", "counts", motivation="none", counts_optimism=0.0).algorithm.motivations == ()
    assert TrainConfig(**config.to_dict()) == config


def test_seats_have_their_own_on_the_command_line_and_in_studies():
    own = TrainConfig("stag_hunt", algorithm="tabular", motivations=["counts:0.1", "none"])
    assert [own.algorithm_of(name).motivation for name in own.agent_names] == ["counts:0.1", "none"]
    words = "--environment stag_hunt --algorithm tabular --motivations counts:0.1 none"
    assert TrainConfig(**parse_training("test", words.split(), Train)[0]) == own
    base = dict(environment="stag_hunt", algorithm="tabular", motivations=["counts:0.1", "none"])
    assert Study(base=base).configs == {"stag_hunt": own}
    with pytest.raises(InputError, match="they stand for motivation, which is given, too"):
        parse_training("test", [*words.split(), "--motivation", "counts"], Train)


def test_weights_share_a_compiled_program_and_names_do_not():
    first, *others = (structure(TrainConfig("stag_hunt", motivation=x)) for x in ("rnd", "rnd:0.2", "icm", "rnd,icm"))
    assert [other == first for other in others] == [True, False, False]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"motivation": "count:1"}, "motivation = 'count': choose counts, episodic_counts, rnd, icm, lear"),
        ({"motivation": "rnd:much"}, "motivation = 'rnd:much': a weight is a number, such as rnd:0.1"),
        ({"motivation": "rnd:inf"}, "motivation = 'rnd:inf': a weight is a number"),
        ({"motivation": "rnd,rnd:2"}, "motivation = 'rnd,rnd:2': each counts once, with one weight"),
        ({"motivation": "prosocial"}, "motivation = 'prosocial': it is about what others are paid, and deep_sea"),
        ({"motivation": "drives"}, "motivation = 'drives': deep_sea does not say what feeds an agent"),
        ({"environment": "rooms", "motivation": "empowerment", "empowerment_steps": 2}, "it is learned, 1 ahead"),
        ({"counts_optimism": 1.0}, "counts_optimism = 1.0: it is for the motivation counts"),
        ({"motivations": "rnd"}, "motivations = 'rnd': one for each seat is needed"),
        ({"inequity_memory": 1.5}, "inequity_memory = 1.5: 0 to 1 is needed"),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(InputError, match=words):
        TrainConfig(**{"environment": "deep_sea"} | settings)
