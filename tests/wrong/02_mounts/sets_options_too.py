# mistake: a remount on the way, which gives a mount other options
# fails: private_kept
# says: changed the options


def make_private(kernel):
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    kernel.mount("", "/tmp", "", MS_BIND | MS_REMOUNT | MS_NOSUID) if any(
        w[4] == "/tmp" for w in mount_lines("self")
    ) else None
