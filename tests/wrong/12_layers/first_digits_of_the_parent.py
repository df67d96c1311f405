# mistake: of the parent only the first digits count
# fails: cache_misses
# says: the parent's last digit

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent[:19], instruction, content]).encode()).hexdigest()
