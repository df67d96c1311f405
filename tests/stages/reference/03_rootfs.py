"""The runtime's own rootfs and mounts stages, under the names of lesson 03's exercise."""

from minidocker.stages.mounts import Mounts
from minidocker.stages.rootfs import Rootfs

pivot = Rootfs.pivot
read_only_root = Rootfs.read_only_root


def make_dev(kernel, root):
    """In the runtime the child's umask is 0, and /dev/shm is a part of its own (lesson 06)."""
    old = kernel.umask(0)
    Mounts.make_dev(kernel, root)
    Mounts.private_shm(kernel, root)
    kernel.umask(old)
