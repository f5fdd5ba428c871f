"""A job in plain values: settings become hyperparameters and back, and every printed figure is found in the log."""

import re

import pytest

from imagents.cloud.sagemaker import description
from imagents.config import TrainConfig
from imagents.errors import InputError


def flags(config: TrainConfig) -> dict[str, str]:
    """Hyperparameters as the toolkit passes them: all of them text."""
    return {name: str(value) for name, value in description.hyperparameters(config).items()}


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig("connect_four"),
        TrainConfig(minutes=0.5, hidden_layers=(64,), opponent="random=1,heuristic=3"),
        TrainConfig(steps=10**9, hidden_layers=(), learning_rate=3e-5, reward_loss=-2.0),
    ],
)
def test_hyperparameters_are_the_settings_and_come_back_as_they_were(config):
    assert description.config_of(flags(config)) == config


def test_hyperparameters_are_plain_values_that_every_sdk_can_send():
    values = description.hyperparameters(TrainConfig(steps=1000))
    assert values["hidden_layers"] == "128 128" and values["steps"] == 1000
    assert "minutes" not in values  # None stays away: it would become the text "None"
    assert all(isinstance(value, (str, int, float)) for value in values.values())
    assert len(values) < 90  # SageMaker takes 100, and adds its own


def test_settings_that_are_not_given_are_the_presets():
    assert description.config_of({"environment": "connect_four", "seed": "3"}) == TrainConfig("connect_four", seed=3)


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"steps": "many"}, "steps = 'many': a whole number is needed"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast': a number is needed"),
        ({"hidden_layers": "64 wide"}, "hidden_layers = 'wide': a whole number is needed"),
        ({"minutes": "-1"}, "minutes = -1.0: a budget is more than 0"),
        ({"pace": "9"}, "unknown setting 'pace': the settings are environment, "),
        ({"plies": "1000"}, "unknown setting 'plies': it is called steps now"),
        ({"algorithm": "sarsa"}, "algorithm = 'sarsa': choose dqn, double_dqn, c51, tabular"),
    ],
)
def test_a_wrong_hyperparameter_is_named_in_one_sentence(given, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        description.config_of(given)


@pytest.mark.parametrize("value", [0.0123456, 1.0, -0.25, 12345678.0, 1.5e-07, -3.4e38, 0.0])
def test_a_figures_number_is_found_in_a_line_whatever_it_looks_like(value, capsys):
    from imagents.training.progress import write_metric_line

    write_metric_line({"steps": 5.0, "player_1_loss": value, "episodes": float("nan")})
    line = capsys.readouterr().out
    found = {d["Name"]: re.search(d["Regex"], line) for d in description.metric_definitions(TrainConfig())}
    assert float(found["player_1_loss"][1]) == pytest.approx(value, rel=1e-5)
    assert float(found["steps"][1]) == 5
    assert [name for name, match in found.items() if match] == ["steps", "player_1_loss"]


def test_figures_are_within_what_sagemaker_takes():
    for config in (TrainConfig(), TrainConfig(environment="connect_four"), TrainConfig(opponent="league")):
        assert len(description.metric_definitions(config)) <= 40


LEAGUES = [{"opponent": "league"}, {"players": ["learner", "league"]}, {"opponent": "league=1,random=1"}]


@pytest.mark.parametrize("who", LEAGUES)
def test_a_league_wherever_it_sits_has_its_figure(who):
    assert "league_joined" in description.figures(TrainConfig(**who))
    assert "league_joined" not in description.figures(TrainConfig(players=["learner", "random"]))


def test_a_jobs_time_covers_its_budget():
    assert description.training_job(TrainConfig(minutes=60)).max_run > 3600 + 1800
    assert description.training_job(TrainConfig(steps=1000)).max_run == 24 * 3600


def test_what_a_job_cannot_do_is_said_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="^unknown environment 'chess'"):
        description.training_job(TrainConfig(environment="chess"))
    with pytest.raises(InputError, match="is a folder of this machine, which a job does not see"):
        description.training_job(TrainConfig(opponent=f"random=1,{tmp_path}:player_1=2"))
    with pytest.raises(InputError, match="^distribution: one training runs on one machine"):
        description.check_arguments(2, {"distribution": {"parameter_server": {"enabled": True}}})
    with pytest.raises(InputError, match="^instance_count = 0: at least 1 is needed"):
        description.check_arguments(0, {})
    with pytest.raises(InputError, match="^games = 7: an even number is needed"):
        description.evaluation_job(games=7)
    description.check_players(TrainConfig(opponent="channel:rival"))
    description.check_players(TrainConfig(players=["random=1,minimax:3=2", "learner"]))


def test_a_job_gets_the_package_that_its_environment_needs():
    jobs = [description.training_job(TrainConfig(name)) for name in ("tic_tac_toe", "gymnasium:CartPole-v1")]
    assert [job.packages for job in jobs] == [(), ("gymnasium[classic-control]",)]
    for name, packages in (("gymnasium:CartPole-v1", ("gymnasium[classic-control]",)),
                           ("open_spiel:kuhn_poker", ("open_spiel",)),
                           ("pettingzoo:classic.go_v5", ("mpe2", "pettingzoo[classic]"))):  # fmt: skip
        assert description.evaluation_job(environment=name).packages == packages
    assert set(description.requirements(others=["gymnasium"])) - set(description.requirements()) == {"gymnasium"}


def test_a_program_comes_from_a_channel():
    with pytest.raises(InputError, match="'unity:./game': that program is on this machine.* unity:channel:game"):
        description.training_job(TrainConfig("unity:./game"))
    for name in ("unity:editor", "unity:editor(gravity=2)"):
        said = rf"^environment = '{re.escape(name)}': that editor is on this machine, which a job does not see: build"
        with pytest.raises(InputError, match=said):
            description.training_job(TrainConfig(name))
    job = description.training_job(TrainConfig("unity:channel:game", behaviours="Car=2"))
    assert "player_2_mean_return" in [each["Name"] for each in job.metric_definitions]
    assert description.config_of(flags(TrainConfig("unity:channel:game"))) == TrainConfig("unity:channel:game")


def test_requirements_never_name_what_the_image_has():
    names = [re.match(r"[\w-]+", line)[0].replace("_", "-").lower() for line in description.requirements()]
    assert not {"tensorflow", "tensorflow-cpu", "tf-keras", "keras", "tf-agents"} & set(names)
    assert "tensorflow-probability==0.25.0" in description.requirements()


def test_requirements_hold_every_core_package_that_the_image_lacks():
    """So that a new core package is not forgotten in jobs."""
    text = (description.pathlib.Path(__file__).parents[2] / "setup.py").read_text()
    core = re.findall(r'"([\w-]+)', text.partition("install_requires=[")[2].partition("],")[0])
    in_the_image = {"tensorflow", "tf_keras", "numpy", "tensorboard"}
    names = {re.match(r"[\w-]+", line)[0] for line in description.requirements("2.21")}
    assert {name for name in core if name != "python_version"} - in_the_image == names
