"""Pictures for the notebooks; each is a Picture, which has the same facts as a text table.

Drawn from the live kernel state, read from /proc:

- process_trees(pid): the same processes as the host and as the container number them
- namespace_table(pids, labels): which namespaces each shares with me, and which are its own
- ways_out(pids, labels): by which ways each can still reach what lies outside of its root

Drawn from what one gives them:

- course_map(current, lessons): the sentences of the course, with this lesson lit
- vm_and_container(figures): what stands under a program in a VM, and in a container
"""

from __future__ import annotations

from minidocker.pictures.diagrams import course_map, vm_and_container
from minidocker.pictures.namespace_table import namespace_table
from minidocker.pictures.picture import Picture
from minidocker.pictures.process_trees import process_trees
from minidocker.pictures.ways_out import ways_out

__all__ = [
    "Picture",
    "course_map",
    "namespace_table",
    "process_trees",
    "vm_and_container",
    "ways_out",
]
