# mistake: a bind mount shows the files of the host
# fails: shm_private
# says: Files of the host


def private_shm(kernel, root):
    kernel.mount("/dev/shm", f"{root}/dev/shm", "", 4096)
