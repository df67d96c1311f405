# mistake: nobody may change groups, also where it would be allowed
# fails: maps_with_ranges
# says: setgroups


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/setgroups", "deny")
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/gid_map", gid_map)
