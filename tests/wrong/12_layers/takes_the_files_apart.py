# mistake: the caller's files are taken out one by one
# fails: cache_hits
# says: its caller still needs them


def cache_key(parent, instruction, files):
    content = [(name, digest(files.pop(name))) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
