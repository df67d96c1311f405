# mistake: shared and slave at once is overlooked
# fails: propagation
# says: expected 'shared and slave', got 'shared'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    below = {words[1] for words in found}
    tops = [words for words in found if words[0] not in below]
    if not tops:
        raise LookupError(path)
    names = {"shared": "shared", "master": "slave", "unbindable": "unbindable"}
    return names.get(tops[0][6].partition(":")[0], "private")
