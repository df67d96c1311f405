# mistake: the mounts are taken away while they are still shared
# fails: private_kept
# says: has taken mounts away

def make_private(kernel):
    kernel.umount2("/tmp/tree/inner", 2)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
