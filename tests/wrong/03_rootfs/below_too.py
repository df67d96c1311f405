# mistake: the mounts below become read-only too
# fails: read_only
# says: became read-only too

from minidocker.kernel.flags import MOUNT_ATTR_RDONLY


def read_only_root(kernel):
    kernel.mount_setattr("/", MOUNT_ATTR_RDONLY, True)
