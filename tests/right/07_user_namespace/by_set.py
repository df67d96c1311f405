# right: the outer ids that begin a range


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        return "0" in {line.split()[1] for line in file}
