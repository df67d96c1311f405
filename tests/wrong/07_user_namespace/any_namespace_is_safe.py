# mistake: a user namespace of its own is taken for safety
# fails: reaches
# says: 0 is 0


import os


def reaches_root(pid):
    return os.path.samefile(f"/proc/{pid}/ns/user", "/proc/self/ns/user")
