# mistake: setgroups comes after the gid_map
# fails: maps_without_rights
# says: The kernel refused what write_maps wrote


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/gid_map", gid_map)
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
