"""Requests compared with files. `GOLDEN=1 python -m pytest tests/cloud` writes the files anew."""

import dataclasses
import json
import os
import pathlib
import re

from imagents.cloud.sagemaker import description
from imagents.config import TrainConfig

FOLDER = pathlib.Path(__file__).with_name("golden")
_FIRST_LINE = "# GOLDEN=1 python -m pytest tests/cloud\n"
_TIMES = re.compile(r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}|\d{8}-\d{6}-\w{6}|\d{14}|\d{6}-\d{4}")


def check(requests, name: str, config: TrainConfig | None = None) -> None:
    """Compares requests with golden/NAME.txt, but for times in names.

    The settings among the hyperparameters are compared with a config instead: they change more often than requests.
    """
    bodies = [dataclasses.asdict(request) for request in requests]
    for body in bodies:
        _compare_settings(body["body"], config)
    text = json.dumps(bodies, indent=2, sort_keys=True)
    text = _FIRST_LINE + _TIMES.sub("TIME", text) + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def _compare_settings(body: dict, config: TrainConfig | None) -> None:
    """Compares the settings in a request with a config, and takes them out of it."""
    wanted = description.hyperparameters(config) if config else {}
    for where in (body, body.get("TrainingJobDefinition", {})):
        for kind in ("HyperParameters", "StaticHyperParameters"):
            if kind in where:
                texts = {n: json.loads(v) if v[:1] == '"' else v for n, v in where[kind].items()}
                tuned = json.dumps(body.get("HyperParameterTuningJobConfig", {}))
                here = {n: v for n, v in wanted.items() if f'"Name": "{n}"' not in tuned}
                assert {n: v for n, v in texts.items() if n in wanted} == {n: str(v) for n, v in here.items()}
                where[kind] = {n: v for n, v in where[kind].items() if n not in wanted}
