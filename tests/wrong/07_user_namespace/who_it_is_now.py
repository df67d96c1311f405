# mistake: the ids of the process, not what its namespace could become
# fails: reaches
# says: 0 is 20000


def reaches_root(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(line for line in file if line.startswith("Uid:")).split()[1] == "0"
