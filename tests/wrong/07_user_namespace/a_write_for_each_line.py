# mistake: a map is written line by line: the second write is refused
# fails: maps_with_ranges
# says: The kernel refused what write_maps wrote


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
    for line in uid_map.splitlines():
        kernel.write(f"/proc/{pid}/uid_map", line + "\n")
    for line in gid_map.splitlines():
        kernel.write(f"/proc/{pid}/gid_map", line + "\n")
