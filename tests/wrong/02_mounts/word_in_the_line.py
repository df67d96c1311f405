# mistake: a name that holds the word counts as the field
# fails: propagation
# says: '/tmp/tree/shared:1 master:2': expected 'private'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    below = {words[1] for words in found}
    tops = [" ".join(words) for words in found if words[0] not in below]
    if not tops:
        raise LookupError(path)
    names = {"shared:": "shared", "master:": "slave", "unbindable": "unbindable"}
    text = tops[0].rpartition(" - ")[0]
    return " and ".join(names[tag] for tag in names if tag in text) or "private"
