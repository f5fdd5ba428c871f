"""Training, evaluating and serving agents on Amazon SageMaker.

    estimator = imagents.cloud.sagemaker.estimator(TrainConfig(), role=ROLE, instance_type="ml.c5.xlarge")
    estimator.fit()

What comes back are the SDK's own objects. `description` says what a job is, in plain values; `jobs` makes estimators
and tuners of it for the SDK's version 2, `jobs_v3` a trainer for version 3; `archive` is the code that a job gets,
`entry` what runs there; `results` reads what came out; `serving` is endpoints; `requests` shows requests instead of
sending them; `commands` is `imagents sagemaker`. Importing this imports no SDK.
"""

from imagents.homes import found_when_used

_HOMES = {  # public name: the module it lives in
    "AgentPredictor": "serving",
    "delete": "results",
    "describe": "results",
    "estimator": "jobs",
    "evaluator": "jobs",
    "fetch": "results",
    "logs": "results",
    "metric_definitions": "description",
    "metrics": "results",
    "model": "serving",
    "model_trainer": "jobs_v3",
    "predictor": "serving",
    "training_job": "description",
    "tuner": "jobs",
}

__all__ = list(_HOMES)
__getattr__ = found_when_used(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})
