"""The editor has one copy of a scene, so that agents are measured in that in which they train."""

from imagents.evaluation.returns import Returns


class ReturnsInTraining(Returns):
    """Plays whole episodes in the training's environment, which begins new ones after that.

    Args:
      trainer: the training, a `Trainer`, or whatever has its `environment` and `players`.
      episodes: to play at least.
    """

    def __init__(self, trainer, episodes: int):
        super().__init__(trainer.environment, trainer.players, episodes)
        self._begin_anew = getattr(trainer, "begin_anew", lambda: None)

    def report(self) -> dict[str, dict[str, float]]:
        """As of `Returns`."""
        report = super().report()
        self._begin_anew()
        return report

    def close(self) -> None:
        """Does nothing: the environment is the training's."""
