# mistake: the old /proc is shown at another place
# fails: proc_numbers
# says: does not show the processes of the new

def mount_proc(kernel, root):
    kernel.mount("/proc", f"{root}/proc", "", MS_BIND | MS_REC)
