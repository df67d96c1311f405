# mistake: a remount with one option more than was asked for
# fails: read_only_host
# says: can be started any more


def read_only_root(kernel):
    kernel.mount("", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC)
