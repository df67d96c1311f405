# mistake: a blank in the name of the root ends a word
# fails: shm_private
# says: refused private_shm


def private_shm(kernel, root):
    if os.system(f"mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m shm {root}/dev/shm"):
        raise OSError
