"""Runs notebooks from top to bottom, each in a kernel of its own, and keeps what they show; `make notebooks`.

    python notebooks/run.py notebooks/*.ipynb
"""

import pathlib
import sys
import time

import nbclient
import nbformat


def run(path: pathlib.Path) -> None:
    """Executes a notebook, in its own folder, and writes it back with its outputs; as it was if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=3600, record_timing=False, resources=resources).execute()
    notebook.metadata["language_info"] = {"name": "python"}  # which version it was is nobody's business
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        began = time.monotonic()
        run(pathlib.Path(name))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
