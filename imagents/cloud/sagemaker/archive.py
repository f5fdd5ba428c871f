"""The code that a job gets: a folder with the entry points, imagents, TF-Agents and gym, which SageMaker archives.

TF-Agents' own requirements cannot be installed together (see setup.py), and gym's sources need none of theirs: both
travel as folders. What else AWS' image lacks is in requirements.txt, or, where a job has no network, in the archive.
`unpack` is for the archive that a job leaves behind.
"""

import atexit
import gzip
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Sequence

from imagents.cloud.sagemaker import description
from imagents.errors import InputError

PACKAGES = ("imagents", "tf_agents", "gym")
_ENTRY = '''"""Runs in a SageMaker job."""

import sys

from imagents.cloud.sagemaker import entry

if __name__ == "__main__":
    sys.exit(entry.{function}())
'''
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "*_test.py", ".*")
_MISPLACED = (FileExistsError, IsADirectoryError, NotADirectoryError)  # one name for a file and a folder
_NUMPY = ("numpy", "numpy.libs", "numpy-*.dist-info")  # TensorFlow needs the image's own
_NOT_INSTALLED = (*_NUMPY, "bin", "share", ".*", "**/tests", "**/__pycache__")


def source_folder(framework_version: str, is_isolated: bool = False, packages: Sequence[str] = ()) -> pathlib.Path:
    """A folder with all that a job runs, without the packages' tests. It goes when this Python ends.

    Args:
      framework_version: of AWS' image.
      is_isolated: whether the job has no network: what else it needs is in the folder instead of requirements.txt.
      packages: what that is beside what every job needs.

    Raises:
      InputError: if that cannot be downloaded here.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imagents-job-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    requirements = description.requirements(framework_version, packages)
    if is_isolated:
        _install(requirements, folder)
    else:
        (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    for name in PACKAGES:
        # imagents is what runs here; what is found by its name may be a folder that is only called so.
        package = pathlib.Path(__file__).parents[2] if name == "imagents" else _found(name)
        shutil.copytree(package, folder / name, ignore=_NOT_COPIED)
    for function in ("train", "evaluate"):
        (folder / f"{function}.py").write_text(_ENTRY.format(function=function), encoding="utf-8")
    return folder


def _found(name: str) -> pathlib.Path:
    """Where a package is installed.

    Raises:
      InputError: if it is not, or a folder of its name hides it.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:  # a folder without __init__.py has none
        hidden = f": {spec.submodule_search_locations[0]} is only a folder of that name" if spec else ""
        raise InputError(f"the package {name}, which a job needs, is not found here{hidden}")
    return pathlib.Path(spec.origin).parent


def unpack(archive: pathlib.Path, folder: pathlib.Path, name: str) -> None:
    """Extracts a model.tar.gz into a folder.

    Raises:
      InputError: if it is damaged; it is called `name`.
    """
    try:
        with gzip.open(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            tar.extractall(folder, filter="data")
            while file.read(2**20):  # up to the checksum of the whole, at its end
                pass
    except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, gzip.BadGzipFile, *_MISPLACED) as error:
        raise InputError(f"{name} is damaged: {' '.join(str(error).split())}") from None


def _install(requirements: list[str], folder: pathlib.Path) -> None:
    """Puts packages and what they need into a folder."""
    command = [*_installer(), "--quiet", "--target", str(folder), "--only-binary=:all:", *requirements]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise InputError(f"the packages for a job without a network cannot be downloaded: {reason}")
    for path in [path for pattern in _NOT_INSTALLED for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # else it went with its folder


def _installer() -> list[str]:
    """The command that installs packages for the Python and the system of AWS' images."""
    version = f"--python-version={description.PYTHON_VERSION[2]}.{description.PYTHON_VERSION[3:]}"
    uv = shutil.which("uv", path=os.pathsep.join([str(pathlib.Path(sys.prefix) / "bin"), os.environ["PATH"]]))
    if "pip" in {package.name for package in importlib.metadata.distributions()}:
        platforms = [f"--platform={name}_x86_64" for name in ("manylinux2014", "manylinux_2_27", "manylinux_2_28")]
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", version, *platforms]
    if uv:
        return [uv, "pip", "install", version, "--python-platform=x86_64-manylinux_2_28"]
    raise InputError("a job without a network needs pip or uv here, which put its packages into the archive")
