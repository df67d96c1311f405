# right: MS_SLAVE: what is mounted outside comes in, and nothing goes out

WALL_ORDER = ("unshare", "fork", "private", "proc")


def make_private(kernel):
    kernel.mount("none", "/", "", MS_SLAVE | MS_REC)
