# right: each mount below is remounted by itself, with the options that it has


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "none", MS_BIND | MS_REC, "")
    if not read_only:
        return
    names = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC, "noatime": 1024,
             "nodiratime": 2048, "relatime": 1 << 21}
    for words in mount_lines("self"):
        place = unescaped(words[4])
        if place == target or place.startswith(target + "/"):
            flags = sum(names.get(option, 0) for option in words[5].split(","))
            kernel.mount("", place, "", MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
