# right: open and write, in a loop over a dictionary


def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    for name, text in {"setgroups": setgroups, "uid_map": uid_map, "gid_map": gid_map}.items():
        with open(f"/proc/{pid}/{name}", "w") as f:
            f.write(text)
