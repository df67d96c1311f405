# mistake: which content belongs to which name is lost
# fails: cache_misses
# says: exchange contents

def cache_key(parent, instruction, files):
    content = [sorted(files), sorted(map(digest, files.values()))]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()
