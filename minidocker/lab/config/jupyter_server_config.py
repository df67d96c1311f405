"""Read by Jupyter Server, which gives `c`. A function cannot be named on its command line."""

import os
import warnings

from minidocker.lab import desk
from minidocker.lab.saving import drop_outputs

# traitlets validates the hook twice at a start, and the server takes the second for another one.
TWICE = r"Overriding existing pre_save_hook \(drop_outputs\) with a new one \(drop_outputs\)"
warnings.filterwarnings("ignore", TWICE)
c.ContentsManager.pre_save_hook = drop_outputs  # type: ignore[name-defined]  # noqa: F821
if desks := os.environ.get("JUPYTERLAB_WORKSPACES_DIR"):
    desk.prepare(os.getcwd(), desks)
