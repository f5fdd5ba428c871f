"""Python environments that tests need beside their own, those of SageMaker above all, each made once, by uv.

    moto      a server that speaks S3, SageMaker and CloudWatch
    image     what AWS' TensorFlow 2.19 training image has: TensorFlow, tf_keras and AWS' own training toolkit
    latest    TensorFlow 2.21 and version 3 of SageMaker's SDK, from constraints-latest.txt
    stable_baselines    imagents beside Stable-Baselines3, with PyTorch: gigabytes

`python tests/cloud/environments.py NAME` makes one and prints its Python.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = pathlib.Path(sys.prefix) / "cloud"
LATEST = ROOT / "constraints-latest.txt"



class Missing(Exception):
    """What this machine lacks, for a test to be skipped."""


MOTO = [["moto[server]>=5.2,<6"]]
IMAGE = [
    ["tensorflow-cpu==2.19.0", "sagemaker-training==5.1.4"],
    ["--no-deps", "tf_keras==2.19.0", "sagemaker-tensorflow-training==20.5.0"],
]


def moto() -> pathlib.Path:
    """The Python of the environment `moto`."""
    return _environment("moto", sys.executable, MOTO)


def image() -> pathlib.Path:
    """The Python of the environment `image`; as new, since a job installs what it needs into it."""
    return _environment("image", find_python((3, 12)) or sys.executable, IMAGE, is_new=True)


def latest() -> pathlib.Path:
    """The Python of the environment `latest`."""
    python = find_python((3, 13))
    if python is None:
        raise Missing("needs Python 3.13")
    packages = ["-c", str(LATEST), "-e", f"{ROOT}[dev]", "sagemaker>=3"]
    return _environment("latest", python, [packages, ["-c", str(LATEST), "--no-deps", "tf-agents", "gym"]])


def stable_baselines() -> pathlib.Path:
    """The Python of the environment `stable_baselines`: imagents, and what trains on its environments beside it."""
    constraints = str(ROOT / "constraints.txt")
    packages = ["-c", constraints, "-e", f"{ROOT}[gymnasium]", "stable-baselines3>=2.9,<3", "sb3-contrib>=2.9,<3"]
    rest = ["-c", constraints, "--no-deps", "tf-agents", "gym"]
    return _environment("stable_baselines", sys.executable, [packages, rest])


def find_python(version: tuple[int, int]) -> str | None:
    """A Python of that version which this machine has; None if it has none."""
    name = f"python{version[0]}.{version[1]}"
    candidates = [shutil.which(name), *map(str, pathlib.Path.home().glob(f".pyenv/versions/*/bin/{name}"))]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0:
            return candidate
    return None


def _environment(name: str, python: str, installs: list[list[str]], is_new: bool = False) -> pathlib.Path:
    uv = shutil.which("uv", path=f"{pathlib.Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise Missing("needs uv")
    folder = FOLDER / name
    files = [path.read_text() for path in (LATEST, ROOT / "setup.py") if name == "latest"]
    stamp, wanted = folder / ".installed", hashlib.sha256(repr([python, installs, files]).encode()).hexdigest()
    if is_new or not stamp.exists() or stamp.read_text() != wanted:
        _run(uv, "venv", "--quiet", "--clear", "--seed", "--python", python, folder)
        for packages in installs:
            _run(uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def _run(*command) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")


if __name__ == "__main__":
    try:
        print({"moto": moto, "image": image, "latest": latest, "stable_baselines": stable_baselines}[sys.argv[1]]())
    except (Missing, RuntimeError) as error:
        sys.exit(str(error))
