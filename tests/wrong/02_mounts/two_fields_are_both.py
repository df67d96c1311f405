# mistake: fields are counted: master and propagate_from are two, too
# fails: propagation
# says: '/tmp/tree/far': expected 'slave'

def propagation_of(pid, path):
    found = [words for words in mount_lines(pid) if unescaped(words[4]) == path]
    below = {words[1] for words in found if words[1] != words[0]}
    tops = [words for words in found if words[0] not in below]
    if not tops:
        raise LookupError(f"nothing is mounted at {path}")
    fields = optional_fields(tops[0])
    if len(fields) == 2:
        return "shared and slave"
    kinds = {"shared": "shared", "master": "slave", "unbindable": "unbindable"}
    return kinds[fields[0].partition(":")[0]] if fields else "private"
