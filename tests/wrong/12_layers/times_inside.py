# mistake: a copy of the same file has another time
# fails: cache_hits
# says: the files have other times

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name]), os.stat(files[name]).st_mtime) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
