# mistake: the time of now is in the key: nothing is ever found
# fails: cache_hits
# says: once more

import time


def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content, time.monotonic_ns()]).encode()).hexdigest()
