# mistake: names in the order in which somebody told them
# fails: cache_hits
# says: told in another order

def cache_key(parent, instruction, files):
    content = [(name, digest(path)) for name, path in files.items()]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
