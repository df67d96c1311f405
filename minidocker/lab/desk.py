"""A desk for each lesson in JupyterLab: notebook on the left; exercise and terminal on the right.

JupyterLab keeps such an arrangement as a *workspace*, a file of its own, and opens it at the
address /lab/workspaces/NAME. The list of files is put away; Ctrl+Shift+F brings it back. Desks are
laid out anew each time that JupyterLab starts.
"""

from __future__ import annotations

import json
import os
from typing import Any

from minidocker.errors import MinidockerError

LEFT, TOP = 0.56, 0.6  # how much of the width the notebook has, and of the height the exercise
WHERE = "MINIDOCKER_LAB_URL"  # JupyterLab's address without its token, for the kernels


def name(number: str) -> str:
    """Return the name of a lesson's desk."""
    return f"lesson-{number}"


def address(number: str) -> str:
    """Return where a lesson's desk is to be seen; "" where JupyterLab was not started by us."""
    base = os.environ.get(WHERE, "")
    return f"{base}/lab/workspaces/{name(number)}" if base else ""


def layout(number: str, notebook: str, exercise: str) -> dict[str, Any]:
    """Return a workspace in JupyterLab's own format, version 4."""
    widgets = [f"notebook:{notebook}", f"editor:{exercise}", f"terminal:{int(number) + 1}"]
    book, file, shell = (
        {"type": "tab-area", "currentIndex": 0, "widgets": [widget]} for widget in widgets
    )
    right = {"type": "split-area", "orientation": "vertical", "sizes": [TOP, 1 - TOP],
             "children": [file, shell]}  # fmt: skip
    dock = {"type": "split-area", "orientation": "horizontal", "sizes": [LEFT, 1 - LEFT],
            "children": [book, right]}  # fmt: skip
    nothing = {"collapsed": True, "visible": True, "widgets": []}
    return {
        "metadata": {"id": name(number)},
        "data": {
            "layout-restorer:data": {
                "main": {"dock": dock, "current": widgets[0]},
                "down": {"size": 0, "widgets": []},
                "left": nothing, "right": nothing, "relativeSizes": [0, 1, 0],
                "top": {"simpleVisibility": True},
            },
            widgets[0]: {"data": {"path": notebook, "factory": "Notebook"}},
            widgets[1]: {"data": {"path": exercise, "factory": "Editor"}},
            widgets[2]: {"data": {"name": str(int(number) + 1)}},
        },
    }  # fmt: skip


def prepare(root: str, directory: str) -> None:
    """Lay out the desks of the course in `root`; without a course there are none."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    from minidocker.course import manifest

    try:
        lessons = manifest.load(root).lessons
    except MinidockerError:
        return
    manager = WorkspacesManager(directory)
    for lesson in lessons:
        made = layout(lesson.number, lesson.notebook, lesson.exercise)
        manager.save(name(lesson.number), json.dumps(made))
