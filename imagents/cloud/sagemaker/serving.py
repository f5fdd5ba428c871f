"""Agents behind a SageMaker endpoint: TensorFlow Serving with both agents' models; a board in, a move out."""

from collections.abc import Mapping

import numpy as np

from imagents.cloud.sagemaker import description
from imagents.errors import InputError


def model(model_data: str, role: str, default_agent: str = "player_1", **settings):
    """The agents of a training job, ready for `deploy`, which gives an `AgentPredictor`.

    Args:
      model_data: the address of a training job's model.tar.gz, `estimator.model_data`.
      role: the role that the endpoint has.
      default_agent: which agent answers a request that names none.
      settings: any argument of the SDK's TensorFlowModel.

    Returns:
      A `sagemaker.tensorflow.TensorFlowModel`.
    """
    description.need_sdk(2)
    from sagemaker.tensorflow import TensorFlowModel

    chosen = {
        "framework_version": description.FRAMEWORK_VERSION,
        "predictor_cls": AgentPredictor,
        "env": {"SAGEMAKER_TFS_DEFAULT_MODEL_NAME": default_agent},
        "sagemaker_session": settings.get("sagemaker_session") or description.sdk_session(),
    }
    with description.refusals():
        return TensorFlowModel(model_data=model_data, role=role, **chosen | settings)


def predictor(endpoint_name: str, sagemaker_session=None) -> "AgentPredictor":
    """The agents behind an endpoint that is there already."""
    return AgentPredictor(endpoint_name, sagemaker_session)


class AgentPredictor:
    """Asks the agents behind an endpoint for moves.

    Args:
      endpoint_name: the endpoint.
      sagemaker_session: SageMaker's session.
      settings: any argument of the SDK's TensorFlowPredictor.

    Attributes:
      predictor: the SDK's `sagemaker.tensorflow.TensorFlowPredictor`; by it the endpoint can be deleted.
    """

    def __init__(self, endpoint_name: str, sagemaker_session=None, **settings):
        description.need_sdk(2)
        from sagemaker.tensorflow import TensorFlowPredictor

        self.predictor = TensorFlowPredictor(endpoint_name, sagemaker_session, **settings)

    def move(self, board, agent: str = "") -> int | np.ndarray:
        """An agent's move on a board: a cell, or a column where stones fall; -1 if there is none to make.

        Args:
          board: int `[rows, columns]`, or `[N, rows, columns]` for several: 0 empty, 1 and 2 the seats' stones.
          agent: "player_1" or "player_2", the agent to ask; "" for the endpoint's default. It is its turn.

        Returns:
          The move, int; or int `[N]`.
        """
        boards = np.asarray(board)
        if boards.ndim not in (2, 3):
            raise InputError(f"a board is [rows, columns], or [N, rows, columns], not {list(boards.shape)}")
        answers = self.ask(boards if boards.ndim == 3 else boards[np.newaxis], agent)
        moves = np.array([answer["action"] for answer in answers], np.int32)
        return moves if boards.ndim == 3 else int(moves[0])

    def ask(self, inputs, agent: str = "") -> list[dict]:
        """All that an agent's model says.

        Args:
          inputs: N of what it takes, of a board game boards `[N, rows, columns]`; a dictionary of arrays by name where
            it takes several, such as `view` and `legal_moves`.
          agent: as of `move`.

        Returns:
          A dictionary for each of them, see docs/export.md.
        """
        attributes = {"CustomAttributes": f"tfs-model-name={agent}"} if agent else {}
        if isinstance(inputs, Mapping):
            rows = zip(*(np.asarray(array).tolist() for array in inputs.values()), strict=True)
            instances = [dict(zip(inputs, row)) for row in rows]
        else:
            instances = np.asarray(inputs).tolist()
        return self.predictor.predict({"instances": instances}, attributes)["predictions"]
