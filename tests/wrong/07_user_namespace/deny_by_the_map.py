# mistake: what setgroups says is guessed from the map, not taken from the argument
# fails: maps_with_ranges
# says: setgroups


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/setgroups", "deny" if gid_map.count("\n") == 1 else "allow")
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/gid_map", gid_map)
