"""What JupyterLab writes when a notebook of the course is saved: the cells, and nothing that ran.

Outputs in the file would meet each new version of the lesson as a conflict. They stay on the screen
as long as the notebook is open. `make learn` sets this hook for its own JupyterLab, and only a
notebook of the course is changed: your own keep their outputs.
"""

from __future__ import annotations

import re
from typing import Any

OURS = re.compile(r"(?:.*/)?notebooks/\d\d_\w+\.ipynb")
FOLD = "jp-MarkdownHeadingCollapsed"  # JupyterLab hides the cells below such a heading
FOLDED = ("self-test",)  # the ids of those that the course folds away; a click opens them
# Each notebook of the course asks for this kernel, whatever it is called on this machine: a room.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What of a cell's metadata passes.
PASSING = (FOLD, "collapsed", "execution", "ExecuteTime", "scrolled", "trusted")


def drop_outputs(model: dict[str, Any], path: str, **_: Any) -> None:
    """Take outputs, counts and the kernel's details out of a notebook that is about to be saved.

    Called by Jupyter Server: ContentsManager.pre_save_hook.
    """
    if model["type"] != "notebook" or not OURS.fullmatch(path.strip("/")):
        return
    notebook = model["content"]
    if notebook.get("nbformat") != 4:
        return
    for cell in notebook["cells"]:
        for name in PASSING:
            cell.get("metadata", {}).pop(name, None)
        if cell.get("id") in FOLDED:
            cell["metadata"] = {**cell.get("metadata", {}), FOLD: True}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    language = notebook["metadata"].get("language_info")
    if language:  # the rest is the version of this machine's Python
        notebook["metadata"]["language_info"] = {"name": language["name"]}
    if "kernelspec" in notebook["metadata"]:
        notebook["metadata"]["kernelspec"] = dict(KERNEL)
