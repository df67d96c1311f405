"""For notebooks: magics, pictures of the kernel's state, and probes of /proc.

    %load_ext minidocker.lab                         the magics: see minidocker.lab.magics
    from minidocker.lab import sh, start             run things beside the notebook
    from minidocker.lab import process_trees         and the other pictures

Importing this package imports nothing else: `minidocker doctor` uses it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# What a notebook imports from here, and the module that it stands in.
_NAMES = {
    "CellFailed": "cells",
    "sh": "cells",
    "start": "cells",
    "wait_until": "cells",
    "Background": "cells",
    "small_host": "smallhost",
    "inside": "smallhost",
    "packet_path": "packetpath",
    "overheard": "overhear",
    "cgroup": "groups",
    "cgroup_tree": "cgrouptree",
    "watch_usage": "timeline",
    "process_trees": "pictures",
    "namespace_table": "pictures",
    "course_map": "pictures",
    "vm_and_container": "pictures",
    "ways_out": "pictures",
    "xray": "xrays",
    "mount_tree": "mounttree",
    "capability_sets": "capsets",
    "id_maps": "idmaps",
    "layer_stack": "layerstack",
    "layers_of": "layerstack",
    "usage_timeline": "timeline",
}
__all__ = [*_NAMES, "load_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; IPython calls this for %load_ext minidocker.lab."""
    from minidocker.lab.magics import Lab

    Lab().register(shell)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
