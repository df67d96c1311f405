# mistake: the contents are put together: ab and c are a and bc
# fails: cache_misses
# says: ab and c, or a and bc

def cache_key(parent, instruction, files):
    content = [sorted(files), "".join(open(files[name], encoding="latin-1").read() for name in sorted(files))]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
