"""The notebooks run from top to bottom, and show in the repository what a full run gave.

`make notebooks` runs them in full and keeps the outputs; here they run with a small budget.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs the extra notebooks")
pytest.importorskip("IPython", reason="needs the extra notebooks")

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = "0.00002"  # of the budget of a full run
IN_NO_OUTPUT = [  # addresses, and what nobody asked for
    "Traceback", "Warning", "warn(", "/home/", "/root/", "/tmp/", "/usr/", str(ROOT), "site-packages",
]

EXTRAS = {"5_sagemaker": ["sagemaker"], "8_bridges": ["gymnasium", "pettingzoo", "pyspiel"]}

all_notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@all_notebooks
def test_imports_imagents_before_tensorflow(path):
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    imports = re.findall(r"^(?:import|from) (imagents|tensorflow|tf_agents)\b", code, re.MULTILINE)
    assert imports[0] == "imagents"


@all_notebooks
def test_code_fits_a_page_of_the_site(path):
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert max(len(line) for source in code for line in source.splitlines()) <= 88


@pytest.mark.slow
@all_notebooks
def test_runs_in_a_kernel_and_says_nothing_unasked(path, tmp_path):
    """As `make notebooks` runs them, but with a small budget."""
    for package in EXTRAS.get(path.stem, ()):
        pytest.importorskip(package)
    copy = shutil.copy(path, tmp_path)
    command = [sys.executable, ROOT / "notebooks" / "run.py", copy]
    subprocess.run(command, env=os.environ | {"IMAGENTS_NOTEBOOK_BUDGET": SMALL}, check=True, timeout=900)
    check_outputs(tmp_path / path.name)


@all_notebooks
def test_shows_the_outputs_of_a_full_run(path):
    check_outputs(path)


def check_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run it with `make notebooks`"
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "there is no plot"
    texts = [output.get("text", "") + str({k: v for k, v in output.get("data", {}).items() if k.startswith("text/")})
             for output in outputs]
    for word in IN_NO_OUTPUT:
        assert not [text for text in texts if word in text], f"{word} is no output for readers"
    assert path.stat().st_size < 3_000_000


@all_notebooks
def test_every_picture_says_what_it_shows(path):
    """To who cannot see it, on the site: cells have it in their metadata, which a run keeps."""
    for cell in nbformat.read(path, as_version=4).cells:
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), cell.source
