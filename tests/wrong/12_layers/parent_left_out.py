# mistake: a step is the same over any base
# fails: cache_misses
# says: the parent

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([instruction, content]).encode()).hexdigest()
