# mistake: of the words' lines only the first counts
# fails: cache_misses
# says: the second line of the words

def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction.splitlines()[0], content]).encode()).hexdigest()
