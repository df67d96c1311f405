# mistake: the maps of the caller are written, not those of the process
# fails: maps_without_rights
# says: The kernel refused what write_maps wrote


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    kernel.write("/proc/self/setgroups", setgroups)
    kernel.write("/proc/self/uid_map", uid_map)
    kernel.write("/proc/self/gid_map", gid_map)
