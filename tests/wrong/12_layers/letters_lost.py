# mistake: letters that are not in ASCII are left out
# fails: cache_misses
# says: letters of another script

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode("ascii", "ignore")).hexdigest()
