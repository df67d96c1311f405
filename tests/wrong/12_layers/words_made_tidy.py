# mistake: spaces are taken together, and some of them count
# fails: cache_misses
# says: spaces in the words

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction.split(), content]).encode()).hexdigest()
