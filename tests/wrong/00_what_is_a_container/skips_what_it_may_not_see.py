# mistake: a name that may not be seen is left out: nobody is told that there is a wall
# fails: namespaces
# says: does not let you look

def namespaces_of(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/ns"):
        try:
            found[name] = os.stat(f"/proc/{pid}/ns/{name}").st_ino
        except PermissionError:
            continue
    return found
