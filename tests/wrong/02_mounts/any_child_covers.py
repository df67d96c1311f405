# mistake: a mount that stands elsewhere on it is taken for one that covers it
# fails: propagation_stack
# says: has not found the mount on top


def propagation_of(pid, path):
    rows = mount_lines(pid)
    found = [words for words in rows if unescaped(words[4]) == path]
    parents = {w[1] for w in rows}
    if not found:
        raise LookupError(f"nothing is mounted at {path}")
    top = next((w for w in found if w[0] not in parents), found[-1])
    tags = {field.partition(":")[0] for field in optional_fields(top)}
    if "unbindable" in tags:
        return "unbindable"
    kinds = {"shared": "shared", "master": "slave"}
    return " and ".join(kinds[tag] for tag in kinds if tag in tags) or "private"
