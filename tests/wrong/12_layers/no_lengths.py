# mistake: texts put together lose where one ends
# fails: cache_misses
# says: where the parent ends

def cache_key(parent, instruction, files):
    content = "".join(name + digest(files[name]) for name in sorted(files))
    return hashlib.sha256((parent + instruction + content).encode()).hexdigest()
