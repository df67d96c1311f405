# mistake: the order of the lines is taken for the order of the stack
# fails: propagation_stack
# says: '/tmp/tree/moved': expected 'shared', got 'private'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    if not found:
        raise LookupError(path)
    tags = {field.partition(":")[0] for field in optional_fields(found[-1])}
    names = {"shared": "shared", "master": "slave", "unbindable": "unbindable"}
    return " and ".join(names[tag] for tag in names if tag in tags) or "private"
