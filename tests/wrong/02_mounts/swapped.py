# mistake: source and target change places
# fails: bind_tree
# says: MISSING   /tmp/a store

def bind(kernel, source, target, read_only):
    kernel.mount(target, source, "", MS_BIND | MS_REC)
