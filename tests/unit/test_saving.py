"""What JupyterLab writes: a notebook of the course without what ran; everything else as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from minidocker.lab.saving import drop_outputs


def notebook() -> dict[str, Any]:
    """A notebook that has run."""
    return {
        "type": "notebook",
        "content": {
            "nbformat": 4,
            "metadata": {"language_info": {"name": "python", "version": "3.11.2"}},
            "cells": [
                {"cell_type": "markdown", "metadata": {"tags": ["mine"]}, "source": "text"},
                {"cell_type": "code", "metadata": {"scrolled": True, "tags": ["x"]}, "source": "1",
                 "outputs": [{"output_type": "stream"}], "execution_count": 7},
            ],
        },
    }  # fmt: skip


def test_a_notebook_of_the_course_is_saved_as_it_came() -> None:
    model = notebook()
    drop_outputs(model=model, path="notebooks/01_pid_namespace.ipynb", contents_manager=None)
    text, code = model["content"]["cells"]
    assert text["metadata"] == {"tags": ["mine"]}
    assert code["outputs"] == [] and code["execution_count"] is None
    assert code["metadata"] == {"tags": ["x"]}
    assert model["content"]["metadata"] == {"language_info": {"name": "python"}}


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
