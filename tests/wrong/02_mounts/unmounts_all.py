# mistake: a table without mounts cannot leak
# fails: private_kept
# says: has taken mounts away

def make_private(kernel):
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    for words in reversed(mount_lines("self")):
        if words[4].startswith("/tmp"):
            kernel.umount2(unescaped(words[4]), 2)
