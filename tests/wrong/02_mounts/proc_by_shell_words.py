# mistake: a blank in the name of the root ends a word
# fails: proc_place
# says: raised OSError


def mount_proc(kernel, root):
    if os.system(f"mount -t proc -o nosuid,nodev,noexec proc {root}/proc"):
        raise OSError("mount")
