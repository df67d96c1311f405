# mistake: a zero anywhere in the text
# fails: reaches
# says: 0 is 20000


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        return "0" in file.read().split()
