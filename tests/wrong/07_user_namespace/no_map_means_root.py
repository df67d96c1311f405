# mistake: no map is taken for the map of the host
# fails: reaches
# says: no map yet


def reaches_root(pid):
    with open(f"/proc/{pid}/uid_map") as file:
        lines = file.readlines()
    return not lines or any(line.split()[1] == "0" for line in lines)
