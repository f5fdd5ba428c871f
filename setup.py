"""Metadata and dependencies of imagents; `constraints.txt` pins the exact versions."""

import re
from pathlib import Path

from setuptools import find_packages, setup

package = Path(__file__).with_name("imagents") / "__init__.py"
version = re.search(r'^__version__ = "(.+)"$', package.read_text(encoding="utf-8"), re.MULTILINE)[1]

setup(
    name="imagents",
    version=version,
    description="Independent learners on TF-Agents: several agents, one environment, each with its own eyes",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["imagents", "imagents.*"]),
    # An editable install is a path, then: the way by a hook, setuptools' own choice, comes after the folder in which
    # Python is started, and there a clone is called imagents, too, and would be taken for the package.
    options={"editable_wheel": {"mode": "compat"}},
    package_data={
        "imagents": ["shipped/**/*"],
        "imagents.app": ["*.css", "*.js", "templates/*", "templates/space/*"],
        "imagents.environments.boards.connect_four": ["data/*"],
    },
    entry_points={"console_scripts": ["imagents = imagents.cli:main"]},
    install_requires=[
        "tensorflow~=2.19.0; python_version < '3.13'",  # what the tests run on
        "tensorflow>=2.20; python_version >= '3.13'",
        "tf_keras>=2.19",
        "tensorflow-probability>=0.25",
        "numpy",
        "pandas",
        "matplotlib",
        "seaborn",
        "tensorboard",
        "tqdm",
        "tyro",
        # TF-Agents and gym are a second step: pip install --no-deps tf-agents==0.19.0 gym==0.23.0
        # TF-Agents 0.19.0 works with the packages above, but its metadata pins typing-extensions==4.5.0,
        # pygame==2.1.3 and an older TensorFlow Probability, which contradict them; and gym's own dependency,
        # gym-notices, only prints a banner. What the two really import comes from here:
        "absl-py",
        "cloudpickle",
        "gin-config",
        "pillow",
        "setuptools<81",  # for distutils and pkg_resources
        "six",
        "wrapt",
    ],
    extras_require={
        "browser": ["axe-playwright-python", "playwright"],  # to look at the page, with a Chromium of its own
        "dev": ["gymnasium", "hypothesis", "pytest", "pytest-xdist", "ruff", "uv"],
        "docs": ["furo", "myst-nb", "sphinx", "sphinx-copybutton"],
        "notebooks": ["ipykernel", "jupyterlab", "nbclient"],
        "onnx": ["onnx<1.19", "onnxruntime", "tf2onnx>=1.17"],  # a newer onnx needs a protobuf that TensorFlow refuses
        "gymnasium": ["gymnasium"],
        "mlflow": ["mlflow-skinny"],  # or mlflow, which has it inside, and a server
        "open-spiel": ["open_spiel"],  # as older versions of pip want it to be written
        "oracles": ["bsuite", "lbforaging", "minigrid", "open_spiel", "rware"],  # what environments are compared with
        "pettingzoo": ["mpe2", "pettingzoo[classic]"],
        "ray": ["fsspec", "optuna", "ray"],
        "sagemaker": ["sagemaker>=2.257,<3"],
        "search": ["optuna"],
        "serving": ["tensorflow-serving-api~=2.19.0"],
        "solver": ["bitbully", "bitbully-databases"],  # AGPL-3.0, hence optional
        "unity": ["grpcio"],
        "wandb": ["wandb"],
        "web": ["gradio>=6", "jinja2"],
    },
)
