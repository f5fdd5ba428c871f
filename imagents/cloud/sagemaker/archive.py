"""The code that a job gets: a folder with the entry points, imagents, TF-Agents and gym, which SageMaker archives.

TF-Agents' own requirements cannot be installed together (see setup.py), and gym's sources need none of theirs: both
travel as folders. What else AWS' image lacks is in requirements.txt, or, where a job has no network, in the archive.
"""

import atexit
import datetime
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

from imagents.cloud.sagemaker import description

PACKAGES = ("imagents", "tf_agents", "gym")
_ENTRY = '''"""Runs in a SageMaker job."""

import sys

from imagents.cloud.sagemaker import entry

if __name__ == "__main__":
    sys.exit(entry.{function}())
'''
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*_test.py", ".*")
_IN_THE_IMAGE = ("numpy", "numpy.libs", "numpy-*.dist-info", "bin", "share")  # TensorFlow needs its own


def source_folder(framework_version: str = description.FRAMEWORK_VERSION) -> str:
    """A folder with the entry points and requirements.txt. It goes when this Python ends."""
    folder = _temporary("source")
    for function in ("train", "evaluate"):
        (folder / f"{function}.py").write_text(_ENTRY.format(function=function))
    (folder / "requirements.txt").write_text("\n".join(description.requirements(framework_version)) + "\n")
    return str(folder)


def package_folders() -> list[str]:
    """A folder for each of the packages that travel in the archive, without their tests."""
    folder = _temporary("packages")
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        shutil.copytree(spec.submodule_search_locations[0], folder / name, ignore=_LEFT_OUT)
    return [str(folder / name) for name in PACKAGES]


def vendored_folders(source: str) -> list[str]:
    """Everything in a source folder's requirements.txt, for jobs without a network; the file goes.

    Raises:
      ValueError: if it cannot be downloaded here.
    """
    folder = _temporary("vendored")
    requirements = pathlib.Path(source) / "requirements.txt"
    command = [*_installer(), "--quiet", "--target", str(folder), "--only-binary=:all:"]
    done = subprocess.run([*command, "-r", str(requirements)], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise ValueError(f"the packages for a job without a network cannot be downloaded: {reason}")
    for pattern in _IN_THE_IMAGE:
        for path in folder.glob(pattern):
            shutil.rmtree(path)
    for tests in [*folder.rglob("tests"), *folder.rglob("__pycache__")]:
        shutil.rmtree(tests, ignore_errors=True)
    requirements.unlink()
    return sorted(str(path) for path in folder.glob("[!.]*"))


def unique_name() -> str:
    """A name for the checkpoints of one training."""
    return f"{description.BASE_JOB_NAME}-{datetime.datetime.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def _installer() -> list[str]:
    """The command that installs packages for the Python and the system of AWS' images."""
    version = f"--python-version={description.PYTHON_VERSION[2]}.{description.PYTHON_VERSION[3:]}"
    uv = shutil.which("uv", path=os.pathsep.join([str(pathlib.Path(sys.prefix) / "bin"), os.environ["PATH"]]))
    if "pip" in {package.name for package in importlib.metadata.distributions()}:
        platforms = [f"--platform={name}_x86_64" for name in ("manylinux2014", "manylinux_2_27", "manylinux_2_28")]
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", version, *platforms]
    if uv:
        return [uv, "pip", "install", version, "--python-platform=x86_64-manylinux_2_28"]
    raise ValueError("a job without a network needs pip or uv here, which put its packages into the archive")


def _temporary(name: str) -> pathlib.Path:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imagents-job-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = folder / name
    target.mkdir()
    return target
