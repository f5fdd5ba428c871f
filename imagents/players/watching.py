"""Episodes of a run's agents, step by step: in a terminal as text, or as an animation.

    import imagents

    imagents.film("outputs/my-run")

Anything can be watched that a run can live in. What it looks like says the environment, for one of its copies: in
`text(copy)`, and in `picture(copy)`, an `imagents.drawing.Picture`, or `frame(copy)`, uint8 `[height, width, 3]`; or
else in `render()`, which gives one of these of its first copy. A `PyEnvironment` renders an "rgb_array".
"""

import dataclasses
import functools
import os
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from PIL import Image
from tf_agents.environments import tf_environment, tf_py_environment
from tf_agents.trajectories import time_step as ts

from imagents.animation import Animation, captioned, check_format
from imagents.errors import InputError
from imagents.learning.agent import IMAgent
from imagents.opening import Opened, open_path
from imagents.players.base import RandomPlayer
from imagents.players.frozen import agent_player
from imagents.players.seating import seat_learned
from imagents.randomness import make_seed
from imagents.seats import close, is_asked, num_seats, take_step, turns

_MOST_STEPS = 1000  # of an episode that does not end


@dataclasses.dataclass(frozen=True)
class Moment:
    """What there is to see of an episode after a step, and at its beginning.

    episode, step: their numbers, from 1 and from 0; did: who did what, by seat, None of who was not asked; reward,
    returns: float `[seats]`, of the step, and of the episode so far; is_last: whether it ends here.
    """

    episode: int
    step: int
    did: tuple[str | None, ...]
    reward: np.ndarray
    returns: np.ndarray
    is_last: bool

    @property
    def caption(self) -> str:
        """A line for a picture."""
        episode = f"episode {self.episode}, " if self.episode > 1 else ""
        return f"{episode}step {self.step}   return {_numbers(self.returns)}"


class Watching:
    """One copy of an environment with players in it, to look at.

    Args:
      face: the environment's settings.
      seat: seats the players in it, a function of it.
      policy: how agents play, see `IMAgent.follow`.
      seed: of the episodes.

    Attributes:
      environment: the environment; players: by seat; policy: how agents play; name: of the environment.
    """

    def __init__(self, face, seat: Callable[[Any], list], policy: str, seed: int = 0):
        self.environment, self.policy = face.build(1, make_seed(seed, "watching")), policy
        self.name = face.name
        try:
            self.players = seat(self.environment)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, opened: Opened, policy: Literal["greedy", "sampled"] | None = None, seed: int = 0) -> "Watching":
        """The players of a run, a checkpoint or a snapshot; or an exported agent, whose company plays at random.

        Args:
          opened: what was opened.
          policy: how agents play; as suits the environment if None.
          seed: of the episodes and the players.
        """
        face = opened.environment
        policy = face.policy(policy)

        def seat_players(environment) -> list:
            if opened.config is not None:
                return seat_learned(opened, environment, policy, seed)
            spec, [agent] = environment.action_spec(), opened.agents
            agent.follow(policy, seed)
            return [
                agent_player(agent, face, seat) if seat == agent.seat else RandomPlayer(seat, "random", seed, spec)
                for seat in range(num_seats(environment))
            ]

        return cls(face, seat_players, policy, seed)

    def moments(self, episodes: int = 1) -> Iterator[Moment]:
        """Plays; after each moment the environment shows it, until the next one is asked for."""
        for episode in range(1, episodes + 1):
            yield from self._episode(episode)

    def close(self) -> None:
        """Ends what the environment has begun."""
        close(self.environment)

    def _episode(self, number: int) -> Iterator[Moment]:
        seats = len(self.players)
        before, step, returns = self.environment.reset(), 0, np.zeros(seats)
        for player in self.players:
            if isinstance(player, IMAgent):
                player.reset()
            player.observe(before)
        yield Moment(number, 0, (None,) * seats, np.zeros(seats), returns, bool(before.is_last()[0]))
        while not before.is_last()[0] and step < _MOST_STEPS:
            for asked in turns(self.environment):
                did = {}
                _, after, moved = take_step(self.environment, asked, functools.partial(self._act, did))
                for player in self.players:
                    player.observe(after, moved)
                if moved[0]:
                    reward = np.broadcast_to(after.reward[0].numpy().astype(float), [seats])
                    step, returns, before = step + 1, returns + reward, after
                    done = tuple(did.get(seat) for seat in range(seats))
                    yield Moment(number, step, done, reward, returns, bool(after.is_last()[0]))
                if after.is_last()[0]:
                    break

    def _act(self, did: dict[int, str], seat: int, time_step: ts.TimeStep) -> tf.Tensor:
        action = self.players[seat].act(time_step)
        if is_asked(time_step, seat)[0]:
            names, chosen = getattr(self.environment, "action_names", ()), action[0].numpy()
            did[seat] = names[int(chosen)] if names else np.array2string(np.asarray(chosen), precision=3)
        return action

    def text(self) -> str:
        """What is seen now, as text; "" if the environment has none."""
        if hasattr(self.environment, "text"):
            return self.environment.text(0)
        said = self.environment.render() if _renders(self.environment) and not _is_python(self.environment) else ""
        return said if isinstance(said, str) else ""

    def about_text(self) -> str:
        """What a terminal shows instead of a text that there is not, in 80 columns."""
        draws = any(hasattr(self.environment, name) for name in ("picture", "frame")) or _renders(self.environment)
        said = f"{self.name} does not draw itself as text, so this is what its players do and are paid."
        return textwrap.fill(f"{said} --record FILE.gif films it, if it draws images." if draws else said, 80)

    def frame(self) -> Image.Image:
        """What is seen now, as an image; see `image_of`."""
        return image_of(self.environment)


def image_of(environment: tf_environment.TFEnvironment) -> Image.Image:
    """What is seen of an environment's first copy now.

    Raises:
      InputError: if the environment does not draw itself, or gives something that is no image.
    """
    name = type(environment).__name__
    if hasattr(environment, "picture"):
        return environment.picture(0).image()
    if hasattr(environment, "frame"):
        pixels = environment.frame(0)
    elif _renders(environment):
        try:
            pixels = environment.render("rgb_array") if _is_python(environment) else environment.render()
        except Exception as error:  # whatever the environment inside makes of that
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{name} cannot be recorded, as it does not render itself: {reason}") from None
    else:
        raise InputError(f"{name} does not draw itself: an environment that is recorded has picture(copy) or "
                         "frame(copy)")  # fmt: skip
    pixels = np.asarray(pixels)
    pixels = pixels[0] if pixels.ndim == 4 else pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise InputError(f"{name} drew {pixels.dtype} {pixels.shape}: an image is uint8 (height, width, 3)")
    return Image.fromarray(pixels)


def _renders(environment: tf_environment.TFEnvironment) -> bool:
    return type(environment).render is not tf_environment.TFEnvironment.render


def _is_python(environment: tf_environment.TFEnvironment) -> bool:
    return isinstance(environment, tf_py_environment.TFPyEnvironment)


def film(
    run: str | os.PathLike,
    path: str | os.PathLike | None = None,
    episodes: int = 1,
    seed: int = 0,
    policy: Literal["greedy", "sampled"] | None = None,
    last: bool = False,
    seconds: float = 0.5,
) -> Animation:
    """Episodes of a run's agents as an animation, of as many frames as they have time steps.

    Args:
      run: a run folder, one of its checkpoints or snapshots, or an export.
      path: where to write it as well, NAME.gif or NAME.mp4; None for nowhere.
      episodes: how many.
      seed: of the episodes and the players.
      policy: how agents play, see `IMAgent.follow`; as suits the environment if None.
      last: whether to take the newest checkpoint of a run that keeps its best one, too.
      seconds: how long each frame stays.

    Raises:
      InputError: if the run cannot be opened, its environment does not draw itself, or nothing can be written there.
      OSError: if the file cannot be written.
    """
    check(episodes, seconds)
    if not seconds:
        raise InputError("seconds = 0: how long a frame stays has to be more than 0")
    if path is not None:
        check_format(path)
    watching = Watching.of(open_path(run, last), policy, seed)
    try:
        frames = tuple(captioned(watching.frame(), moment.caption) for moment in watching.moments(episodes))
    finally:
        watching.close()
    if len(sizes := {frame.size for frame in frames}) > 1:
        raise InputError(f"{type(watching.environment).__name__} draws images of {len(sizes)} sizes: one is needed")
    animation = Animation(frames, (seconds,) * len(frames))
    if path is not None:
        animation.save(path)
    return animation


def show(watching: Watching, episodes: int, seconds: float, write: Callable[[str], None] = print) -> None:
    """Plays episodes in a terminal.

    Args:
      watching: what to look at.
      episodes: how many.
      seconds: how long to wait after each step.
      write: prints a text.
    """
    names = [player.name for player in watching.players]
    write(f"{', '.join(names)}; policy: {watching.policy}")
    for moment in watching.moments(episodes):
        if not moment.step:
            write(f"\nepisode {moment.episode}")
        else:
            time.sleep(seconds)
            did = ", ".join(f"{name}: {action}" for name, action in zip(names, moment.did) if action is not None)
            paid = f"  is paid {_numbers(moment.reward)}" if moment.reward.any() else ""
            write(f"\nstep {moment.step}  {did}{paid}")
        text = watching.text()
        if text:
            write(text)
        elif not moment.step:
            write(watching.about_text())
        if moment.is_last:
            write(f"\nthe end; return {_numbers(moment.returns)}")
        elif moment.step == _MOST_STEPS:
            write(f"\nnot the end, but enough; return so far {_numbers(moment.returns)}")


def check(episodes: int, seconds: float) -> None:
    """Raises an InputError for a number of episodes or seconds that cannot be."""
    if episodes < 1:
        raise InputError(f"episodes = {episodes}: at least 1 is needed")
    if not 0 <= seconds <= 3600:
        raise InputError(f"seconds = {seconds:g}: how long to wait between steps is 0 to 3600")


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
