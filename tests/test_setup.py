"""Packaging, set-up and what `import imagents` does to a fresh interpreter."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import imagents

ROOT = Path(__file__).parent.parent
SECOND_STEP = {"gym", "tf-agents"}  # installed without their dependencies


def fresh_python(code, **environ):
    """Runs code in a new interpreter that has inherited none of this one's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "PYTHONWARNINGS"))}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environ, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text):
    """Every `name==version` at the start of a line or of a list item, by canonical name."""
    return {canonical(name): version for name, version in re.findall(r"^[\s-]*([\w.-]+)==(\S+)$", text, re.MULTILINE)}


@pytest.fixture(scope="module")
def constraints():
    return pins((ROOT / "constraints.txt").read_text())


@pytest.fixture(scope="module")
def requirements():
    """The names that setup.py declares, {} for the core or the extra they belong to."""
    declared = {}
    for line in importlib.metadata.requires("imagents"):
        extra = re.search(r"extra == ['\"](\w+)", line)
        declared.setdefault(extra[1] if extra else "", set()).add(canonical(re.match(r"[\w.-]+", line)[0]))
    return declared


# Versions


def test_every_declared_package_is_pinned(constraints, requirements):
    assert set().union(*requirements.values()) | SECOND_STEP <= set(constraints)


def test_tf_agents_and_gym_are_no_dependencies(requirements):
    assert not SECOND_STEP & set().union(*requirements.values())


def test_gym_notices_is_left_out_as_it_prints_a_banner(constraints):
    assert "gym-notices" not in constraints


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="speaks of the environment that make sets up")
def test_everything_installed_is_pinned(constraints):
    # Not all of sys.path: once imported, setuptools adds its own copies of other packages to it.
    found = importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])
    installed = {canonical(package.name): package.version for package in found}
    del installed["imagents"], installed["pip"]
    assert installed == {name: constraints.get(name) for name in installed}


def test_conda_gets_the_same_core_packages(constraints, requirements):
    conda = pins((ROOT / "env.yaml").read_text())
    assert set(conda) == requirements[""]
    assert conda == {name: constraints[name] for name in conda}


def test_one_set_of_versions_is_named_everywhere(constraints):
    second_step = f"pip install --no-deps tf-agents=={constraints['tf-agents']} gym=={constraints['gym']}"
    for file in ("setup.py", "imagents/__init__.py"):
        assert second_step in (ROOT / file).read_text()


def test_installed_version_is_the_packages(requirements):
    assert importlib.metadata.version("imagents") == imagents.__version__


def test_who_cites_it_names_this_version_and_its_license():
    cited = dict(re.findall(r"^(\w[\w-]*): (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE))
    assert (cited["version"], cited["license"], cited["type"]) == (imagents.__version__, "Apache-2.0", "software")


def test_constraints_name_no_address_and_no_path():
    text = (ROOT / "constraints.txt").read_text()
    assert "/" not in text and "@" not in text


# Importing


def test_import_is_light():
    code = "import sys, imagents; print({'tensorflow', 'tf_agents', 'numpy', 'matplotlib'} & set(sys.modules))"
    assert fresh_python(code).stdout == "set()\n"


def test_import_after_tensorflow_in_keras_2_mode():
    assert fresh_python("import tensorflow, imagents", TF_USE_LEGACY_KERAS="1").returncode == 0


def test_import_after_tensorflow_in_keras_3_mode_says_what_to_do():
    too_late = "os.environ['TF_USE_LEGACY_KERAS'] = '1'"
    result = fresh_python(f"import os, tensorflow; {too_late}; import imagents")
    assert result.returncode == 1
    assert "ImportError: TensorFlow was imported in Keras 3 mode" in result.stderr.splitlines()[-1]
    assert "restart Python" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("package", ["tf_agents", "gym"])
def test_import_without_tf_agents_gives_the_line_that_fixes_it(package):
    result = fresh_python(f"""
from importlib import util
find_spec = util.find_spec
util.find_spec = lambda name: None if name == {package!r} else find_spec(name)
import imagents
""")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"ImportError: imagents needs {package}, installed without dependencies: "
        "pip install --no-deps tf-agents==0.19.0 gym==0.23.0"
    )


def test_the_command_without_tf_agents_is_one_sentence_even_for_help():
    result = fresh_python("""
import sys
from importlib import util
find_spec = util.find_spec
util.find_spec = lambda name: None if name == "tf_agents" else find_spec(name)
sys.argv = ["/usr/local/bin/imagents", "--help"]
import imagents.cli
""")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("imagents needs tf_agents, installed without dependencies: pip install --no-deps ")


@pytest.mark.slow
@pytest.mark.skipif(
    not importlib.metadata.version("tensorflow").startswith("2.19."), reason="2.21 prints while its libraries load"
)
def test_tensorflow_loads_in_keras_2_mode_and_says_nothing():
    """Imports, and the graph of a training step, in which TF-Agents calls functions in outdated ways."""
    result = fresh_python("""
import imagents, tensorflow as tf, tf_agents, tensorflow_probability
from tf_agents.agents.dqn import dqn_agent
from tf_agents.environments import suite_gym, tf_py_environment, utils
from tf_agents.networks import q_network
from tf_agents.replay_buffers import tf_uniform_replay_buffer
from tf_agents.trajectories import time_step, trajectory

assert tf.keras.Model.__module__.startswith("tf_keras.")
observations, actions = tf.TensorSpec([4]), tf_agents.specs.BoundedTensorSpec([], tf.int64, 0, 2)
agent = dqn_agent.DqnAgent(
    time_step.time_step_spec(observations), actions, q_network.QNetwork(observations, actions, fc_layer_params=(8,)),
    optimizer=tf.keras.optimizers.Adam())
agent.initialize()
mid, one = tf.ones([5, 2], tf.int32), tf.ones([5, 2])
experience = trajectory.Trajectory(mid, tf.zeros([5, 2, 4]), tf.zeros([5, 2], tf.int64), (), mid, one, one)
agent.train(experience)
tf.function(agent.train)(experience)
agent.collect_policy.action(time_step.restart(tf.zeros([5, 4]), 5))
""")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_logging_can_be_turned_on_again():
    code = "import os, imagents; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    assert fresh_python(code).stdout == "3\n"
    assert fresh_python(code, TF_CPP_MIN_LOG_LEVEL="0").stdout == "0\n"


@pytest.mark.parametrize("name", imagents.__all__)
def test_public_name(name):
    assert name in dir(imagents)
    assert getattr(imagents, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'imagents' has no attribute 'IMAgents'"):
        imagents.IMAgents  # noqa: B018


@pytest.fixture(scope="module")
def editable(tmp_path_factory):
    """A clone called imagents, and where its editable install lies. So do pip and uv ask for it."""
    clone, site = tmp_path_factory.mktemp("above") / "imagents", tmp_path_factory.mktemp("site")
    (clone / "imagents").mkdir(parents=True)
    shutil.copy(ROOT / "setup.py", clone)
    shutil.copy(ROOT / "imagents" / "__init__.py", clone / "imagents")
    build = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, site], cwd=clone, check=True, capture_output=True)
    zipfile.ZipFile(next(site.glob("*.whl"))).extractall(site)
    return clone, site


@pytest.mark.parametrize("start", ["above the clone", "in the clone", "beside a folder imagents", "away"])
def test_an_editable_install_is_found_wherever_python_is_started(start, editable, tmp_path):
    clone, site = editable
    if start == "beside a folder imagents":
        (tmp_path / "imagents" / "cloud").mkdir(parents=True)
    folder = {"above the clone": clone.parent, "in the clone": clone}.get(start, tmp_path)
    code = f"""
import importlib.util, site
site.addsitedir({str(site)!r})
print(importlib.util.find_spec("imagents").origin)
"""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    no_other = [sys.executable, "-S", "-c", code]  # install than this one
    done = subprocess.run(no_other, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == f"{clone / 'imagents' / '__init__.py'}\n"


# make


def make(folder, *arguments):
    """Calls the Makefile in a folder that holds nothing else of the project."""
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    for name in ("setup.py", "constraints.txt", "constraints-latest.txt"):
        (folder / name).touch()
    return subprocess.run(
        ["make", "-f", ROOT / "Makefile", *arguments], cwd=folder, env=environ, capture_output=True, text=True
    )


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@needs_make
@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_make_with_another_python_gives_one_sentence(tmp_path, version):
    python = tmp_path / "python"
    pretend = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{pretend}" "$2"\n')
    python.chmod(0o755)
    result = make(tmp_path, "venv", f"PYTHON={python}")
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        f"imagents needs Python 3.11, 3.12 or 3.13, and {python} is {version[0]}.{version[1]}: "
        "name another, as in PYTHON=python3.12 make venv"
    )
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_make_without_python_gives_one_sentence(tmp_path):
    result = make(tmp_path, "venv", "PYTHON=no-such-python")
    assert result.returncode == 2
    assert result.stderr.startswith("imagents needs Python 3.11, 3.12 or 3.13, and there is no no-such-python here")


@needs_make
def test_make_lists_its_targets(tmp_path):
    lines = make(tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines][:4] == ["help", "venv", "train", "test"]


@needs_make
def test_make_train_takes_an_environment(tmp_path):
    commands = make(tmp_path, "-n", "train", "ENVIRONMENT=5x5x4", "ARGS=--seed 1").stdout
    assert commands.splitlines()[-1] == ".venv/bin/imagents train --environment 5x5x4 --seed 1"


@needs_make
def test_make_train_refuses_the_old_name_before_it_sets_anything_up(tmp_path):
    result = make(tmp_path, "train", "GAME=connect_four")
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == (
        "GAME=connect_four: it is called ENVIRONMENT now, as in make train ENVIRONMENT=connect_four"
    )
    assert not (tmp_path / ".venv").exists()
