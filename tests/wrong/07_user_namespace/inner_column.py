# mistake: the column of the inner ids is read
# fails: reaches
# says: 0 is 20000


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        return any(line.split()[0] == "0" for line in file)
