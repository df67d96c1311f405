# right: setgroups may come after the uid_map, as long as it comes before the gid_map


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
    kernel.write(f"/proc/{pid}/gid_map", gid_map)
