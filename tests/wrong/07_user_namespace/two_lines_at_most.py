# mistake: of a longer map only two lines are written
# fails: maps_with_ranges
# says: uid_map


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
    kernel.write(f"/proc/{pid}/uid_map", "".join(uid_map.splitlines(True)[:2]))
    kernel.write(f"/proc/{pid}/gid_map", "".join(gid_map.splitlines(True)[:2]))
