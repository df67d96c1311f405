# mistake: a remount sets all options of a mount, and those of the source are not among them
# fails: bind_read_only
# says: /deep has not the options

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    for words in mount_lines("self"):
        here = unescaped(words[4])
        if read_only and (here == target or here.startswith(target + "/")):
            kernel.mount("", here, "", MS_REMOUNT | MS_BIND | MS_RDONLY)
