# mistake: contents are read as text, which makes all ends of lines alike
# fails: cache_misses
# says: the end of a line

def cache_key(parent, instruction, files):
    content = [(name, open(files[name], encoding="latin-1").read()) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
