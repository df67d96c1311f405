# mistake: MS_PRIVATE without MS_REC changes one mount, and there are many
# fails: private_below
# says: at /tmp/tree/spot and /tmp/tree/inner/spot

def make_private(kernel):
    kernel.mount("", "/", "", MS_PRIVATE)
