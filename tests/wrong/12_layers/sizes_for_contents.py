# mistake: a size is taken for the content
# fails: cache_misses
# says: one content

def cache_key(parent, instruction, files):
    content = [(name, os.path.getsize(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
