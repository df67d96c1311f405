"""Read by Jupyter Server, which gives `c`. A function cannot be named on its command line."""

import os

from minidocker.lab import desk
from minidocker.lab.saving import drop_outputs

c.ContentsManager.pre_save_hook = drop_outputs  # type: ignore[name-defined]  # noqa: F821
if desks := os.environ.get("JUPYTERLAB_WORKSPACES_DIR"):
    desk.prepare(os.getcwd(), desks)
