# mistake: one escape of four is undone
# fails: propagation
# says: 'LookupError'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if words[4].replace("\\040", " ") == path]
    below = {words[1] for words in found if words[1] != words[0]}
    tops = [words for words in found if words[0] not in below]
    if not tops:
        raise LookupError(path)
    tags = {field.partition(":")[0] for field in optional_fields(tops[0])}
    names = {"shared": "shared", "master": "slave", "unbindable": "unbindable"}
    return " and ".join(names[tag] for tag in names if tag in tags) or "private"
