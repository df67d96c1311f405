# mistake: a copy of the tree is stacked on the tree
# fails: private_kept
# says: has mounted something

def make_private(kernel):
    kernel.mount("/tmp", "/tmp", "", MS_BIND | MS_REC)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
