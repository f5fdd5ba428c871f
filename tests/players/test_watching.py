"""Episodes of any run's agents, in the terminal and as animations: a frame for each time step, and whole files only."""

import gc
import io
import shutil
import subprocess

import numpy as np
import pytest
import strangers
from PIL import Image
from small import untrained_run
from tf_agents.environments import tf_py_environment

import imagents
from imagents import cli, own
from imagents.errors import InputError
from imagents.opening import export_run, open_path
from imagents.players.watching import Watching

# TF-Agents has no way to close the threads of a PyEnvironment but to be told so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is missing")
GAMES = {  # environments, and settings of them
    "tic_tac_toe": {},
    "prisoners_dilemma": dict(episode_length=5),  # the same joint action is drawn five times
    "kuhn_poker": {},
    "deep_sea": dict(size=4),
    "cartpole": {},
}


@pytest.fixture(scope="module", autouse=True)
def collected():
    yield
    gc.collect()  # here, where its warnings are expected


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function: the untrained run of that environment."""
    made = {}

    def run(name, **settings):
        if name not in made:
            path = tmp_path_factory.mktemp("runs") / name.replace(":", "-")
            made[name] = untrained_run(path, name, algorithm="dqn", **settings).path
        return made[name]

    return run


@pytest.fixture
def stranger(monkeypatch, runs):
    """A function: the run in an environment that a function of one's own makes."""
    monkeypatch.setattr(own, "_TRUSTED", {})

    def run(make, name):
        imagents.trust(make, name)
        return runs(name, parallel_games=1)

    return run


def steps_of(run, **options) -> int:
    """How many steps an episode has, counted without looking at it."""
    watching = Watching.of(open_path(run), **options)
    return len([*watching.moments()]) - 1


def in_gif(animation) -> int:
    with Image.open(io.BytesIO(animation.gif())) as image:
        return image.n_frames


@pytest.mark.parametrize("name", GAMES)
def test_an_animation_has_a_frame_for_the_beginning_and_for_every_step(runs, name):
    run = runs(name, **GAMES[name])
    animation = imagents.film(run, seed=1)
    assert len(animation.frames) == in_gif(animation) == steps_of(run, seed=1) + 1 > 2
    assert len({frame.size for frame in animation.frames}) == 1
    assert all(side % 2 == 0 for side in animation.frames[0].size)


def test_several_episodes_follow_each_other(runs):
    watching = Watching.of(open_path(runs("prisoners_dilemma", **GAMES["prisoners_dilemma"])))
    moments = [*watching.moments(2)]
    assert [moment.step for moment in moments] == [*range(6), *range(6)]
    assert [moment.is_last for moment in moments] == [*[False] * 5, True] * 2
    assert moments[5].caption.startswith("step 5   return ") and moments[6].caption.startswith("episode 2, step 0")
    np.testing.assert_allclose(moments[5].returns, sum(moment.reward for moment in moments[:6]))


def test_the_seed_decides(runs):
    run = runs("kuhn_poker")
    first, again, other = ([moment.did for moment in Watching.of(open_path(run), seed=s).moments(9)] for s in (1, 1, 2))
    assert first == again != other


@needs_ffmpeg
def test_an_mp4_has_these_frames_too_and_plays(runs, tmp_path):
    run = runs("kuhn_poker")
    animation = imagents.film(run, tmp_path / "game.mp4", episodes=3, seconds=0.2)
    probe = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames:format=duration",
             "-of", "csv=p=0", str(tmp_path / "game.mp4")]  # fmt: skip
    frames, seconds = subprocess.check_output(probe, text=True).split()
    assert int(frames) == len(animation.frames)
    assert float(seconds) == pytest.approx(0.2 * int(frames), abs=0.1)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "game.mp4", "-f", "null", "-"], check=True)


def test_a_run_of_one_agent_is_opened_with_all_of_its_players(runs):
    run = runs("kuhn_poker")
    both, one = (Watching.of(open_path(path)).players for path in (run, f"{run}:player_2"))
    for x, y in zip(both, one, strict=True):
        for value, other in zip(x.policy.variables(), y.policy.variables(), strict=True):
            np.testing.assert_array_equal(value, other)


def test_an_export_is_watched_with_random_company(runs, capsys):
    export_run(runs("kuhn_poker"))
    assert cli.main(["watch", str(runs("kuhn_poker") / "export" / "player_2"), "--seconds", "0"]) == 0
    assert capsys.readouterr().out.startswith("random, player_2; policy: sampled\n")


# Environments of one's own


class Drawing(strangers.NativeWalk):
    """Draws its place, and breaks down in a step if it is told to; `closed` says how often it was closed."""

    closed = 0
    breaks_at = None

    def frame(self, copy=0):
        pixels = np.zeros([21, 41, 3], np.uint8)
        pixels[:, 10 * int(self._place[copy]) :] = 255
        return pixels

    def _step(self, action):
        if self.breaks_at is not None and int(self._steps[0]) == self.breaks_at:
            raise RuntimeError("the engine stopped")
        return super()._step(action)

    def close(self):
        Drawing.closed += 1


class Renders(strangers.Walk):
    """A PyEnvironment that renders itself."""

    def render(self, mode="rgb_array"):
        return np.full([20, 30, 3], 10 * self._place, np.uint8)


class Says(strangers.NativeWalk):
    """Renders text of its first copy."""

    def render(self):
        return f"at {int(self._place[0])}"


def test_an_environment_of_ones_own_gives_frames(stranger, tmp_path):
    run = stranger(Drawing, "m:drawing")
    animation = imagents.film(run, tmp_path / "walk.gif")
    assert len(animation.frames) == steps_of(run) + 1 and animation.frames[0].size == (240, 40 + 22 + 12)
    with Image.open(tmp_path / "walk.gif") as image:
        assert image.n_frames == len(animation.frames)


def test_a_py_environment_renders_itself(stranger):
    run = stranger(lambda batch_size, seed: tf_py_environment.TFPyEnvironment(Renders(seed)), "m:renders")
    assert len(imagents.film(run).frames) == steps_of(run) + 1


def test_an_error_midway_leaves_what_was_there_and_closes_the_environment(stranger, tmp_path, monkeypatch):
    run, path = stranger(Drawing, "m:drawing"), tmp_path / "walk.gif"
    path.write_bytes(b"the last one")
    monkeypatch.setattr(Drawing, "breaks_at", 1)
    closed = Drawing.closed
    with pytest.raises(RuntimeError, match="the engine stopped"):
        imagents.film(run, path)
    assert path.read_bytes() == b"the last one" and [*tmp_path.iterdir()] == [path]
    assert Drawing.closed > closed


@pytest.mark.parametrize("make, name, said", [
    (strangers.native, "m:native", "NativeWalk does not draw itself: an environment that is recorded has picture"),
    (strangers.single, "m:single", "TFPyEnvironment cannot be recorded, as it does not render itself"),
    (Says, "m:says", r"Says drew <U4 \(\): an image is uint8 \(height, width, 3\)"),
])
def test_what_does_not_draw_itself_is_refused_in_one_sentence(stranger, tmp_path, make, name, said):
    with pytest.raises(InputError, match=f"^{said}"):
        imagents.film(stranger(make, name), tmp_path / "walk.gif")
    assert not [*tmp_path.iterdir()]


def test_in_the_terminal_what_has_no_text_says_what_is_done(stranger, capsys):
    words = {"m:native": (strangers.native, "m:native does not draw itself as text"), "m:says": (Says, "\nat ")}
    for name, (make, said) in words.items():
        assert cli.main(["watch", str(stranger(make, name)), "--seconds", "0"]) == 0
        shown = capsys.readouterr().out
        assert said in shown and "\nstep 1  player_1: " in shown and "\nthe end; return " in shown


# The command


@pytest.mark.parametrize("name", GAMES)
def test_the_command_shows_an_episode_step_by_step_in_80_columns(runs, capsys, name):
    run = runs(name, **GAMES[name])
    assert cli.main(["watch", str(run), "--seconds", "0", "--policy", "greedy"]) == 0
    shown = capsys.readouterr().out
    assert "; policy: greedy\n" in shown and max(map(len, shown.splitlines())) <= 80
    assert shown.count("\nstep ") == steps_of(run, policy="greedy")


def test_the_command_writes_a_file(runs, tmp_path, capsys):
    path = tmp_path / "sea.gif"
    assert cli.main(["watch", str(runs("deep_sea", size=4)), "--record", str(path), "--episodes", "2"]) == 0
    assert capsys.readouterr().out == f"policy: greedy\ndone: {path}\n"
    with Image.open(path) as image:
        assert image.n_frames == 2 * (4 + 1)


@pytest.mark.parametrize("words, said", [
    (["--episodes", "0"], "episodes = 0: at least 1 is needed"),
    (["--seconds", "-1"], "seconds = -1: how long to wait between steps is 0 to 3600"),
    (["--seconds", "0", "--record", "x.gif"], "seconds = 0: how long a frame stays has to be more than 0"),
    (["--record", "x.png"], "x.png: a recording is a .gif or an .mp4 file"),
    (["--seed", "-1"], "seed = -1"),
])
def test_what_cannot_be_is_said_in_one_sentence(runs, capsys, words, said):
    assert cli.main(["watch", str(runs("deep_sea", size=4)), *words]) == 2
    assert capsys.readouterr().err.startswith(f"imagents watch: {said}")


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert cli.main(["watch", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
