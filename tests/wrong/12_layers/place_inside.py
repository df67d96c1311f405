# mistake: where the files lie is in the key
# fails: cache_hits
# says: lie elsewhere

def cache_key(parent, instruction, files):
    content = sorted((name, path, digest(path)) for name, path in files.items())
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
