# mistake: only the inner root is thought of
# fails: reaches
# says: 7 is 0


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        return any(line.split()[:2] == ["0", "0"] for line in file)
