"""A build's process: it is started, seeded, told things, and whatever becomes of it is one sentence."""

import socket

import pytest
from builds import BASIC, Basic, Scripted, build, info

from imagents.bridges.unity import link, side_channels
from imagents.bridges.unity.link import EDITOR, Link
from imagents.bridges.unity.messages import RESET, STEP
from imagents.errors import InputError


@pytest.fixture
def linked():
    """Opens links, and closes them."""
    links = []

    def open_one(path, **settings):
        links.append(Link(path, settings.pop("seed", 0), settings.pop("timeout", 20.0), **settings))
        return links[-1]

    yield open_one
    for each in links:
        each.close()


def at(said) -> int:
    """Where the agent of Basic is."""
    return list(said.rl_output.agentInfos[BASIC].value[-1].observations[0].float_data.data).index(1)


def test_two_builds_have_a_port_each_and_quit_when_they_are_told(linked, tmp_path):
    path = build(tmp_path)
    first, second = linked(path), linked(path)
    for each, move in ((first, 2), (second, 1)):
        assert at(each.exchange(RESET)) == 10
        assert at(each.exchange(STEP, {BASIC: [([], [move])]})) == 8 + move + (move == 2)
    process = first._process
    first.close()
    assert process.returncode == 0 and second._process.poll() is None


def test_a_process_that_dies_is_found_out_by_its_exit_code(linked, tmp_path):
    dying = linked(build(tmp_path, "Dying"))
    dying.exchange(RESET)
    with pytest.raises(InputError, match="game.x86_64 ended with status 3; it said last: out of marbles$"):
        for _ in range(4):
            dying.exchange(STEP, {BASIC: [([], [2])]})


def test_a_process_that_hangs_is_ended_after_a_while(linked, tmp_path, monkeypatch):
    monkeypatch.setattr(link, "_PATIENCE", 0.1)
    hanging = linked(build(tmp_path, "Hanging"), timeout=2.0)
    hanging.exchange(RESET)
    hanging._timeout = 0.3
    with pytest.raises(InputError, match="has not answered for 0.3 seconds: its process runs on"):
        for _ in range(4):
            hanging.exchange(STEP, {BASIC: [([], [2])]})
    assert hanging._process.returncode < 0


def test_a_program_that_is_no_build_is_one_sentence(linked, tmp_path):
    path = tmp_path / "game.x86_64"
    path.write_text("#!/bin/sh\necho no screen\nkill -9 $$\n")
    path.chmod(0o755)
    with pytest.raises(InputError, match="game.x86_64 ended by SIGKILL; it said last: no screen$"):
        linked(str(path))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "^there is no such file; the path of a build's executable is needed"),
        ("text", "text is no program that may be executed: chmod [+]x"),
        ("two", "there are a.x86_64, b.x86_64 in it"),
        ("broken.x86_64", "broken.x86_64 does not start: Exec format error"),
    ],
)
def test_what_is_no_build_is_refused(linked, tmp_path, path, said):
    (tmp_path / "text").write_text("")
    (tmp_path / "two").mkdir()
    for name in ("two/a.x86_64", "two/b.x86_64", "broken.x86_64"):
        (tmp_path / name).write_bytes(b"\x7fELF")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(InputError, match=said):
        linked(str(tmp_path / path))


@pytest.mark.parametrize("path", ["game", "game.x86_64", "."])
def test_a_build_is_found_by_its_file_with_or_without_the_ending_or_by_its_folder(tmp_path, path):
    made = build(tmp_path)
    assert link._command(str(tmp_path / path)) == [made]


def test_the_port_of_the_editor_in_use_is_one_sentence(linked, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        monkeypatch.setattr(link, "EDITOR_PORT", taken.getsockname()[1])
        with pytest.raises(InputError, match="^port [0-9]+, at which the editor looks for a trainer, is in use"):
            linked(EDITOR)


def test_nobody_in_the_editor_is_one_sentence(linked, monkeypatch):
    monkeypatch.setattr(link, "EDITOR_PORT", 0)
    with pytest.raises(InputError, match="^editor has not answered for 0.1 seconds: is Play pressed in the editor"):
        linked(EDITOR, timeout=0.1)


def test_another_protocol_is_refused(opened):
    scene = Basic()
    scene.communication_version = "2.0.0"
    with pytest.raises(InputError, match="^scene speaks version 2.0.0 of Unity's protocol: it is 1.5.0 here"):
        opened(scene)


def test_an_old_build_is_told_numbers_alone(opened):
    class Old(Scripted):
        communication_version = "1.2.0"

    scene = Old({BASIC: [info(1)]})
    world = opened(scene)
    world.begin(0)
    world.step([2])
    assert world._stage._link.old_actions and scene.done == [{(BASIC, 1): ([], [2])}]


def test_a_scene_is_told_its_seed_and_what_else_it_should_know_once(opened):
    scene = Basic()
    world = opened(scene, parameters={"gravity": 2}, properties={"wind": 3}, engine={"time_scale": 5})
    scene.told = b""
    world.begin(2**31 + 7)
    world.step([0])
    told = side_channels.parameters({"gravity": 2}), side_channels.properties({"wind": 3})
    assert (scene.seed, scene.told) == (7, b"".join([side_channels.engine({"time_scale": 5}), *told]))


def test_a_proxy_is_nothing_that_unity_is_told(monkeypatch, tmp_path):
    """It would look for this machine there."""
    monkeypatch.setenv("HTTP_PROXY", "http://nowhere:1")
    seen = {}

    def popen(words, env, **settings):
        seen.update(env, words=words)
        raise OSError(8, "no")

    monkeypatch.setattr(link.subprocess, "Popen", popen)
    with pytest.raises(InputError):
        Link(build(tmp_path), 0, 1.0)
    assert "HTTP_PROXY" not in seen and seen["words"][1:3] == ["-batchmode", "-nographics"]
    with pytest.raises(InputError):
        Link(build(tmp_path), 0, 1.0, graphics=True)
    assert "-batchmode" not in seen["words"]
