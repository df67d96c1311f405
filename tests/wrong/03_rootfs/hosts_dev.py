# mistake: the host's /dev is bound, with its disks
# fails: dev_nodes
# says: disk 'block 240:77

def make_dev(kernel, root):
    kernel.mount("/dev", f"{root}/dev", "", MS_BIND | MS_REC)
