# mistake: a new copy has another inode
# fails: cache_hits
# says: a new copy

def cache_key(parent, instruction, files):
    content = [(name, os.stat(files[name]).st_ino, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
