"""All systems get the same work on cartpole. No test here depends on how long anything takes."""

import pytest

from benchmarks import cartpole, processes

ROWS = [{"system": "slow", "steps_per_second": 10.0}, {"system": "fast", "steps_per_second": 400.0}]


@pytest.mark.parametrize("settings", cartpole.SETTINGS)
def test_as_many_decisions_are_trained_on_per_step(settings, monkeypatch):
    work, (_, batch_size, steps) = cartpole.work(settings), cartpole.SETTINGS[settings]
    trained = work["train_steps_per_round"] * work["batch_size"]
    assert trained / work["parallel_games"] == batch_size / steps
    monkeypatch.setattr("imagents.training.loop.build", lambda config: configs.append(config) or Silent())
    configs = []
    cartpole.OurLoop(settings, 1.0)
    [config] = configs
    assert {name: config.to_dict()[name] for name in work} == {**work, "hidden_layers": list(work["hidden_layers"])}
    assert config.algorithm.loss == "huber" and config.algorithm.exploration_start == 0  # nothing of the preset


class Silent:
    def run(self, rounds):
        pass


def test_peers_that_are_installed_are_told_the_work(tmp_path):
    assert cartpole.commands("zoo", tmp_path, 2.0) == []
    for name in ("jax", "torch"):
        python = tmp_path / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    sb3, jax = (list(map(str, command)) for command in cartpole.commands("zoo", tmp_path, 2.0))
    assert sb3[2:] == ["--settings", "zoo", "--seconds", "2.0"]
    assert " ".join(jax[2:]).startswith("--parallel-games 64 --batch-size 64 --train-steps-per-round 32 ")
    assert "--hidden-layers 256 256" in " ".join(jax)


def test_a_peer_is_compared_with_what_was_measured_around_it(monkeypatch):
    class Ours:
        def __init__(self, *_):
            self.speeds = []

        def measure(self):
            self.speeds.append(100.0 * (len(self.speeds) + 1))  # 100, 200, 300, 400, 500

    peers = iter(2 * ROWS)
    monkeypatch.setattr(cartpole, "OurLoop", Ours)
    monkeypatch.setattr(cartpole, "commands", lambda *_: [["slow"], ["fast"]])
    monkeypatch.setattr(processes, "json_of", lambda _: next(peers))
    ours, slow, fast = cartpole.compare("zoo", None, 1.0, repeats=2)
    assert ours == {"system": "imagents", "settings": "zoo", "steps_per_second": 300.0}
    assert (slow["steps_per_second"], slow["imagents_is"]) == (10, (15 + 35) / 2)
    assert (fast["steps_per_second"], fast["imagents_is"]) == (400, (250 / 400 + 450 / 400) / 2)
