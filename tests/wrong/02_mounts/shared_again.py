# mistake: the wrong flag: every mount is shared, as before
# fails: private_below
# says: seen outside: at /spot and

def make_private(kernel):
    kernel.mount("", "/", "", MS_REC | MS_SHARED)
