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
    "detach": "lab.alone",
    "happened": "lab.alone",
    "kin": "lab.alone",
    "Background": "lab.cells",
    "CellFailed": "lab.cells",
    "sh": "lab.cells",
    "start": "lab.cells",
    "wait_until": "lab.cells",
    "cgroup": "lab.cgroups",
    "overheard": "lab.overhear",
    "image_layers": "lab.images",
    "inside": "lab.hosts",
    "learners": "lab.own_work",
    "podman_chain": "lab.chain",
    "runtime": "lab.verbs",
    "small_host": "lab.hosts",
    "small_registry": "lab.registries",
    "through_exec": "lab.before_after",
    "watch_pull": "lab.registries",
    "build_cache": "pictures.build_cache",
    "call_chain": "pictures.call_chain",
    "capability_sets": "pictures.capability_sets",
    "course_map": "pictures.catalogue",
    "namespace_table": "pictures.catalogue",
    "process_trees": "pictures.catalogue",
    "vm_and_container": "pictures.catalogue",
    "ways_out": "pictures.catalogue",
    "cgroup_tree": "pictures.cgroup_tree",
    "family": "pictures.family",
    "filter_chart": "pictures.filter_chart",
    "hole_table": "pictures.hole_table",
    "id_maps": "pictures.id_maps",
    "image_tree": "lab.shelves",
    "layer_stack": "pictures.layer_stack",
    "layers_of": "pictures.layer_stack",
    "life": "pictures.life",
    "mount_tree": "pictures.mount_tree",
    "network_map": "pictures.network_map",
    "packet_path": "pictures.packet_path",
    "peer_groups": "pictures.peer_groups",
    "pull_sequence": "pictures.pull_sequence",
    "usage_timeline": "pictures.timeline",
    "watch_usage": "pictures.timeline",
    "xray": "xray.xray",
}
# Whole modules, by the names that the course uses.
_MODULES = {"cgroupfs": "proc.cgroups", "mountinfo": "proc.mounts", "proc": "proc.processes"}
__all__ = [*_NAMES, *_MODULES, "load_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; IPython calls this for %load_ext minidocker.lab."""
    from minidocker.lab.magics import Magics

    Magics().register(shell)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"minidocker.{_MODULES[name]}")
    if name in _NAMES:
        return getattr(import_module(f"minidocker.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
