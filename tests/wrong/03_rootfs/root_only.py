# mistake: the working directory and the mounts are not looked at
# fails: check_pivot
# says: no chdir after pivot_root: expected False

def check_pivot(pid):
    return top_of(f"/proc/{pid}/root") == identity(f"/proc/{pid}/root")
