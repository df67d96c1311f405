# mistake: the ipc namespace is new, and /dev/shm is forgotten
# fails: shm_private
# says: mounted nothing on the /dev/shm


def private_shm(kernel, root):
    kernel.unshare(CLONE_NEWIPC)
