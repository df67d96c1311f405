# mistake: the last range decides
# fails: reaches
# says: wrong verdict


def reaches_root(pid):
    r = False
    with open(f"/proc/{pid}/uid_map") as file:
        for line in file:
            r = line.split()[1] == "0"
    return r
