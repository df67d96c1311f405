# right: by os.path.samefile and "/"


def has_own_root(pid):
    return not os.path.samefile(f"/proc/{pid}/root", "/")
