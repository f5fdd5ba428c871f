"""Names of other packages' environments: BRIDGE:NAME(ARGUMENT=VALUE,...)."""

import sys

import pytest

from imagents.bridges.settings import split_name
from imagents.config import BRIDGES, TrainConfig, environment_class
from imagents.errors import InputError
from imagents.own import is_own

every_bridge = pytest.mark.parametrize("bridge", BRIDGES)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("gymnasium:CartPole-v1", ("CartPole-v1", {})),
        ("gymnasium:CartPole-v1()", ("CartPole-v1", {})),
        ("gymnasium:CartPole-v1(max_episode_steps=200)", ("CartPole-v1", {"max_episode_steps": 200})),
        ("gymnasium:a.b:C-v0( x='a:b(', y=[1, None], z=-0.5 )", ("a.b:C-v0", {"x": "a:b(", "y": [1, None], "z": -0.5})),
    ],
)
def test_a_name_and_its_arguments(name, parts):
    assert split_name(name) == parts


@pytest.mark.parametrize("brackets", ["(1)", "(x)", "(x=y)", "(x=1", "x=1)", "(**{})", "(x=1)(y=2)", "(x=open('f'))",
                                      "(x=1).y", "(x=1, x=2)", "(x=" + "[" * 999, "(x=1);import os"])  # fmt: skip
def test_brackets_hold_plain_values_and_nothing_is_run(brackets):
    if "(" not in brackets:
        assert split_name(f"gymnasium:A{brackets}") == (f"A{brackets}", {})
        return
    with pytest.raises(InputError, match="^environment = .*: in the brackets ARGUMENT=VALUE, each a plain value"):
        split_name(f"gymnasium:A{brackets}")


@every_bridge
def test_a_name_is_needed(bridge):
    with pytest.raises(InputError, match=f"^environment = '{bridge}:': a name is needed behind the colon$"):
        TrainConfig(f"{bridge}:")


@every_bridge
def test_a_config_is_made_and_read_without_the_package(bridge, monkeypatch):
    package = environment_class(f"{bridge}:x").package
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    config = TrainConfig(f"{bridge}:Some-v0(a=1)", seed=3, workers=2)
    assert TrainConfig(**config.to_dict()) == config and config.environment.workers == 2


@every_bridge
def test_a_package_that_is_missing_is_named_with_the_line_that_installs_it(bridge, monkeypatch):
    face = TrainConfig(f"{bridge}:Some-v0").environment
    monkeypatch.setitem(sys.modules, face.package, None)
    with pytest.raises(InputError, match=f"^{bridge}:Some-v0 needs the package {face.package}: pip install -c "
                                         rf"constraints.txt -e .\[{face.extra}\]$"):  # fmt: skip
        face.build(1, 0)


def test_what_a_name_imports_beside_its_package_has_to_be_trusted():
    assert not is_own("gymnasium:CartPole-v1") and not is_own("gymnasium:CartPole-v1(a='b:c')")
    assert is_own("gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3") and is_own("my_world:make")
    assert not is_own("cartpole")


@pytest.mark.parametrize("workers", [-1])
def test_workers_are_a_number_of_processes(workers):
    with pytest.raises(InputError, match="^workers = -1: a number of processes is needed, 0 for none$"):
        TrainConfig("gymnasium:CartPole-v1", workers=workers)
