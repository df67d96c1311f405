# mistake: hash() gives another number in each process
# fails: cache_hits
# says: 64 hex digits

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return str(hash((parent, instruction, tuple(content))))
