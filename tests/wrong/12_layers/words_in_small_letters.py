# mistake: capital letters are lost
# fails: cache_misses
# says: capital letters

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction.lower(), content]).encode()).hexdigest()
