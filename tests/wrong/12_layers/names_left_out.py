# mistake: the files' names are not in the key
# fails: cache_misses
# says: a file's name

def cache_key(parent, instruction, files):
    content = [digest(files[name]) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
