"""What JupyterLab writes: a notebook of the course without what ran; everything else as it is."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minidocker.lab.saving import FOLD, FOLDED, drop_outputs


def notebook() -> dict[str, Any]:
    """A notebook that has run."""
    return {
        "type": "notebook",
        "content": {
            "nbformat": 4,
            "metadata": {"language_info": {"name": "python", "version": "3.11.2"},
                         "kernelspec": {"display_name": "Python 3 in a room", "name": "python3"}},
            "cells": [
                {"cell_type": "markdown", "metadata": {"tags": ["mine"], FOLD: True}, "source": "text"},
                {"cell_type": "markdown", "id": FOLDED[0], "metadata": {}, "source": "opened"},
                {"cell_type": "code", "metadata": {"scrolled": True, "tags": ["x"]}, "source": "1",
                 "outputs": [{"output_type": "stream"}], "execution_count": 7},
            ],
        },
    }  # fmt: skip


def test_a_notebook_of_the_course_is_saved_as_it_came() -> None:
    model = notebook()
    drop_outputs(model=model, path="notebooks/01_pid_namespace.ipynb", contents_manager=None)
    text, opened, code = model["content"]["cells"]
    assert text["metadata"] == {"tags": ["mine"]}  # what a learner folds or opens is no change
    assert opened["metadata"] == {FOLD: True}
    assert code["outputs"] == [] and code["execution_count"] is None
    assert code["metadata"] == {"tags": ["x"]}
    assert model["content"]["metadata"] == {
        "language_info": {"name": "python"},
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    }


@pytest.mark.parametrize("path", ["notebooks/mine.ipynb", "01_x.ipynb", "notebooks/01_x.txt", "x/01_x.ipynb"])
def test_what_is_not_of_the_course_keeps_its_outputs(path: str) -> None:
    model = notebook()
    drop_outputs(model=model, path=path)
    assert model == notebook()


def test_what_is_no_notebook_is_left_alone() -> None:
    for model in ({"type": "file", "content": "x"}, {**notebook(), "content": {"nbformat": 3}}):
        before = copy.deepcopy(model)
        drop_outputs(model=model, path="notebooks/01_x.ipynb")
        assert model == before


SETS_THE_HOOK = """
import sys
from traitlets.config.loader import PyFileConfigLoader
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

config = PyFileConfigLoader("jupyter_server_config.py", path=sys.argv[1]).load_config()
print(AsyncLargeFileManager(config=config).pre_save_hook.__name__)
"""


def test_the_server_takes_the_hook_without_a_warning() -> None:
    pytest.importorskip("jupyter_server")
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-W", "default", "-c", SETS_THE_HOOK, "minidocker/lab/config"]
    done = subprocess.run(argv, cwd=root, text=True, capture_output=True, check=False)
    assert done.stdout == "drop_outputs\n", done.stderr
    assert "pre_save_hook" not in done.stderr
