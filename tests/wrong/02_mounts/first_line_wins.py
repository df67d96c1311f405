# mistake: of several mounts at one place the lowest is taken
# fails: propagation_stack
# says: '/tmp/tree/twice': expected 'private', got 'shared'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    if not found:
        raise LookupError(path)
    tags = {field.partition(":")[0] for field in optional_fields(found[0])}
    names = {"shared": "shared", "master": "slave", "unbindable": "unbindable"}
    return " and ".join(names[tag] for tag in names if tag in tags) or "private"
