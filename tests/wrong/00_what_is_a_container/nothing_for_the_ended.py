# mistake: an empty dictionary for a process that is gone
# fails: namespaces
# says: must let an OSError out


def namespaces_of(pid):
    found = {}
    try:
        for n in os.listdir(f"/proc/{pid}/ns"):
            found[n] = os.stat(f"/proc/{pid}/ns/{n}").st_ino
    except OSError:
        pass
    return found
