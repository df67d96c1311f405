# mistake: not every entry is told
# fails: namespaces
# says: pid_for_children


def namespaces_of(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/ns"):
        if not name.endswith("_for_children"):
            found[name] = os.stat(f"/proc/{pid}/ns/{name}").st_ino
    return found
