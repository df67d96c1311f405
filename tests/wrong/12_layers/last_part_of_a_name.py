# mistake: the directory of a name is left out
# fails: cache_misses
# says: a file's directory


def cache_key(parent, instruction, files):
    content = [(os.path.basename(name), digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
