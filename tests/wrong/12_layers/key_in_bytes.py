# mistake: the digest itself is no text
# fails: cache_hits
# says: 64 hex digits

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).digest()
