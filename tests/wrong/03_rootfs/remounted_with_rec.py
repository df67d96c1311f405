# mistake: MS_REC does nothing for a remount: so each mount was remounted by hand
# fails: read_only
# says: became read-only too

def read_only_root(kernel):
    for point in ("/", "/dev"):
        kernel.mount("", point, "", MS_REMOUNT | MS_BIND | MS_RDONLY)
