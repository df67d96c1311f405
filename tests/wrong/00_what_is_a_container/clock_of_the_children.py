# mistake: the children's clock is taken for the process's own
# fails: namespaces
# says: time: expected


def namespaces_of(pid):
    found = {n: os.stat(f"/proc/{pid}/ns/{n}").st_ino for n in os.listdir(f"/proc/{pid}/ns")}
    found["time"] = found["time_for_children"]
    return found
