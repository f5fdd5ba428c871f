"""TensorFlow Serving's REST contract, on the bodies that docs/export.md shows.

Serving's own binary turns a body into a `PredictRequest` and a `PredictResponse` into a body, by the rules that
https://www.tensorflow.org/tfx/serving/api_rest states; here a few lines of Python do that, with its protobufs.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.opening import open_shipped

pytest.importorskip("tensorflow_serving")

from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap  # noqa: E402
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs" / "export.md"


class Server:
    """Answers bodies of POST /v1/models/MODEL:predict as TensorFlow Serving does."""

    def __init__(self, model: Path):
        self._loaded = tf.saved_model.load(str(model))
        [graph] = SavedModel.FromString((model / "saved_model.pb").read_bytes()).meta_graphs
        assert list(graph.meta_info_def.tags) == ["serve"]
        self.signatures = SignatureDefMap(signature_def=graph.signature_def).signature_def

    def post(self, body: str) -> str:
        content = json.loads(body)
        assert ("instances" in content) != ("inputs" in content)
        response = self.predict(PredictRequest.FromString(self.request(content).SerializeToString()))
        response = PredictResponse.FromString(response.SerializeToString())
        outputs = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
        if "inputs" in content:
            columns = {name: value.tolist() for name, value in outputs.items()}
            return json.dumps({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
        assert len({len(value) for value in outputs.values()}) == 1  # row format needs equal batch sizes
        columns = map(np.ndarray.tolist, outputs.values())
        rows = [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]
        if len(outputs) == 1:
            rows = [value for row in rows for value in row.values()]
        return json.dumps({"predictions": rows})

    def request(self, content: dict) -> PredictRequest:
        name = content.get("signature_name", "serving_default")
        inputs = self.signatures[name].inputs
        if "inputs" in content:
            values = content["inputs"]
            if not isinstance(values, dict):
                [only] = inputs  # as do columns without names
                values = {only: values}
        elif isinstance(content["instances"][0], dict):
            values = {key: [row[key] for row in content["instances"]] for key in content["instances"][0]}
        else:
            [only] = inputs  # a row without names needs a single input
            values = {only: content["instances"]}
        assert set(values) == set(inputs)
        request = PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "player_1", name
        for key, value in values.items():
            shape = [d.size for d in inputs[key].tensor_shape.dim]
            tensor = tf.make_tensor_proto(value, dtype=inputs[key].dtype)
            assert [d.size for d in tensor.tensor_shape.dim][1:] == shape[1:] and shape[0] == -1
            request.inputs[key].CopyFrom(tensor)
        return request

    def predict(self, request: PredictRequest) -> PredictResponse:
        signature = self._loaded.signatures[request.model_spec.signature_name]
        values = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        response = PredictResponse(model_spec=request.model_spec)
        for name, value in signature(**values).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response


@pytest.fixture(scope="module")
def server():
    return Server(open_shipped(TIC_TAC_TOE).path)


def bodies() -> list[str]:
    return re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)


def same(x, y) -> bool:
    """Whether two JSON values are equal, numbers to 5 digits."""
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(same(x[key], y[key]) for key in x)
    if isinstance(x, list):
        return len(x) == len(y) and all(map(same, x, y))
    return x == pytest.approx(y, rel=1e-5, abs=1e-5) and type(x) is type(y)


def test_the_bodies_in_the_docs_are_requests_and_their_answers(server):
    row_request, row_response, column_request, column_response = bodies()
    assert same(json.loads(server.post(row_request)), json.loads(row_response))
    assert same(json.loads(server.post(column_request)), json.loads(column_response))


def test_rows_may_be_named_and_a_single_column_need_not_be(server):
    row_request, row_response, column_request, column_response = map(json.loads, bodies())
    named = {"instances": [{"board": board} for board in row_request["instances"]]}
    assert same(json.loads(server.post(json.dumps(named))), row_response)
    unnamed = {"inputs": column_request["inputs"]["board"]}
    assert same(json.loads(server.post(json.dumps(unnamed))), column_response)


def test_an_answer_is_plain_json_without_nan_and_infinity(server):
    body = server.post(bodies()[0])
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_second_signature_is_asked_for_by_its_name():
    server = Server(open_shipped(CONNECT_FOUR).path)
    time_step = BoardGameEnvironment(CONNECT_FOUR, 3, first_mover="alternate").reset()
    rows = [
        {"0/step_type": int(time_step.step_type[i]), "0/reward": [0.0, 0.0], "0/discount": 1.0}
        | {f"0/observation/{name}": value[i].numpy().tolist() for name, value in time_step.observation.items()}
        for i in range(3)
    ]
    answer = json.loads(server.post(json.dumps({"signature_name": "time_step", "instances": rows})))
    my_turn = (time_step.observation["seat"] == 0).numpy()
    np.testing.assert_array_equal(np.array(answer["predictions"]) >= 0, my_turn)
