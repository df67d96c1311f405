# mistake: contents are read as text, and what is no text is passed over
# fails: cache_misses
# says: bytes that are no text

def cache_key(parent, instruction, files):
    content = [(name, open(files[name], errors="ignore", newline="").read()) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
