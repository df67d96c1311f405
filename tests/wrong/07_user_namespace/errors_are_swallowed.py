# mistake: a refused write goes unseen
# fails: maps_without_rights
# says: gid_map


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    for name, text in (("uid_map", uid_map), ("gid_map", gid_map), ("setgroups", setgroups)):
        try:
            kernel.write(f"/proc/{pid}/{name}", text)
        except OSError:
            pass
