# mistake: only the first range is looked at
# fails: reaches
# says: 0 is 1000, 5 is 0


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        line = file.readline().split()
    return line[1:2] == ["0"]
