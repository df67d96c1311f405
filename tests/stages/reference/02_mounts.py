"""The runtime's own stages propagation and mounts, under the names of lesson 02's exercise."""

from minidocker.stages.mounts import Mounts
from minidocker.stages.propagation import Propagation

make_private = Propagation.make_private
mount_proc = Mounts.mount_proc
bind = Mounts.bind
