"""Episodes of a training's agents, filmed while it goes on: the last few are in its run folder, and in TensorBoard."""

import itertools
import pathlib

import tensorflow as tf
from tensorboard.plugins.image import metadata

from imagents.animation import Animation, captioned
from imagents.opening import open_path
from imagents.players.watching import Watching

VIDEOS = "videos"  # the folder in a run
_KEPT = 10
_MOST_FRAMES = 500  # of an episode
_LARGEST = 320  # pixels, of either side of an image; a larger one is shrunk
_SECONDS = 0.1  # that a frame stays


def film(run: pathlib.Path, checkpoint: pathlib.Path, steps: int, seed: int, writer: tf.summary.SummaryWriter) -> None:
    """Films an episode, and drops the oldest ones.

    Args:
      run: the run folder, in which STEPS.gif is written.
      checkpoint: who plays.
      steps: of the training so far.
      seed: of the episode.
      writer: of TensorBoard's events.

    Raises:
      InputError: if the environment gives something that is no image.
      OSError: if the file cannot be written.
    """
    watching = Watching.of(open_path(checkpoint), seed=seed)
    try:
        frames = []
        for moment in itertools.islice(watching.moments(), _MOST_FRAMES):
            image = watching.frame()
            image.thumbnail((_LARGEST, _LARGEST))
            frames.append(captioned(image, moment.caption))
    finally:
        watching.close()
    folder = run / VIDEOS
    folder.mkdir(exist_ok=True)
    path = Animation(tuple(frames), (_SECONDS,) * len(frames)).save(folder / f"{steps:012d}.gif")
    for old in sorted(folder.glob("*.gif"))[:-_KEPT]:
        old.unlink()
    width, height = frames[0].size
    with writer.as_default(step=steps):  # TensorBoard shows a GIF among its images
        shown = tf.constant([str(width).encode(), str(height).encode(), path.read_bytes()])
        about = metadata.create_summary_metadata(display_name="", description="")
        tf.summary.write("episode", shown, metadata=about)
    writer.flush()
