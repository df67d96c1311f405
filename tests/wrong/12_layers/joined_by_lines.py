# mistake: a name may have a line's end in it
# fails: cache_misses
# says: of a strange name

def cache_key(parent, instruction, files):
    content = "\n".join(f"{name}\n{digest(files[name])}" for name in sorted(files))
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
