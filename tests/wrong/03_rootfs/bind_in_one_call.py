# mistake: a bind ignores MS_RDONLY: it takes a second call
# fails: read_only
# says: can still write

def read_only_root(kernel):
    kernel.mount("/", "/", "", MS_BIND | MS_RDONLY)
