# mistake: os.path.join throws the root away when the second part begins with a slash
# fails: shm_private
# says: on the /dev/shm of the host


def private_shm(kernel, root):
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    target = os.path.join(root, "/dev/shm")
    kernel.mount("shm", target, "tmpfs", flags, "mode=1777,size=64m")
