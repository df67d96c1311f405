# right: setgroups with a line feed, and the map of the groups before that of the users

def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    for name, text in (("setgroups", setgroups + "\n"), ("gid_map", gid_map), ("uid_map", uid_map)):
        kernel.write(f"/proc/{pid}/{name}", text)
