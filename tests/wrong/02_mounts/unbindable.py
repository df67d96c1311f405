# mistake: private, and no bind mount can be made any more
# fails: private_kept
# says: is unbindable

def make_private(kernel):
    kernel.mount("", "/", "", MS_REC | (1 << 17))
