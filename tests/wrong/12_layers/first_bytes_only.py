# mistake: only the beginning of a file is read
# fails: cache_misses
# says: last byte

def cache_key(parent, instruction, files):
    content = [(name, open(files[name], "rb").read(8)) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
