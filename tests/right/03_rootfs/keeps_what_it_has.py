# right: the options that "/" has are read first, and kept


def read_only_root(kernel):
    names = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC, "relatime": 1 << 21}
    with open("/proc/self/mountinfo") as table:
        options = [line.split()[5] for line in table if line.split()[4] == "/"][-1].split(",")
    flags = 0
    for option in options:
        flags |= names.get(option, 0)
    kernel.mount("none", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
