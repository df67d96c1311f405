# mistake: the words of a step are set right first: two steps become one
# fails: cache_misses
# says: differ in


def cache_key(parent, instruction, files):
    content = [(name, digest(files[name])) for name in sorted(files)]
    return hashlib.sha256(
        repr([parent, " ".join(instruction.split()), content]).encode()
    ).hexdigest()
