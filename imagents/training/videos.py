"""Episodes of a training's agents, filmed while it goes on: the last few are in its run folder, and in TensorBoard."""

import itertools
import math
import pathlib
import time
from collections.abc import Callable

import tensorflow as tf
from tensorboard.plugins.image import metadata

from imagents.animation import Animation, captioned
from imagents.opening import open_path
from imagents.players.watching import Watching
from imagents.randomness import make_seed
from imagents.runs.run import Run
from imagents.settings import Training

VIDEOS = "videos"  # the folder in a run
_KEPT = 10
_MOST_FRAMES = 500  # of an episode
_LARGEST = 320  # pixels, of either side of an image; a larger one is shrunk
_SECONDS = 0.1  # that a frame stays


class Videos:
    """When a training is filmed: every `record_every` steps of it, not counting those from before it went on.

    Args:
      run: the run.
      training: its settings.
      steps: of the training so far.
    """

    def __init__(self, run: Run, training: Training, steps: int):
        self._run, self._every, self._seed = run, training.record_every, training.seed
        self._count = self._counted(steps)

    def _counted(self, steps: int) -> int:
        return steps // self._every if self._every else 0

    def film_where_due(
        self, rounds: int, steps: int, save: Callable[[], None], writer: tf.summary.SummaryWriter
    ) -> None:
        """Films who plays now, if it is time: what a checkpoint holds, as that is what can be looked at later.

        Args:
          rounds, steps: of the training so far.
          save: writes a checkpoint of who plays now.
          writer: of TensorBoard's events.
        """
        before, self._count = self._count, self._counted(steps)
        if self._count > before:
            if int(self._run.newest_checkpoint().name) != rounds:
                save()
            film(self._run, steps, self._seed, writer)


def episode(path: pathlib.Path, seed: int, seconds: float = math.inf) -> Animation:
    """An episode of who plays in a run, a checkpoint or a snapshot, small enough for a page.

    Args:
      path: which one.
      seed: of the episode.
      seconds: after how many no further frame is drawn.

    Raises:
      InputError: if it cannot be opened, or the environment does not draw itself, or gives something that is no image.
    """
    watching, until = Watching.of(open_path(path), seed=seed), time.monotonic() + seconds
    frames = []
    try:
        for moment in itertools.islice(watching.moments(), _MOST_FRAMES):
            image = watching.frame()
            image.thumbnail((_LARGEST, _LARGEST))
            frames.append(captioned(image, moment.caption))
            if time.monotonic() > until:
                break
    finally:
        watching.close()
    return Animation(tuple(frames), (_SECONDS,) * len(frames))


def film(run: Run, steps: int, seed: int, writer: tf.summary.SummaryWriter) -> None:
    """Films an episode of who plays in the newest checkpoint, and drops the oldest films.

    Args:
      run: the run, in whose folder STEPS.gif is written.
      steps: of the training so far.
      seed: of the training.
      writer: of TensorBoard's events.

    Raises:
      InputError: if the environment gives something that is no image.
      OSError: if the file cannot be written.
    """
    animation = episode(run.newest_checkpoint(), make_seed(seed, f"video {steps}"))
    folder = run.path / VIDEOS
    folder.mkdir(exist_ok=True)
    path = animation.save(folder / f"{steps:012d}.gif")
    for old in sorted(folder.glob("*.gif"))[:-_KEPT]:
        old.unlink()
    width, height = animation.frames[0].size
    with writer.as_default(step=steps):  # TensorBoard shows a GIF among its images
        shown = tf.constant([str(width).encode(), str(height).encode(), path.read_bytes()])
        about = metadata.create_summary_metadata(display_name="", description="")
        tf.summary.write("episode", shown, metadata=about)
    writer.flush()
