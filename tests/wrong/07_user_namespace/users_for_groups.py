# mistake: the map of the users is written for the groups too
# fails: maps_with_ranges
# says: gid_map


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/gid_map", uid_map)
